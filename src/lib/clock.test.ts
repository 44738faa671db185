import { expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';
import { ManualClock } from './manual-clock.ts';

test('timers run in the order they fall due, each at its own time', () => {
  const clock = new ManualClock(0);
  const ran: string[] = [];
  clock.after(20, () => ran.push(`b ${clock.nowMs()}`));
  clock.after(10, () => ran.push(`a ${clock.nowMs()}`));
  const every = clock.every(15, () => ran.push(`every ${clock.nowMs()}`));
  clock.after(5, () => {}).cancel();
  clock.advance(30);
  expect(ran).toEqual(['a 10', 'every 15', 'b 20', 'every 30']);
  every.cancel();
  expect(clock.pendingCount).toBe(0);
});

test('a sleep ends with its time or with the signal', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const slept = clock.sleep(10, controller.signal);
  clock.advance(10);
  await slept;
  const cut = clock.sleep(10, controller.signal);
  controller.abort(new Error('enough'));
  await expect(cut).rejects.toThrow('enough');
  await expect(clock.sleep(10, controller.signal)).rejects.toThrow('enough');
  expect(clock.pendingCount).toBe(0);
});

test('a delay of more than the timers of Node take is kept all the same', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  try {
    const ran: string[] = [];
    const day = 24 * 60 * 60 * 1000;
    systemClock.after(60 * day, () => ran.push('after'));
    systemClock.after(60 * day, () => ran.push('cancelled')).cancel();
    const cancelledLater = systemClock.after(60 * day, () => ran.push('cancelled later'));
    const every = systemClock.every(60 * day, () => ran.push('every'));
    vi.advanceTimersByTime(24 * day);
    expect(ran).toEqual([]);
    vi.advanceTimersByTime(10 * day);
    cancelledLater.cancel();
    every.cancel();
    expect(ran).toEqual(['every']);
    vi.advanceTimersByTime(26 * day - 1);
    expect(ran).toEqual(['every']);
    vi.advanceTimersByTime(1);
    expect(ran).toEqual(['every', 'after']);
  } finally {
    vi.useRealTimers();
  }
});

import { expect, test } from 'vitest';
import { makeSpan } from '../../model/trace/span.fixture.ts';
import { batchOf } from '../../model/trace/span.ts';
import { RecentTraces } from './recent-traces.ts';

const batch = batchOf('default', [makeSpan({})]);

test('keeps the last few for a minute, and a newer reading replaces an older', () => {
  let nowMs = 0;
  const recent = new RecentTraces(() => nowMs);
  for (let i = 0; i < 10; i++) recent.put(`${i}`, batch);
  expect(recent.get('1')).toBeUndefined();
  expect(recent.get('2')).toBe(batch);
  const newer = batchOf('default', [makeSpan({}), makeSpan({ spanId: '2' })]);
  recent.put('2', newer);
  expect(recent.get('2')).toBe(newer);
  nowMs = 60_001;
  expect(recent.get('2')).toBeUndefined();
});

test('forgets everything when it is told to', () => {
  const recent = new RecentTraces(() => 0);
  recent.put('1', batch);
  expect(recent.forgettings).toBe(0);
  recent.forgetAll();
  expect(recent.get('1')).toBeUndefined();
  expect(recent.forgettings).toBe(1);
});

test('a trace that is too large is not kept', () => {
  const recent = new RecentTraces(() => 0);
  const text = 'x'.repeat(130 * 1024 * 1024);
  recent.put('1', batchOf('default', [makeSpan({ attributes: { text } })]));
  expect(recent.get('1')).toBeUndefined();
});

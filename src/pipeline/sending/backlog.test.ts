import { expect, test, vi } from 'vitest';
import { Delivery } from '../../component/batching/lane.ts';
import type { Batch } from '../../component/consumer.ts';
import { makeSpan } from '../../model/trace/span.fixture.ts';
import { batchOf } from '../../model/trace/span.ts';
import { Backlog, type Queued } from './backlog.ts';

const batch: Batch = batchOf('default', [makeSpan({})]);

class Items {
  readonly reads: number[] = [];
  readonly given: number[] = [];
  readonly leftOut: [number, unknown][] = [];
  readonly #queued = new Map<Queued, number>();
  readonly backlog = new Backlog({
    bytesMax: 100,
    give: (queued) => this.given.push(this.#queued.get(queued) ?? -1),
    leaveOut: (queued, error) => this.leftOut.push([this.#queued.get(queued) ?? -1, error]),
  });

  add(
    byteSize: number,
    { isAtHand = false, read = async (): Promise<Batch | undefined> => batch } = {},
  ): Queued {
    const number = this.#queued.size;
    const readIt = () => {
      this.reads.push(number);
      return read();
    };
    const item = { size: 1, byteSize, read: readIt, done: async () => {} };
    const queued = { item, delivery: new Delivery() };
    this.#queued.set(queued, number);
    this.backlog.add(queued, isAtHand ? batch : undefined);
    return queued;
  }
}

test('the oldest are in memory, up to a bound; the others are read when there is room', async () => {
  const items = new Items();
  const first = items.add(60, { isAtHand: true });
  const second = items.add(60, { isAtHand: true });
  items.add(30, { isAtHand: true });
  expect(items.given).toEqual([0]);
  items.backlog.release(first.item);
  await vi.waitFor(() => expect(items.given).toEqual([0, 1, 2]));
  expect(items.reads).toEqual([1, 2]);
  items.add(1000, { isAtHand: true });
  items.backlog.release(second.item);
  expect(items.given).toHaveLength(3);
});

test('one that is larger than the bound goes alone', async () => {
  const items = new Items();
  const large = items.add(1000);
  items.add(1);
  await vi.waitFor(() => expect(items.given).toEqual([0]));
  items.backlog.release(large.item);
  await vi.waitFor(() => expect(items.given).toEqual([0, 1]));
});

test('what cannot be read is left out, and holds up nothing', async () => {
  const items = new Items();
  const error = new Error('EIO');
  items.add(90, { read: () => Promise.reject(error) });
  items.add(90, { read: async () => undefined });
  items.add(90);
  await vi.waitFor(() => expect(items.given).toEqual([2]));
  expect(items.leftOut).toEqual([
    [0, error],
    [1, undefined],
  ]);
});

test('closed, it reads nothing more', async () => {
  const items = new Items();
  const first = items.add(90, { isAtHand: true });
  items.add(90, { isAtHand: true });
  items.backlog.close();
  items.backlog.release(first.item);
  await new Promise((resolve) => setImmediate(resolve));
  expect(items.reads).toEqual([]);
});

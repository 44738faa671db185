/** Joining and cutting batches of either form. OTLP requests of one kind join by their bytes:
 *  protobuf merges repeated fields of concatenated messages. They are never cut, because their items
 *  are not known apart. */
import { isOpaque, isSpans, type Batch, type OpaqueBatch } from '../../component/consumer.ts';
import { commonClient } from '../../model/batch/client.ts';
import { concat, gather } from '../../model/batch/gather.ts';

/** One batch of all, in order. All have the same signal and tenant. */
export function join(batches: readonly Batch[]): Batch {
  const [first] = batches;
  if (first && batches.length === 1) return first;
  const spans = batches.filter(isSpans);
  if (spans.length === batches.length) return concat(spans);
  return joinOpaque(batches.filter(isOpaque));
}

function joinOpaque(batches: readonly OpaqueBatch[]): OpaqueBatch {
  const [first] = batches;
  if (!first) throw new TypeError('nothing to join');
  const bytes = Buffer.concat(batches.map((batch) => batch.bytes));
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  return { ...first, client: commonClient(batches), bytes, count, byteSize: bytes.length };
}

/** The first `count` items and the rest; undefined when the batch cannot be cut there. */
export function cut(batch: Batch, count: number): readonly [Batch, Batch] | undefined {
  if (isOpaque(batch) || count <= 0 || count >= batch.count) return undefined;
  return [gather(batch, rows(0, count)), gather(batch, rows(count, batch.count))];
}

function rows(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, index) => from + index);
}

/** Joining and cutting batches of either form. OTLP requests of one kind join by their bytes:
 *  protobuf merges repeated fields of concatenated messages. They are never cut, because their items
 *  are not known apart. */
import { isMessages, isSpans, type Batch } from '../../component/consumer.ts';
import { messagesOfBytes, type MessageBatch } from '../../component/message-batch.ts';
import { commonClient } from '../../model/batch/client.ts';
import { concat, gather } from '../../model/batch/gather.ts';

/** One batch of all, in order. All have the same signal and tenant. */
export function join(batches: readonly Batch[]): Batch {
  const [first] = batches;
  if (first && batches.length === 1) return first;
  const spans = batches.filter(isSpans);
  if (spans.length === batches.length) return concat(spans);
  return joinMessages(batches.filter(isMessages));
}

function joinMessages(batches: readonly MessageBatch[]): MessageBatch {
  const [first] = batches;
  if (!first) throw new TypeError('nothing to join');
  const bytes = Buffer.concat(batches.map(({ payload }) => payload.bytes));
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  return messagesOfBytes({ ...first, client: commonClient(batches), count, bytes });
}

/** The first `count` items and the rest; undefined when the batch cannot be cut there. */
export function cut(batch: Batch, count: number): readonly [Batch, Batch] | undefined {
  if (isMessages(batch) || count <= 0 || count >= batch.count) return undefined;
  return [gather(batch, rows(0, count)), gather(batch, rows(count, batch.count))];
}

function rows(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, index) => from + index);
}

/** Joining and cutting batches of either form. OTLP requests of one kind join by their bytes:
 *  protobuf merges repeated fields of concatenated messages. To cut one it is decoded. */
import { isMessages, isSpans, type Batch } from '../consumer.ts';
import { messagesOfBytes, packed, withMessage, type MessageBatch } from '../message-batch.ts';
import { commonClient } from '../../model/batch/client.ts';
import { compact, concat, gather } from '../../model/batch/gather.ts';
import type { LogRecord } from '../../model/logs.ts';
import { METRIC_MEASURE } from '../../model/metrics.ts';
import { splitMessage, type Measure, type SignalMessage } from '../../model/signal-message.ts';
import { logsCodec, metricsCodec, type SignalCodec } from '../../wire/otlp-messages/codec.ts';

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

/** The first `count` items (spans, data points, log records) and the rest; undefined when the batch
 *  has no more. */
export function cut(batch: Batch, count: number): readonly [Batch, Batch] | undefined {
  if (count <= 0 || count >= batch.count) return undefined;
  if (isMessages(batch)) return cutMessages(batch, count);
  return [gather(batch, rows(0, count)), gather(batch, rows(count, batch.count))];
}

/** What limits count: items, or bytes. */
export type BatchMeasure = (batch: Batch) => number;

export const batchMeasures: Readonly<Record<'items' | 'bytes', BatchMeasure>> = {
  items: ({ count }) => count,
  bytes: ({ byteSize }) => byteSize,
};

/** The batch with nothing that its measure should not count: rows that were chosen from others share
 *  the strings of all. */
export function measurable(batch: Batch, measure: BatchMeasure): Batch {
  if (measure === batchMeasures.items) return batch;
  return isSpans(batch) ? compact(batch) : packed(batch);
}

/** The first part that measures at most `size` (by bytes: about as long as it can be), and the rest.
 *  One item is a part even when it is larger; undefined when the batch has no more than that.
 *  @param batch measurable */
export function cutTo(
  batch: Batch,
  size: number,
  measure: BatchMeasure,
): readonly [Batch, Batch] | undefined {
  if (measure === batchMeasures.items) return cut(batch, size);
  let count = Math.floor((batch.count * size) / Math.max(measure(batch), 1));
  for (;;) {
    const halves = cut(batch, Math.max(count, 1));
    if (!halves) return undefined;
    const first = measurable(halves[0], measure);
    const measured = measure(first);
    if (measured <= size || count <= 1) return [first, measurable(halves[1], measure)];
    count = Math.min(count - 1, Math.floor((count * size) / measured));
  }
}

function rows(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, index) => from + index);
}

const LOG_MEASURE: Measure<LogRecord> = { size: () => 1, split: (record) => [record, record] };

function cutMessages(batch: MessageBatch, count: number): readonly [Batch, Batch] | undefined {
  return batch.signal === 'metrics'
    ? cutBy(batch, count, { codec: metricsCodec, measure: METRIC_MEASURE })
    : cutBy(batch, count, { codec: logsCodec, measure: LOG_MEASURE });
}

interface Kind<Item> {
  readonly codec: SignalCodec<SignalMessage<Item>>;
  readonly measure: Measure<Item>;
}

/** undefined also when the request holds fewer items than it was counted to. */
function cutBy<Item>(
  batch: MessageBatch,
  count: number,
  { codec, measure }: Kind<Item>,
): readonly [Batch, Batch] | undefined {
  const [first, rest] = splitMessage(batch.payload.message(codec), count, measure);
  if (codec.count(rest) === 0) return undefined;
  return [withMessage(batch, codec, first), withMessage(batch, codec, rest)];
}

/** What a sending queue counts, under the Collector's names. */
import { byteBuckets, itemBuckets } from '../../component/batching/buckets.ts';
import type { Signal } from '../../component/consumer.ts';
import { type ComponentTelemetry, itemNames } from '../../component/telemetry.ts';
import type { QueueCounters } from './queue-sender.ts';

interface Place {
  readonly telemetry: ComponentTelemetry;
  readonly id: string;
  readonly signal: Signal;
}

const labelNames = ['exporter', 'data_type'] as const;

export function queueCounters(place: Place): QueueCounters {
  const { telemetry, id, signal } = place;
  const labels = { exporter: id, data_type: signal };
  const item = itemNames[signal];
  const counter = (name: string, help: string) =>
    telemetry.counter({ name, help, labels: labelNames }).labels(labels);
  const gauge = (name: string, help: string) =>
    telemetry.gauge({ name, help, labels: labelNames }).labels(labels);
  const enqueueFailed = counter(
    `otelcol_exporter_enqueue_failed_${item}_total`,
    `Number of ${item} that could not be added to the sending queue.`,
  );
  const dropped = counter(
    `otelcol_exporter_dropped_${item}_total`,
    `Number of queued ${item} given up after permanent failure, too many retries or shutdown.`,
  );
  const size = gauge(
    'otelcol_exporter_queue_size',
    'Current size of the sending queue, in the unit of its sizer.',
  );
  const capacity = gauge(
    'otelcol_exporter_queue_capacity',
    'Bound of the sending queue, in the unit of its sizer.',
  );
  return {
    enqueueFailed: (items) => enqueueFailed.inc(items),
    dropped: (items) => dropped.inc(items),
    size(now, most) {
      size.set(now);
      capacity.set(most);
    },
    enqueued: batchSizes(place, 'enqueue_size', 'a batch added to the sending queue'),
    merged: batchSizes(place, 'queue_batch_send_size', 'a batch merged from the sending queue'),
  };
}

/** Observes items and bytes; the metrics exist from the first batch on. */
function batchSizes({ telemetry, id, signal }: Place, suffix: string, what: string) {
  const labels = { exporter: id, data_type: signal };
  const histogram = (end: string, unit: string, buckets: readonly number[]) =>
    telemetry
      .histogram({
        name: `otelcol_exporter_${suffix}${end}`,
        help: `Number of ${unit} in ${what}.`,
        labels: labelNames,
        buckets,
      })
      .labels(labels);
  return ({ count, byteSize }: { readonly count: number; readonly byteSize: number }): void => {
    histogram('', 'items', itemBuckets).observe(count);
    histogram('_bytes', 'bytes', byteBuckets).observe(byteSize);
  };
}

/** The batch processor's own counters, under the Collector's names where it has them. */
import { byteBuckets, itemBuckets } from '../../component/batching/buckets.ts';
import type { Batch } from '../../component/consumer.ts';
import type { ComponentTelemetry } from '../../component/telemetry.ts';

/** What made a batch leave. */
export type Trigger = 'size' | 'timeout' | 'stop';

export class BatchMetrics {
  readonly #telemetry: ComponentTelemetry;
  readonly #id: string;
  readonly #counts;
  readonly #bytes;

  constructor(telemetry: ComponentTelemetry, id: string) {
    this.#telemetry = telemetry;
    this.#id = id;
    const histogram = (suffix: string, help: string, buckets: readonly number[]) =>
      telemetry
        .histogram({ name: name(suffix), help, labels: ['processor'], buckets })
        .labels({ processor: id });
    this.#counts = histogram('batch_send_size', 'Number of items in a sent batch.', itemBuckets);
    this.#bytes = histogram('batch_send_size_bytes', 'Bytes in a sent batch.', byteBuckets);
  }

  sent(batch: Batch, trigger: Trigger): void {
    this.#counts.observe(batch.count);
    this.#bytes.observe(batch.byteSize);
    if (trigger === 'stop') return;
    const suffix = trigger === 'size' ? 'batch_size' : 'timeout';
    this.#telemetry
      .counter({
        name: name(`${suffix}_trigger_send_total`),
        help: `Number of batches sent because of the ${trigger}.`,
        labels: ['processor'],
      })
      .inc({ processor: this.#id });
  }

  /** Acknowledged when they came, refused when they went. */
  lost(items: number): void {
    this.#telemetry
      .counter({
        name: name('items_lost_total'),
        help: 'Number of acknowledged items that were refused further down.',
        labels: ['processor'],
      })
      .inc({ processor: this.#id }, items);
  }

  lanes(count: number): void {
    this.#telemetry
      .gauge({
        name: name('metadata_cardinality'),
        help: 'Number of distinct tenants and metadata values being batched.',
        labels: ['processor'],
      })
      .set({ processor: this.#id }, count);
  }
}

function name(suffix: string): string {
  return `otelcol_processor_batch_${suffix}`;
}

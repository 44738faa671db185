/** The Collector's counters around processors and exporters. They are put there by the graph, so
 *  that no component counts itself. */
import {
  admitThrough,
  type Batch,
  type Consumer,
  PartlyRefused,
  type Signal,
} from '../component/consumer.ts';
import { itemNames, type OutcomeCounters, type OwnMetrics } from '../component/telemetry.ts';

interface Place {
  readonly metrics: OwnMetrics;
  readonly id: string;
  readonly signal: Signal;
}

export function aroundExporter(next: Consumer<Batch>, place: Place): Consumer<Batch> {
  const item = itemNames[place.signal];
  const labels = { exporter: place.id, data_type: place.signal };
  const counter = (name: string, help: string) =>
    place.metrics.counter({ name, help, labels: ['exporter', 'data_type'] }).labels(labels);
  const inFlight = place.metrics
    .gauge({
      name: 'otelcol_exporter_in_flight_requests',
      help: 'Requests that the exporter is sending.',
      labels: ['exporter', 'data_type'],
    })
    .labels(labels);
  return countedAsSent(whileInside(next, inFlight), {
    accepted: counter(
      `otelcol_exporter_sent_${item}_total`,
      `Number of ${item} successfully sent to the destination.`,
    ),
    refused: counter(
      `otelcol_exporter_send_failed_${item}_total`,
      `Number of ${item} in failed attempts to send to the destination.`,
    ),
  });
}

/** A partial success ends here: what was refused is counted, and the others have arrived. */
function countedAsSent(next: Consumer<Batch>, counters: OutcomeCounters): Consumer<Batch> {
  return {
    ...admitThrough(next),
    async consume(batch, signal) {
      let refused = 0;
      try {
        await next.consume(batch, signal);
      } catch (error) {
        refused = error instanceof PartlyRefused ? Math.min(error.items, batch.count) : batch.count;
        if (!(error instanceof PartlyRefused)) throw error;
      } finally {
        if (refused > 0) counters.refused.inc(refused);
        if (refused < batch.count) counters.accepted.inc(batch.count - refused);
      }
    },
  };
}

function whileInside(next: Consumer<Batch>, gauge: { inc(): void; dec(): void }): Consumer<Batch> {
  return {
    ...admitThrough(next),
    async consume(batch, signal) {
      gauge.inc();
      try {
        await next.consume(batch, signal);
      } finally {
        gauge.dec();
      }
    },
  };
}

export interface ProcessorCounting {
  incoming(processor: Consumer<Batch>): Consumer<Batch>;
  outgoing(next: Consumer<Batch>): Consumer<Batch>;
}

export function aroundProcessor({ metrics, id, signal }: Place): ProcessorCounting {
  const labels = { processor: id, otel_signal: signal };
  const counter = (direction: 'incoming' | 'outgoing', help: string) =>
    metrics
      .counter({
        name: `otelcol_processor_${direction}_items_total`,
        help,
        labels: ['processor', 'otel_signal'],
      })
      .labels(labels);
  const incoming = counter('incoming', 'Number of items passed to the processor.');
  const outgoing = counter('outgoing', 'Number of items emitted from the processor.');
  return {
    incoming: (processor) => countedFirst(processor, incoming),
    outgoing: (next) => countedFirst(next, outgoing),
  };
}

/** Counts what is handed over, whatever becomes of it. */
function countedFirst(
  next: Consumer<Batch>,
  counter: { inc(items: number): void },
): Consumer<Batch> {
  return {
    ...admitThrough(next),
    async consume(batch, signal) {
      counter.inc(batch.count);
      await next.consume(batch, signal);
    },
  };
}

/** The program's own metrics, with the Collector's names, so that existing dashboards and alerts
 *  work. Receivers say over which transport data came; what passes processors and exporters is
 *  counted by the runtime around them, so no component has to. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { admitThrough, type Batch, type Consumer, type Signal } from './consumer.ts';

export interface MetricOptions {
  /** Full name, `otelcol_processor_batch_batch_send_size`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** The end of the name that is its unit, for readers that want names without. */
  readonly unit?: 'seconds' | 'bytes' | undefined;
}

export interface ComponentTelemetry {
  /** For libraries that register their own metrics. */
  readonly registry: Registry;
  /** Each returns the metric of that name, made on first use: instances share it. */
  counter(options: MetricOptions): Counter;
  gauge(options: MetricOptions): Gauge;
  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): Histogram;
  /** Wraps a receiver's next consumer: counts what came over `transport` as accepted or refused. */
  received<T extends Batch>(signal: Signal, transport: string, next: Consumer<T>): Consumer<T>;
  /** Counts items refused before a batch existed, for example an undecodable request's unknown
   *  number of spans as 0, or a full queue's known one. */
  refused(signal: Signal, transport: string, items: number): void;
}

/** What an item of each signal is called in metric names. */
export const itemNames: Record<Signal, string> = {
  traces: 'spans',
  metrics: 'metric_points',
  logs: 'log_records',
};

/** The metrics of one process. */
export class OwnMetrics {
  readonly registry = new Registry();
  readonly #units = new Map<string, string>();

  unitOf(name: string): string | undefined {
    return this.#units.get(name);
  }

  forComponent(id: string): ComponentTelemetry {
    return new BoundTelemetry(this, id);
  }

  counter(options: MetricOptions): Counter {
    const known = this.registry.getSingleMetric(options.name);
    return known instanceof Counter ? known : new Counter(this.#settings(options));
  }

  gauge(options: MetricOptions): Gauge {
    const known = this.registry.getSingleMetric(options.name);
    return known instanceof Gauge ? known : new Gauge(this.#settings(options));
  }

  /** A gauge whose value is read at the moment it is asked for. */
  measured(options: MetricOptions, read: () => number): void {
    const gauge: Gauge = new Gauge({
      ...this.#settings(options),
      collect: () => gauge.set(read()),
    });
  }

  /** The same for a count that something else keeps and that only grows. */
  measuredTotal(options: MetricOptions, read: () => number): void {
    const counter: Counter = new Counter({
      ...this.#settings(options),
      collect() {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): Histogram {
    const known = this.registry.getSingleMetric(options.name);
    if (known instanceof Histogram) return known;
    return new Histogram({ ...this.#settings(options), buckets: [...options.buckets] });
  }

  /** Takes back what the gauges say of a component that is no longer there; counts stay.
   *  @param kind the label that carries the id: exporter, processor, … */
  forget(kind: string, id: string): void {
    for (const gauge of this.registry.getMetricsAsArray()) {
      if (gauge instanceof Gauge) void this.#forgetIn(gauge, kind, id);
    }
  }

  async #forgetIn(gauge: Gauge, kind: string, id: string): Promise<void> {
    const { values } = await gauge.get();
    for (const { labels } of values) if (labels[kind] === id) gauge.remove(labels);
  }

  #settings({ name, help, labels, unit }: MetricOptions) {
    if (unit !== undefined) this.#units.set(name, unit);
    return { name, help, labelNames: [...labels], registers: [this.registry] };
  }
}

class BoundTelemetry implements ComponentTelemetry {
  readonly #metrics: OwnMetrics;
  readonly #id: string;

  constructor(metrics: OwnMetrics, id: string) {
    this.#metrics = metrics;
    this.#id = id;
  }

  get registry(): Registry {
    return this.#metrics.registry;
  }

  counter(options: MetricOptions): Counter {
    return this.#metrics.counter(options);
  }

  gauge(options: MetricOptions): Gauge {
    return this.#metrics.gauge(options);
  }

  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): Histogram {
    return this.#metrics.histogram(options);
  }

  received<T extends Batch>(signal: Signal, transport: string, next: Consumer<T>): Consumer<T> {
    const labels = { receiver: this.#id, transport };
    return counted(next, {
      accepted: this.#items('accepted', signal).labels(labels),
      refused: this.#items('refused', signal).labels(labels),
    });
  }

  refused(signal: Signal, transport: string, items: number): void {
    this.#items('refused', signal).labels({ receiver: this.#id, transport }).inc(items);
  }

  #items(outcome: 'accepted' | 'refused', signal: Signal): Counter {
    const item = itemNames[signal];
    return this.#metrics.counter({
      name: `otelcol_receiver_${outcome}_${item}_total`,
      help: `Number of ${item} that the receiver ${outcome}.`,
      labels: ['receiver', 'transport'],
    });
  }
}

export interface OutcomeCounters {
  readonly accepted: { inc(items: number): void };
  readonly refused: { inc(items: number): void };
}

/** A consumer that counts what the one behind it accepted and refused. */
export function counted<T extends Batch>(
  next: Consumer<T>,
  counters: OutcomeCounters,
): Consumer<T> {
  return {
    ...admitThrough(next),
    async consume(batch, signal) {
      try {
        await next.consume(batch, signal);
      } catch (error) {
        counters.refused.inc(batch.count);
        throw error;
      }
      counters.accepted.inc(batch.count);
    },
  };
}

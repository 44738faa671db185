/** Counts the calls of operations and their durations, so that rates, errors and latencies can be
 *  watched without reading traces. */
import { randomUUID } from 'node:crypto';
import type { MessageBatch } from '../../component/message-batch.ts';
import { defineConnector, type ConnectorContext } from '../../component/define.ts';
import type { Timer } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { Aggregate, type AggregateOptions, type Now } from './aggregate.ts';
import { bucketsOf, SpanMetricsConfig } from './config.ts';
import { ExplicitDistribution, ExponentialDistribution } from './distribution.ts';
import { metricBatches } from './output.ts';

export const component = defineConnector<SpanMetricsConfig, SpanBatch, MessageBatch>({
  type: 'span_metrics',
  aliases: ['spanmetrics'],
  stability: 'beta',
  summary: 'Makes metrics of calls and durations from spans.',
  routes: [{ from: 'traces', to: 'metrics' }],
  config: SpanMetricsConfig,
  ack: () => ({ kind: 'memory', where: 'spans are counted and sent as metrics later' }),
  create: (context) => new SpanMetrics(context),
});

/** What is counted under one set of labels. */
interface Counted {
  readonly counter: 'calls' | 'events' | undefined;
  readonly aggregate: Aggregate;
}

class SpanMetrics {
  readonly #context: ConnectorContext<SpanMetricsConfig, MessageBatch>;
  readonly #instanceId = randomUUID();
  readonly #tenants = new Map<string, readonly Counted[]>();
  readonly #isDelta: boolean;
  #timer: Timer | undefined;
  #lastNano = 0n;
  #flushing: Promise<void> = Promise.resolve();
  #isFlushing = false;

  constructor(context: ConnectorContext<SpanMetricsConfig, MessageBatch>) {
    this.#context = context;
    this.#isDelta = context.config.aggregation_temporality === 'AGGREGATION_TEMPORALITY_DELTA';
  }

  async start(): Promise<void> {
    const { clock, config } = this.#context;
    const stopped = new AbortController().signal;
    this.#lastNano = this.#now().nano;
    this.#timer = clock.every(config.metrics_flush_interval, () => this.#flushSoon(stopped));
  }

  async consume(batch: SpanBatch): Promise<void> {
    const now = this.#now();
    for (const { aggregate } of this.#countedOf(batch.tenant)) aggregate.add(batch, now);
  }

  /** Sends what was counted since the last time. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#timer?.cancel();
    await this.#flushing;
    await this.#flush(signal);
  }

  /** One after the other, so that points never overtake each other; while one is still on its way,
   *  what is counted waits for the next interval. */
  #flushSoon(signal: AbortSignal): void {
    if (this.#isFlushing) return;
    this.#flushing = this.#flush(signal);
  }

  async #flush(signal: AbortSignal): Promise<void> {
    this.#isFlushing = true;
    await this.#send(this.#take(), signal);
    this.#isFlushing = false;
  }

  async #send(batches: readonly MessageBatch[], signal: AbortSignal): Promise<void> {
    const { next, logger } = this.#context;
    for (const batch of batches) {
      try {
        await next.consume(batch, signal);
      } catch (error) {
        this.#refused(batch.count);
        logger.warn({ points: batch.count, error: messageOf(error) }, 'metrics were not taken');
      }
    }
  }

  /** Totals that were refused are contained in the next ones; changes are lost. */
  #refused(points: number): void {
    const { telemetry, id } = this.#context;
    telemetry
      .counter({
        name: 'otelcol_connector_span_metrics_refused_points_total',
        help: 'Data points that the next component did not take.',
        labels: ['connector'],
      })
      .labels({ connector: id })
      .inc(points);
  }

  #take(): MessageBatch[] {
    const { config } = this.#context;
    const now = this.#now();
    const batches: MessageBatch[] = [];
    for (const [tenant, counted] of this.#tenants) {
      for (const { counter, aggregate } of counted) {
        this.#expire(aggregate, now);
        const options = {
          tenant,
          counter,
          prefix: config.namespace === '' ? '' : `${config.namespace}.`,
          unit: config.histogram.unit,
          isDelta: this.#isDelta,
          timeNano: now.nano,
          lastNano: this.#lastNano,
        };
        batches.push(...metricBatches(aggregate.resources(), options));
        if (this.#isDelta) aggregate.clear();
        else forgetExemplars(aggregate);
      }
      if (counted.every(({ aggregate }) => aggregate.seriesCount === 0)) {
        this.#tenants.delete(tenant);
      }
    }
    this.#lastNano = now.nano;
    return batches;
  }

  #expire(aggregate: Aggregate, now: Now): void {
    const { metrics_expiration: resources, series_expiration: series } = this.#context.config;
    const before = (age: number) => (age === 0 ? Number.NEGATIVE_INFINITY : now.ms - age);
    aggregate.expire(before(resources), before(series));
  }

  #countedOf(tenant: string): readonly Counted[] {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const counted = this.#newCounted();
    this.#tenants.set(tenant, counted);
    return counted;
  }

  #newCounted(): Counted[] {
    const { dimensions, events } = this.#context.config;
    if (!events.enabled) return this.#ofSpans();
    const aggregate = this.#aggregate([...dimensions, ...events.dimensions], 'events');
    return [...this.#ofSpans(), { counter: 'events', aggregate }];
  }

  /** Calls and durations stand together unless they have labels of their own. */
  #ofSpans(): Counted[] {
    const { dimensions, calls_dimensions: ofCalls, histogram } = this.#context.config;
    if (ofCalls.length === 0 && (histogram.disable || histogram.dimensions.length === 0)) {
      const what = histogram.disable ? 'calls' : 'durations';
      return [{ counter: 'calls', aggregate: this.#aggregate(dimensions, what) }];
    }
    const calls = this.#aggregate([...dimensions, ...ofCalls], 'calls');
    if (histogram.disable) return [{ counter: 'calls', aggregate: calls }];
    const durations = this.#aggregate([...dimensions, ...histogram.dimensions], 'durations');
    return [
      { counter: 'calls', aggregate: calls },
      { counter: undefined, aggregate: durations },
    ];
  }

  #aggregate(
    dimensions: AggregateOptions['dimensions'],
    what: 'calls' | 'durations' | 'events',
  ): Aggregate {
    const { config } = this.#context;
    const { unit, exponential } = config.histogram;
    const bounds = bucketsOf(config.histogram).map((ms) => (unit === 's' ? ms / 1000 : ms));
    const sizeMax = exponential?.max_size;
    const newDurations = () =>
      sizeMax === undefined
        ? new ExplicitDistribution(bounds)
        : new ExponentialDistribution(sizeMax);
    return new Aggregate({
      dimensions,
      labels: [
        { key: 'collector.instance.id', value: { type: 'string', value: this.#instanceId } },
      ],
      excluded: new Set(config.exclude_dimensions),
      keyAttributes: config.resource_metrics_key_attributes,
      resourcesMax: config.resource_metrics_cache_size,
      seriesMax: config.aggregation_cardinality_limit,
      exemplarsMax: config.exemplars.enabled ? config.exemplars.max_per_data_point : 0,
      nanosPerUnit: unit === 's' ? 1e9 : 1e6,
      durations: () => (what === 'durations' ? newDurations() : undefined),
      scopes: config.include_instrumentation_scope,
      countsEvents: what === 'events',
      keepsResources: config.add_resource_attributes,
    });
  }

  #now(): Now {
    const { clock } = this.#context;
    return { ms: clock.monotonicMs(), nano: BigInt(Math.round(clock.nowMs())) * 1_000_000n };
  }
}

function forgetExemplars(aggregate: Aggregate): void {
  for (const { series } of aggregate.resources()) {
    for (const one of series.values()) one.exemplars = [];
  }
}

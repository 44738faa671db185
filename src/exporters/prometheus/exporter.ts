/** Holds the last value of every series for Prometheus to scrape. */
import { serverNeeds } from '../../component/auth/authenticator.ts';
import { isSpans, notRunning, PipelineError, type Batch } from '../../component/consumer.ts';
import { defineExporter, type ExporterContext } from '../../component/define.ts';
import type { Timer } from '../../lib/clock.ts';
import { metricsCodec } from '../../wire/otlp-messages/codec.ts';
import { PrometheusConfig } from './config.ts';
import { Intake, type Refused } from './intake.ts';
import { SeriesStore } from './series-store.ts';
import { MetricsServer } from './server.ts';

const SWEEP_MS_MAX = 60_000;

export const component = defineExporter({
  type: 'prometheus',
  stability: 'beta',
  summary: 'Serves metrics for Prometheus to scrape.',
  signals: ['metrics'],
  isExclusive: true,
  config: PrometheusConfig,
  needs: (config) => serverNeeds(config),
  ack: () => ({ kind: 'memory', where: 'the last value of each series waits to be scraped' }),
  create: (context) => new PrometheusExporter(context),
});

class PrometheusExporter {
  readonly #context: ExporterContext<PrometheusConfig>;
  readonly #store: SeriesStore;
  readonly #intake: Intake;
  readonly #server: MetricsServer;
  readonly #warned = new Set<Refused>();
  #sweep: Timer | undefined;

  constructor(context: ExporterContext<PrometheusConfig>) {
    const { config, clock } = context;
    this.#context = context;
    this.#store = new SeriesStore(clock, config.metric_expiration);
    this.#intake = new Intake({
      config,
      clock,
      store: this.#store,
      dropped: (reason, metric) => this.#dropped(reason, metric),
    });
    this.#server = new MetricsServer(context, () => {
      this.#store.expire();
      return this.#store.families();
    });
  }

  async start(): Promise<void> {
    const { clock, config, host, id } = this.#context;
    const address = await this.#server.start();
    const periodMs = Math.min(Math.max(config.metric_expiration, 1), SWEEP_MS_MAX);
    this.#sweep = clock.every(periodMs, () => this.#store.expire());
    host.announce({ label: id, address });
  }

  async consume(batch: Batch): Promise<void> {
    if (this.#sweep === undefined) throw notRunning();
    if (isSpans(batch) || batch.signal !== 'metrics') {
      throw new PipelineError('bad_settings', 'the prometheus exporter takes metrics only');
    }
    this.#intake.take(batch.payload.message(metricsCodec));
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#sweep?.cancel();
    this.#sweep = undefined;
    await this.#server.stop(signal);
  }

  /** Counted each time, told once a reason. */
  #dropped(reason: Refused, metric: string): void {
    const { telemetry, logger, id } = this.#context;
    telemetry
      .counter({
        name: 'otelcol_exporter_prometheus_dropped_points_total',
        help: 'Data points that have no place among the series served.',
        labels: ['exporter', 'reason'],
      })
      .labels({ exporter: id, reason })
      .inc();
    if (this.#warned.has(reason)) return;
    this.#warned.add(reason);
    logger.warn({ metric, reason }, 'dropped data points; further ones are only counted');
  }
}

/** The real Spoor, started as a user starts it, on free ports and a temporary directory; its
 *  addresses are read from what it prints. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { JaegerApi } from './jaeger.ts';
import { root } from './parts.ts';
import { Program } from './program.ts';

export type Protocol = 'grpc' | 'http/protobuf' | 'http/json';
export type Target = { readonly service: string; readonly protocol: Protocol };

const FREE_PORT = '127.0.0.1:0';
const COUNTED_WITHIN_MS = 30_000;
const settings = [
  `receivers.otlp.protocols.grpc.endpoint=${FREE_PORT}`,
  `receivers.otlp.protocols.http.endpoint=${FREE_PORT}`,
  `extensions.jaeger_query.http.endpoint=${FREE_PORT}`,
  `extensions.healthcheckv2.http.endpoint=${FREE_PORT}`,
  'service.telemetry.metrics.readers=' +
    '[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]',
];

export class Spoor {
  readonly api: JaegerApi;
  /** Where the page is. */
  readonly ui: string;
  readonly #grpc: string;
  readonly #http: string;
  readonly #ownMetrics: string;
  readonly #stop: () => Promise<void>;

  static async start(): Promise<Spoor> {
    const directory = await mkdtemp(join(tmpdir(), 'spoor-interop-'));
    const program = new Program(process.execPath, {
      args: ['src/cli/main.ts', ...settings.flatMap((setting) => ['--set', setting])],
      cwd: root,
      env: { SPOOR_DATA_DIR: directory },
    });
    const stop = async (): Promise<void> => {
      try {
        program.assertRunning();
      } finally {
        await program.stop();
        await rm(directory, { recursive: true, force: true });
      }
    };
    try {
      await program.says(/is ready\.[\s\S]*Ctrl-C/);
      return new Spoor(program.output, stop);
    } catch (error) {
      await stop();
      throw error;
    }
  }

  private constructor(banner: string, stop: () => Promise<void>) {
    this.ui = addressOf(banner, /UI/);
    this.api = new JaegerApi(this.ui);
    this.#grpc = addressOf(banner, /OTLP\/gRPC/);
    this.#http = addressOf(banner, /OTLP\/HTTP/);
    this.#ownMetrics = addressOf(banner, /own metrics/);
    this.#stop = stop;
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  /** What makes any OpenTelemetry SDK send its traces and metrics here, soon. */
  otelEnv({ service, protocol }: Target) {
    return {
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? this.#grpc : this.#http,
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_BSP_SCHEDULE_DELAY: '200',
    };
  }

  /** Waits until more metric points have been accepted over this transport than before. */
  async moreMetricPoints(before: number, transport: 'grpc' | 'http'): Promise<void> {
    const giveUpAt = Date.now() + COUNTED_WITHIN_MS;
    while ((await this.metricPoints(transport)) <= before) {
      if (Date.now() > giveUpAt) throw new Error(`no metric points came over ${transport}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** How many metric points Spoor has accepted over this transport. */
  async metricPoints(transport: 'grpc' | 'http'): Promise<number> {
    const text = await (await fetch(this.#ownMetrics)).text();
    const counted = text
      .split('\n')
      .filter((line) => line.startsWith('otelcol_receiver_accepted_metric_points'))
      .filter((line) => line.includes(`transport="${transport}"`))
      .map((line) => Number(line.slice(line.lastIndexOf(' '))));
    return counted.reduce((sum, count) => sum + count, 0);
  }
}

function addressOf(banner: string, label: RegExp): string {
  const line = banner.split('\n').find((text) => label.test(text));
  const address = line === undefined ? undefined : /\S+$/.exec(line.trimEnd())?.[0];
  if (address === undefined) throw new Error(`Spoor names no address of ${label}:\n${banner}`);
  return address.startsWith('http') ? address : `http://${address}`;
}

/** Serves the program's own metrics, and measures the process itself. */
import type { Lifecycle } from '../component/lifecycle.ts';
import { plainHttpServer } from '../component/server/config.ts';
import { HttpListener, type HttpListenerOptions } from '../component/server/http-listener.ts';
import type { OwnMetrics } from '../component/telemetry.ts';
import { exposed, type Exposition } from './exposition.ts';
import type { Settings } from './settings.ts';

export interface MetricsAddress extends Exposition {
  readonly host: string;
  readonly port: number;
}

export class OwnMetricsServer implements Lifecycle {
  readonly #listener: HttpListener;
  #address: string | undefined;

  constructor(
    metrics: OwnMetrics,
    address: MetricsAddress,
    context: HttpListenerOptions['context'],
  ) {
    const { registry } = metrics;
    this.#listener = new HttpListener({
      config: plainHttpServer(address),
      context,
      drains: false,
      onRequest(request, response) {
        if (request.url?.split('?', 1)[0] !== '/metrics') {
          response.writeHead(404, { 'content-type': 'text/plain' }).end('own metrics: /metrics\n');
          return;
        }
        exposed(metrics, address).then(
          (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
          () => response.writeHead(500).end(),
        );
      },
    });
  }

  async start(): Promise<void> {
    this.#address = await this.#listener.start();
  }

  /** Where it listens, once it does. */
  get url(): string | undefined {
    return this.#address === undefined ? undefined : `${this.#address}/metrics`;
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#listener.stop(signal);
  }
}

/** Where to serve, as `service::telemetry::metrics` says it. */
export function metricsAddresses({ service }: Pick<Settings, 'service'>): MetricsAddress[] {
  const { level, readers, address } = service.telemetry.metrics;
  if (level === 'none') return [];
  const plain = { level, without_units: true, without_type_suffix: true };
  if (address !== undefined) return [{ ...plain, ...address }];
  return readers.flatMap(({ pull }) => {
    return pull === undefined ? [] : [{ level, ...pull.exporter.prometheus }];
  });
}

/** Read when scraped, so nothing runs in between. */
export function measureProcess(metrics: OwnMetrics): void {
  const gauge = (name: string, help: string, read: () => number) => {
    metrics.measured({ name: `otelcol_process_${name}`, help, labels: [] }, read);
  };
  const counter = (
    options: { name: string; help: string; unit?: 'seconds' },
    read: () => number,
  ) => {
    const { name } = options;
    metrics.measuredTotal({ ...options, name: `otelcol_process_${name}`, labels: [] }, read);
  };
  const uptime = { name: 'uptime_seconds_total', help: 'Uptime of the process.' };
  counter({ ...uptime, unit: 'seconds' }, () => process.uptime());
  const cpu = { name: 'cpu_seconds_total', help: 'User and system CPU time of the process.' };
  counter(cpu, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  const rss = { name: 'otelcol_process_memory_rss_bytes', help: 'Resident memory of the process.' };
  metrics.measured({ ...rss, labels: [], unit: 'bytes' }, () => process.memoryUsage.rss());
  gauge('runtime_heap_alloc_bytes', 'Bytes of heap in use, outside buffers included.', () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  });
  gauge('runtime_total_sys_memory_bytes', 'Bytes of memory obtained from the system.', () => {
    const { heapTotal, external } = process.memoryUsage();
    return heapTotal + external;
  });
}

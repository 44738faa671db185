/** Serves the program's own metrics, and measures the process itself. */
import { createServer, type Server } from 'node:http';
import type { Lifecycle } from '../component/lifecycle.ts';
import { reachableAddress } from '../lib/address.ts';
import type { OwnMetrics } from '../component/telemetry.ts';
import type { Settings } from './settings.ts';

export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

export class OwnMetricsServer implements Lifecycle {
  readonly #metrics: OwnMetrics;
  readonly #address: MetricsAddress;
  #server: Server | undefined;

  constructor(metrics: OwnMetrics, address: MetricsAddress) {
    this.#metrics = metrics;
    this.#address = address;
  }

  async start(): Promise<void> {
    const { registry } = this.#metrics;
    const server = createServer((request, response) => {
      if (request.url?.split('?', 1)[0] !== '/metrics') {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('own metrics: /metrics\n');
        return;
      }
      registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    });
    this.#server = server;
    const { host, port } = this.#address;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(host === '' ? {} : { host }) }, resolve);
    });
  }

  /** Where it listens, once it does. */
  get url(): string | undefined {
    const address = this.#server?.address();
    if (!address || typeof address === 'string') return undefined;
    return `http://${reachableAddress(this.#address.host, address.port)}/metrics`;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    const closed = new Promise((resolve) => {
      server.close(resolve);
    });
    server.closeAllConnections();
    await closed;
  }
}

/** Where to serve, as `service::telemetry::metrics` says it. */
export function metricsAddresses({ service }: Pick<Settings, 'service'>): MetricsAddress[] {
  const { level, readers, address } = service.telemetry.metrics;
  if (level === 'none') return [];
  if (address !== undefined) return [address];
  return readers.map((reader) => reader.pull.exporter.prometheus);
}

/** Read when scraped, so nothing runs in between. */
export function measureProcess(metrics: OwnMetrics): void {
  const gauge = (name: string, help: string, read: () => number) => {
    metrics.measured({ name: `otelcol_process_${name}`, help, labels: [] }, read);
  };
  gauge('uptime_seconds_total', 'Uptime of the process.', () => process.uptime());
  gauge('cpu_seconds_total', 'User and system CPU time of the process.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  gauge('memory_rss_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss());
  gauge('runtime_heap_alloc_bytes', 'Bytes of heap in use, outside buffers included.', () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  });
  gauge('runtime_total_sys_memory_bytes', 'Bytes of memory obtained from the system.', () => {
    const { heapTotal, external } = process.memoryUsage();
    return heapTotal + external;
  });
}

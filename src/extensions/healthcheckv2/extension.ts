/** Tells load balancers and people whether the process is well: `GET /status`, 200 when it is, 503
 *  while it starts or stops. `?verbose` adds every component, `?pipeline` is accepted. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { serverNeeds } from '../../component/auth/authenticator.ts';
import { defineExtension, type CreateContext } from '../../component/define.ts';
import { HttpListener } from '../../component/server/http-listener.ts';
import type { ComponentStatus, StatusEntry, StatusReport } from '../../component/status.ts';
import { HealthConfig } from './config.ts';

export const component = defineExtension({
  type: 'healthcheckv2',
  aliases: ['health_check_v2'],
  stability: 'beta',
  summary: 'Answers health checks over HTTP.',
  config: HealthConfig,
  needs: ({ http }) => serverNeeds(http, ['http']),
  create: (context) => new HealthCheck(context),
});

class HealthCheck {
  readonly #context: CreateContext<HealthConfig>;
  readonly #listener: HttpListener | undefined;

  constructor(context: CreateContext<HealthConfig>) {
    const { http } = context.config;
    this.#context = context;
    this.#listener =
      http &&
      new HttpListener({
        config: http,
        context,
        drains: false,
        onRequest: (request, response) => this.#answer(request, response),
      });
  }

  async start(): Promise<void> {
    const { config, host } = this.#context;
    const address = await this.#listener?.start();
    if (address === undefined) return;
    host.announce({ label: 'health', address: `${address}${config.http?.status.path ?? ''}` });
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#listener?.stop(signal);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://health');
    const { http, component_health: counts } = this.#context.config;
    if (!http?.status.enabled || url.pathname !== http.status.path) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
      return;
    }
    const report = this.#context.host.status();
    const verbose = url.searchParams.has('verbose') && url.searchParams.get('verbose') !== 'false';
    const body = JSON.stringify(bodyOf(report, { nowMs: this.#context.clock.nowMs(), verbose }));
    const code = httpStatus(report.status, counts);
    response.writeHead(code, { 'content-type': 'application/json' }).end(body);
  }
}

type CountedErrors = HealthConfig['component_health'];

function httpStatus(status: ComponentStatus, counts: CountedErrors): number {
  switch (status) {
    case 'StatusOK':
      return 200;
    case 'StatusRecoverableError':
      return counts.include_recoverable_errors ? 503 : 200;
    case 'StatusPermanentError':
      return counts.include_permanent_errors ? 500 : 200;
    case 'StatusFatalError':
      return 500;
    default:
      return 503;
  }
}

function bodyOf(report: StatusReport, { nowMs, verbose }: { nowMs: number; verbose: boolean }) {
  const head = {
    start_time: new Date(report.startedMs).toISOString(),
    healthy: report.status === 'StatusOK',
    uptime: `${((nowMs - report.startedMs) / 1000).toFixed(3)}s`,
    ...entryOf(report),
  };
  if (!verbose) return head;
  const components = [...report.components].map(([id, entry]) => [id, entryOf(entry)]);
  return { ...head, components: Object.fromEntries(components) };
}

function entryOf({ status, error, sinceMs }: StatusEntry) {
  return { status, status_time: new Date(sinceMs).toISOString(), ...(error ? { error } : {}) };
}

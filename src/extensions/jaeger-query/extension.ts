/** Serves the query API and the UI over the store it is told. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { Answered } from '../../api/http/options.ts';
import { serverNeeds } from '../../component/auth/authenticator.ts';
import { defineExtension, type CreateContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { HttpListener } from '../../component/server/http-listener.ts';
import { messageOf } from '../../lib/errors.ts';
import { DEFAULT_TENANT } from '../../model/batch/span-batch.ts';
import { StorageError, traceStorage, type StorageBackend } from '../../storage/contract.ts';
import { QueryConfig, withoutEffect } from './config.ts';

/** Seconds, as the semantic conventions advise. */
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** The built UI lies beside src/ and dist/ alike. */
const builtUi = new URL('../../../ui/dist/', import.meta.url);

export const component = defineExtension({
  type: 'jaeger_query',
  stability: 'beta',
  summary: 'Serves the query API and the UI.',
  config: QueryConfig,
  needs: ({ storage, http }) => [
    { what: traceStorage.name, name: storage.traces, path: ['storage', 'traces'] },
    ...serverNeeds(http, ['http']),
  ],
  create: (context) => new JaegerQuery(context),
});

class JaegerQuery implements Lifecycle {
  readonly #context: CreateContext<QueryConfig>;
  #server: FastifyInstance | undefined;
  #listener: HttpListener | undefined;

  constructor(context: CreateContext<QueryConfig>) {
    this.#context = context;
  }

  async start(): Promise<void> {
    const { config, host, logger } = this.#context;
    const ignored = withoutEffect(config);
    if (ignored.length > 0) {
      logger.warn({ keys: ignored }, 'these settings have no effect in this version');
    }
    const backend = await this.#backend();
    const server = await this.#build(backend);
    this.#server = server;
    await server.ready();
    const listener = new HttpListener({
      config: config.http,
      context: this.#context,
      drains: false,
      onRequest: (request, response) => server.routing(request, response),
    });
    this.#listener = listener;
    const address = (await listener.start()) + config.base_path;
    host.announce({ label: 'UI and API', address });
    await backend.maintenance?.door?.announce(address).catch((error: unknown) => {
      logger.warn({ error: messageOf(error) }, '`spoor store` will not find this server');
    });
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#listener?.stop(signal);
    await this.#server?.close();
  }

  async #backend(): Promise<StorageBackend> {
    const name = this.#context.config.storage.traces;
    const storage = this.#context.host.find(traceStorage, name);
    if (storage) return storage.open();
    throw new StorageError('unusable', `there is no trace storage "${name}"`);
  }

  /** The standard HTTP server metric, with routes as clients write them: `{id}` for a parameter. */
  #observer(): (answer: Answered) => void {
    const duration = this.#context.telemetry.histogram({
      name: 'http_server_request_duration_seconds',
      help: 'How long HTTP requests to the query API took.',
      labels: ['http_request_method', 'http_route', 'http_response_status_code'],
      buckets: durationBuckets,
    });
    return ({ method, route, status, seconds }) => {
      const labels = {
        http_request_method: method,
        http_route: route?.replaceAll(/:(\w+)/g, '{$1}') ?? 'unknown',
        http_response_status_code: String(status),
      };
      duration.observe(labels, seconds);
    };
  }

  async #build({ reader, capabilities, maintenance }: StorageBackend): Promise<FastifyInstance> {
    const { config, clock, logger, host } = this.#context;
    const uiDirectory = config.ui.assets_path ?? builtUiDirectory();
    if (uiDirectory === undefined) host.notice('the UI is not built, the API alone is served');
    const { createQueryServer } = await import('../../api/http/server.ts');
    return createQueryServer({
      reader,
      capabilities,
      maintenance,
      tenant: DEFAULT_TENANT,
      basePath: config.base_path,
      uiDirectory,
      maxClockSkewNano: BigInt(Math.round(config.max_clock_skew_adjust * 1e6)),
      maxTraceSize: config.max_trace_size,
      bodyBytesMax: config.http.max_request_body_size,
      now: () => clock.nowMs(),
      onAnswered: this.#observer(),
      log: logger,
    });
  }
}

function builtUiDirectory(): string | undefined {
  return existsSync(builtUi) ? fileURLToPath(builtUi) : undefined;
}

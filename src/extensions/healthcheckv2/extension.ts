/** Tells load balancers and people how the process is: `GET /status` says it of the whole,
 *  `?pipeline=traces` of one pipeline, `?verbose` of every component too. Over gRPC it is the
 *  standard health service. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { serverNeeds } from '../../component/auth/authenticator.ts';
import { defineExtension, type CreateContext } from '../../component/define.ts';
import { answerPlain } from '../../component/server/answer.ts';
import { GrpcListener } from '../../component/server/grpc-listener.ts';
import { HttpListener } from '../../component/server/http-listener.ts';
import { requestTarget } from '../../component/server/target.ts';
import { HealthConfig } from './config.ts';
import { answerHealth, end, UNAUTHENTICATED } from './grpc-health.ts';
import { type Health, healthOf, httpStatus, pipelineHealth } from './health.ts';

export const component = defineExtension({
  type: 'healthcheckv2',
  aliases: ['health_check_v2'],
  stability: 'beta',
  summary: 'Answers how the process, its pipelines and components are, over HTTP and gRPC.',
  config: HealthConfig,
  needs: ({ http, grpc }) => [...serverNeeds(http, ['http']), ...serverNeeds(grpc, ['grpc'])],
  create: (context) => new HealthCheck(context),
});

class HealthCheck {
  readonly #context: CreateContext<HealthConfig>;
  readonly #http: HttpListener | undefined;
  readonly #grpc: GrpcListener | undefined;

  constructor(context: CreateContext<HealthConfig>) {
    const { http, grpc } = context.config;
    this.#context = context;
    this.#http =
      http &&
      new HttpListener({
        config: http,
        context,
        drains: false,
        onRequest: (request, response) => this.#answer(request, response),
      });
    this.#grpc =
      grpc &&
      new GrpcListener({
        config: grpc,
        context,
        onStream: (stream, headers) => {
          const { clock } = context;
          const options = { clock, serving: (service: string) => this.#isServing(service) };
          answerHealth(stream, headers, options).catch(() => stream.destroy());
        },
        onRefused: (stream, { message }) => end(stream, UNAUTHENTICATED, message),
      });
  }

  async start(): Promise<void> {
    const { config, host } = this.#context;
    const http = await this.#http?.start();
    if (http !== undefined) {
      host.announce({ label: 'health', address: `${http}${config.http?.status.path ?? ''}` });
    }
    const grpc = await this.#grpc?.start();
    if (grpc !== undefined) host.announce({ label: 'health/gRPC', address: grpc });
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await this.#http?.stop(deadline);
    // Those who watch would be waited for.
    await this.#grpc?.stop(AbortSignal.abort());
  }

  #health(): Health {
    const { config, host, clock } = this.#context;
    return healthOf(host.status(), config.component_health, clock.nowMs());
  }

  #isServing(service: string): boolean | undefined {
    const health = this.#health();
    const asked = service === '' ? health : pipelineHealth(health, service);
    return asked && httpStatus(asked) === 200 && httpStatus(health) !== 503;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = requestTarget(request);
    const { http } = this.#context.config;
    if (!http?.status.enabled || pathname !== http.status.path) {
      answerPlain(request, response, { status: 404, text: 'not found' });
      return;
    }
    const health = this.#health();
    const pipeline = searchParams.get('pipeline');
    const asked = pipeline === null ? health : pipelineHealth(health, pipeline);
    if (asked === undefined) {
      answerPlain(request, response, { status: 404, text: `there is no pipeline ${pipeline}` });
      return;
    }
    const isVerbose = searchParams.has('verbose') && searchParams.get('verbose') !== 'false';
    const startedMs = this.#context.host.status().startedMs;
    const body = {
      start_time: new Date(startedMs).toISOString(),
      ...bodyOf(asked, isVerbose),
    };
    const status = httpStatus(health) === 503 ? 503 : httpStatus(asked);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
}

interface Body {
  readonly healthy: boolean;
  readonly status: string;
  readonly error?: string;
  readonly status_time: string;
  readonly components?: Readonly<Record<string, Body>>;
}

function bodyOf({ status, error, sinceMs, isHealthy, parts }: Health, isVerbose: boolean): Body {
  const inner = [...parts].map(([name, part]) => [name, bodyOf(part, isVerbose)] as const);
  return {
    healthy: isHealthy,
    status,
    ...(error === undefined ? {} : { error }),
    status_time: new Date(sinceMs).toISOString(),
    ...(isVerbose && inner.length > 0 ? { components: Object.fromEntries(inner) } : {}),
  };
}

/** Tells whether the process is ready, in one word: 200 when it is, 503 while it starts or stops.
 *  For how each component is doing there is healthcheckv2. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { serverNeeds } from '../../component/auth/authenticator.ts';
import { type CreateContext, defineExtension } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { answerPlain } from '../../component/server/answer.ts';
import { HttpListener } from '../../component/server/http-listener.ts';
import { requestTarget } from '../../component/server/target.ts';
import { HealthCheckConfig } from './config.ts';

export const component = defineExtension({
  type: 'health_check',
  stability: 'stable',
  summary: 'Answers whether the process is ready.',
  config: HealthCheckConfig,
  needs: (config) => serverNeeds(config, []),
  create: (context) => new HealthCheck(context),
});

class HealthCheck implements Lifecycle {
  readonly #context: CreateContext<HealthCheckConfig>;
  readonly #listener: HttpListener;

  constructor(context: CreateContext<HealthCheckConfig>) {
    this.#context = context;
    this.#listener = new HttpListener({
      config: context.config,
      context,
      drains: false,
      onRequest: (request, response) => this.#answer(request, response),
    });
  }

  async start(): Promise<void> {
    const { config, host } = this.#context;
    const address = await this.#listener.start();
    host.announce({ label: 'health', address: address + config.path });
  }

  stop(deadline: AbortSignal): Promise<void> {
    return this.#listener.stop(deadline);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { config, host, clock } = this.#context;
    if (requestTarget(request).pathname !== config.path) {
      answerPlain(request, response, { status: 404, text: 'not found' });
      return;
    }
    const { status, startedMs } = host.status();
    const isReady =
      status !== 'StatusFatalError' && (status === 'StatusOK' || status.endsWith('Error'));
    const texts = config.response_body;
    const body = texts
      ? isReady
        ? texts.healthy
        : texts.unhealthy
      : JSON.stringify({
          status: isReady ? 'Server available' : 'Server not available',
          upSince: isReady ? new Date(startedMs).toISOString() : '0001-01-01T00:00:00Z',
          uptime: isReady ? `${((clock.nowMs() - startedMs) / 1000).toFixed(3)}s` : '',
        });
    const type = texts ? 'text/plain; charset=utf-8' : 'application/json';
    response.writeHead(isReady ? 200 : 503, { 'content-type': type }).end(body);
  }
}

/** Pages for people who look at one running process: what it is made of and how each part is. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { serverNeeds } from '../../component/auth/authenticator.ts';
import { type CreateContext, defineExtension } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { answerPlain } from '../../component/server/answer.ts';
import { HttpListener } from '../../component/server/http-listener.ts';
import { requestTarget } from '../../component/server/target.ts';
import { ZpagesConfig } from './config.ts';
import {
  extensionsPage,
  featuresPage,
  indexPage,
  pipelinesPage,
  servicePage,
  spansPage,
  variables,
} from './pages.ts';

export const component = defineExtension({
  type: 'zpages',
  stability: 'beta',
  summary: 'Serves pages about the running process.',
  config: ZpagesConfig,
  needs: (config) => serverNeeds(config, []),
  create: (context) => new Zpages(context),
});

class Zpages implements Lifecycle {
  readonly #context: CreateContext<ZpagesConfig>;
  readonly #listener: HttpListener;

  constructor(context: CreateContext<ZpagesConfig>) {
    this.#context = context;
    this.#listener = new HttpListener({
      config: context.config,
      context,
      drains: false,
      onRequest: (request, response) => this.#answer(request, response),
    });
  }

  async start(): Promise<void> {
    this.#context.host.announce({ label: 'zpages', address: await this.#listener.start() });
  }

  stop(deadline: AbortSignal): Promise<void> {
    return this.#listener.stop(deadline);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = requestTarget(request);
    if (pathname === '/debug/expvarz' && this.#context.config.expvar.enabled) {
      response.setHeader('content-type', 'application/json');
      response.end(variables(this.#context.host.status()));
      return;
    }
    const html = this.#page(pathname);
    if (html === undefined) answerPlain(request, response, { status: 404, text: 'not found' });
    else response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
  }

  #page(pathname: string): string | undefined {
    const { host, clock } = this.#context;
    switch (pathname) {
      case '/':
      case '/debug':
        return indexPage();
      case '/debug/servicez':
        return servicePage(host.status(), clock.nowMs());
      case '/debug/pipelinez':
        return pipelinesPage(host.status());
      case '/debug/extensionz':
        return extensionsPage(host.status());
      case '/debug/featurez':
        return featuresPage();
      case '/debug/tracez':
        return spansPage();
      default:
        return undefined;
    }
  }
}

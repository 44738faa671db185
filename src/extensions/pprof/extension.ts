/** Says where the process spends its time and memory, under the paths of Go's net/http/pprof:
 *
 *    go tool pprof http://localhost:1777/debug/pprof/profile?seconds=10
 *    go tool pprof http://localhost:1777/debug/pprof/heap
 *
 *  `?format=cpuprofile`, `heapprofile` and `heapsnapshot` give what Chrome's DevTools open. Only the
 *  main thread is seen: the encoder's worker and the query child are not. */

import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { serverNeeds } from '../../component/auth/authenticator.ts';
import { type CreateContext, defineExtension } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { answerPlain } from '../../component/server/answer.ts';
import { HttpListener } from '../../component/server/http-listener.ts';
import { requestTarget } from '../../component/server/target.ts';
import { messageOf } from '../../lib/errors.ts';
import { PprofConfig } from './config.ts';
import { cpuToPprof, heapToPprof } from './pprof-encode.ts';
import { Profiler } from './profiler.ts';

export const component = defineExtension({
  type: 'pprof',
  stability: 'beta',
  summary: 'Serves CPU and heap profiles of the process.',
  config: PprofConfig,
  needs: (config) => serverNeeds(config, []),
  create: (context) => new Pprof(context),
});

const DEFAULT_SECONDS = 30;
const SECONDS_MAX = 600;

const INDEX = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>/debug/pprof/</title>
<h1>Profiles of the main thread</h1>
<ul>
<li><a href="profile?seconds=10">profile?seconds=10</a>: where CPU time goes, for pprof;
  <a href="profile?seconds=10&amp;format=cpuprofile">format=cpuprofile</a> for Chrome's DevTools
<li><a href="heap">heap</a>: where live memory was allocated, for pprof;
  <a href="heap?format=heapprofile">format=heapprofile</a> for DevTools
<li><a href="heap?format=heapsnapshot">heap?format=heapsnapshot</a>: every object, for DevTools; the
  process stands still while it is made
</ul>
`;

class Pprof implements Lifecycle {
  readonly #context: CreateContext<PprofConfig>;
  readonly #listener: HttpListener;
  readonly #profiler = new Profiler();
  readonly #stopping = new AbortController();
  /** The profile of the whole run. */
  #run: Promise<void> | undefined;

  constructor(context: CreateContext<PprofConfig>) {
    this.#context = context;
    this.#listener = new HttpListener({
      config: context.config,
      context,
      drains: false,
      onRequest: (request, response) => void this.#answer(request, response),
    });
  }

  async start(): Promise<void> {
    const { config, host } = this.#context;
    await this.#profiler.start();
    if (config.save_to_file !== '') this.#run = this.#profileRun(config.save_to_file);
    host.announce({ label: 'profiles', address: `${await this.#listener.start()}/debug/pprof/` });
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await this.#listener.stop(deadline);
    await this.#run;
    this.#profiler.stop();
  }

  async #profileRun(path: string): Promise<void> {
    const stopped = new Promise((resolve) => {
      this.#stopping.signal.addEventListener('abort', resolve, { once: true });
    });
    try {
      const profile = await this.#profiler.cpu(stopped);
      await writeFile(path, cpuToPprof(profile, this.#context.clock.nowMs()));
    } catch (error) {
      this.#context.logger.error({ path, reason: messageOf(error) }, 'no profile was written');
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      this.#context.logger.warn({ reason: messageOf(error) }, 'no profile could be taken');
      if (response.headersSent) response.destroy();
      else answerPlain(request, response, { status: 500, text: messageOf(error) });
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = requestTarget(request);
    switch (pathname) {
      case '/debug/pprof':
      case '/debug/pprof/':
        response.setHeader('content-type', 'text/html; charset=utf-8').end(INDEX);
        return;
      case '/debug/pprof/profile':
        await this.#cpu(request, response, searchParams);
        return;
      case '/debug/pprof/heap':
      case '/debug/pprof/allocs':
        await this.#heap(response, searchParams.get('format'));
        return;
      default:
        answerPlain(request, response, {
          status: 404,
          text: 'there are /debug/pprof/profile and /debug/pprof/heap',
        });
    }
  }

  async #cpu(
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<void> {
    const seconds = Number(query.get('seconds') ?? DEFAULT_SECONDS);
    if (!(seconds > 0 && seconds <= SECONDS_MAX)) {
      const text = `seconds must be more than 0 and at most ${SECONDS_MAX}`;
      answerPlain(request, response, { status: 400, text });
      return;
    }
    const { write_timeout: limitMs } = this.#context.config;
    if (limitMs > 0 && seconds * 1000 >= limitMs) {
      const text = `a profile of ${seconds} s takes longer than write_timeout: ask for a shorter one`;
      answerPlain(request, response, { status: 400, text });
      return;
    }
    if (this.#profiler.isBusy) {
      const text =
        'a CPU profile is being taken: ask again when it is done, or without save_to_file';
      answerPlain(request, response, { status: 503, text });
      return;
    }
    const left = new AbortController();
    response.once('close', () => left.abort());
    const until = AbortSignal.any([left.signal, this.#stopping.signal]);
    const waited = this.#context.clock.sleep(seconds * 1000, until).catch(() => {});
    const profile = await this.#profiler.cpu(waited);
    if (response.destroyed) return;
    if (query.get('format') === 'cpuprofile') {
      sendFile(response, 'spoor.cpuprofile', JSON.stringify(profile));
    } else sendFile(response, 'spoor.pb.gz', cpuToPprof(profile, this.#context.clock.nowMs()));
  }

  async #heap(response: ServerResponse, format: string | null): Promise<void> {
    if (format === 'heapsnapshot') {
      nameFile(response, 'spoor.heapsnapshot');
      await pipeline(this.#profiler.heapSnapshot(), response);
      return;
    }
    const profile = await this.#profiler.heap();
    if (format === 'heapprofile') {
      sendFile(response, 'spoor.heapprofile', JSON.stringify(profile));
    } else sendFile(response, 'spoor.pb.gz', heapToPprof(profile, this.#context.clock.nowMs()));
  }
}

function nameFile(response: ServerResponse, name: string): void {
  response.setHeader('content-type', 'application/octet-stream');
  response.setHeader('content-disposition', `attachment; filename="${name}"`);
}

function sendFile(response: ServerResponse, name: string, content: string | Buffer): void {
  nameFile(response, name);
  response.end(content);
}

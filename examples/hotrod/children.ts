/** The five processes of HotROD: started in the order they need each other, and stopped
 *  together. The four services get the OpenTelemetry SDK by Node flags and
 *  OTEL_* variables alone. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import type { Flags } from './flags.ts';
import { MessageSchema } from './process.ts';

const require = createRequire(import.meta.url);
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 6000;
// node:sqlite announces itself as experimental on Node 22, and OpenTelemetry's module hook uses
// what Node 26 deprecates: neither is news to who runs a demo.
const QUIET = ['--disable-warning=ExperimentalWarning', '--disable-warning=DEP0205'];
const INSTRUMENT = [
  ...QUIET,
  '--require',
  require.resolve('@opentelemetry/auto-instrumentations-node/register'),
  '--import',
  new URL('esm-hook.mjs', import.meta.url).href,
];

export type Services = { readonly frontend: string; readonly stop: () => Promise<void> };

export class Children {
  readonly #flags: Flags;
  readonly #running = new Set<ChildProcess>();
  /** Called when a process ends that nobody stopped. */
  readonly #onLost: (name: string) => void;
  #stopping = false;

  constructor(flags: Flags, onLost: (name: string) => void) {
    this.#flags = flags;
    this.#onLost = onLost;
  }

  /** Resolves with the frontend's port when all answer; throws naming the one that does not. */
  async start(): Promise<number> {
    const [cache, route] = await Promise.all([
      this.#start('cache', {}),
      this.#start('route', { PORT: this.#port(3) }),
    ]);
    const routeUrl = `http://localhost:${route}`;
    const [customer, driver] = await Promise.all([
      this.#start('customer', { PORT: this.#port(1), ROUTE_URL: routeUrl }),
      this.#start('driver', { PORT: this.#port(2), CACHE_PORT: String(cache) }),
    ]);
    return this.#start('frontend', {
      PORT: this.#port(0),
      CUSTOMER_URL: `http://localhost:${customer}`,
      DRIVER_URL: `http://localhost:${driver}`,
      ROUTE_URL: routeUrl,
      SPOOR_URL: this.#flags.ui,
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#running].map(stopChild));
  }

  kill(): void {
    for (const child of this.#running) child.kill('SIGKILL');
  }

  #port(offset: number): string {
    return String(this.#flags.port === 0 ? 0 : this.#flags.port + offset);
  }

  #start(name: string, env: NodeJS.ProcessEnv): Promise<number> {
    const child = fork(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), [], {
      execArgv: name === 'cache' ? QUIET : INSTRUMENT,
      env: { ...process.env, ...env, ...this.#environment(name) },
    });
    this.#running.add(child);
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => reject(new Error(`${name} did not start: ${reason}`));
      const timer = setTimeout(
        () => fail(`no sign of it in ${READY_WITHIN_MS} ms`),
        READY_WITHIN_MS,
      );
      child.on('message', (message) => {
        const known = MessageSchema.parse(message);
        if ('ready' in known) resolve(known.ready);
        else fail(known.failed);
      });
      child.on('exit', (code) => {
        clearTimeout(timer);
        this.#running.delete(child);
        fail(`it ended with code ${code}`);
        if (!this.#stopping) this.#onLost(name);
      });
      child.on('message', () => clearTimeout(timer));
    });
  }

  #environment(name: string): NodeJS.ProcessEnv {
    const { endpoint, protocol, switches } = this.#flags;
    return {
      HOTROD_SWITCHES: JSON.stringify(switches),
      OTEL_SERVICE_NAME: name,
      OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=hotrod,service.version=1.0.0',
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_BSP_SCHEDULE_DELAY: '500',
      // The others ask cloud metadata servers that are not there, and wait for them.
      OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,process,serviceinstance',
      OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,undici',
    };
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}

/** The real server in processes of its own, and what they cost. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuMsOf, rssOf, treeOf } from './processes.ts';

const PROGRAM = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const LOOP_DELAY = new URL('loop-delay.ts', import.meta.url).href;
const START_MS_MAX = 30_000;

const ENDPOINTS = [
  'receivers.otlp.protocols.grpc.endpoint',
  'receivers.otlp.protocols.http.endpoint',
  'extensions.jaeger_query.http.endpoint',
  'extensions.healthcheckv2.http.endpoint',
];

interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The longest that its thread worked without letting others in. */
  readonly workedMs: number;
}

export class Server {
  readonly directory: string;
  #child: ChildProcess;
  #text = '';
  #rssMax = 0;
  readonly #watch: NodeJS.Timeout;

  constructor(directory = mkdtempSync(join(tmpdir(), 'spoor-bench-'))) {
    this.directory = directory;
    const sets = ENDPOINTS.map((path) => `${path}=127.0.0.1:0`);
    sets.push('service.telemetry.metrics.level=none');
    this.#child = spawn(process.execPath, [PROGRAM, ...sets.flatMap((set) => ['--set', set])], {
      env: {
        ...process.env,
        SPOOR_DATA_DIR: join(directory, 'data'),
        NODE_OPTIONS: `--import=${LOOP_DELAY}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (piece: Buffer) => (this.#text += piece.toString()));
    this.#child.stderr?.on('data', (piece: Buffer) => (this.#text += piece.toString()));
    this.#watch = setInterval(() => (this.#rssMax = Math.max(this.#rssMax, this.rss)), 100);
  }

  /** Its data lie in `data` of the directory. */
  static async start(directory?: string): Promise<Server> {
    const server = new Server(directory);
    await server.ready();
    return server;
  }

  /** Resolves when every port is open. */
  async ready(): Promise<void> {
    const until = performance.now() + START_MS_MAX;
    while (!this.#text.includes('everything is ready')) {
      if (performance.now() > until || this.#child.exitCode !== null) {
        throw new Error(`the server did not start:\n${this.#text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  get grpc(): string {
    return this.#address('OTLP/gRPC');
  }

  get http(): string {
    return this.#address('OTLP/HTTP');
  }

  get api(): string {
    return this.#address('UI and API');
  }

  /** CPU of all its processes so far. */
  get cpuMs(): number {
    return cpuMsOf(this.#pids());
  }

  /** Memory of all its processes now, bytes. */
  get rss(): number {
    return rssOf(this.#pids());
  }

  get rssMax(): number {
    return this.#rssMax;
  }

  resetRssMax(): void {
    this.#rssMax = 0;
  }

  get diskBytes(): number {
    return bytesUnder(this.directory);
  }

  /** How long its event loop was held up at most, and in the worst of a hundred, since the last call. */
  async loopDelay(): Promise<LoopDelay> {
    const from = this.#text.length;
    this.#child.kill('SIGUSR2');
    for (let waited = 0; waited < 5000; waited += 10) {
      const told = /^event loop (\S+) (\S+) (\S+)$/m.exec(this.#text.slice(from));
      if (told !== null) {
        const [p99Ms = 0, maxMs = 0, workedMs = 0] = told.slice(1).map(Number);
        return { p99Ms, maxMs, workedMs };
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error('the server does not tell of its event loop');
  }

  /** What it said, for when something went wrong. */
  get log(): string {
    return this.#text;
  }

  /** Lets it finish in order; the directory stays. */
  async stop(): Promise<void> {
    clearInterval(this.#watch);
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #address(label: string): string {
    const line = this.#text.split('\n').find((one) => one.trim().startsWith(label));
    const address = line?.trim().slice(label.length).trim();
    if (address === undefined) throw new Error(`no address of ${label} in:\n${this.#text}`);
    return address;
  }

  /** The process and its descendants. */
  #pids(): number[] {
    return this.#child.pid === undefined ? [] : treeOf(this.#child.pid);
  }
}

function bytesUnder(path: string): number {
  try {
    const stat = statSync(path);
    if (!stat.isDirectory()) return stat.blocks * 512;
    return readdirSync(path).reduce((sum, name) => sum + bytesUnder(join(path, name)), 0);
  } catch {
    return 0;
  }
}

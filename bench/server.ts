/** The real server in processes of its own, and what they cost, read from /proc. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const START_MS_MAX = 30_000;
/** Linux counts CPU in hundredths of a second. */
const TICK_MS = 10;

const ENDPOINTS = [
  'receivers.otlp.protocols.grpc.endpoint',
  'receivers.otlp.protocols.http.endpoint',
  'extensions.jaeger_query.http.endpoint',
  'extensions.healthcheckv2.http.endpoint',
];

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
      env: { ...process.env, SPOOR_DATA_DIR: join(directory, 'data') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (piece: Buffer) => (this.#text += piece.toString()));
    this.#child.stderr?.on('data', (piece: Buffer) => (this.#text += piece.toString()));
    this.#watch = setInterval(() => (this.#rssMax = Math.max(this.#rssMax, this.rss)), 100);
  }

  static async start(): Promise<Server> {
    const server = new Server();
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
    return this.#pids().reduce((sum, pid) => sum + cpuMsOf(pid), 0);
  }

  /** Memory of all its processes now, bytes. */
  get rss(): number {
    return this.#pids().reduce((sum, pid) => sum + rssOf(pid), 0);
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
    const found = this.#child.pid === undefined ? [] : [this.#child.pid];
    for (const pid of found) found.push(...childrenOf(pid));
    return found;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map(Number),
    );
  } catch {
    return [];
  }
}

function cpuMsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // utime, stime, and those of children that ended (proc(5)).
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
  } catch {
    return 0;
  }
}

function rssOf(pid: number): number {
  try {
    const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib) * 1024;
  } catch {
    return 0;
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

/** A real `spoor` process for tests: started, watched, stopped. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** The built-in configuration listens on ports that are free. */
export const FREE_PORTS: readonly string[] = [
  'receivers.otlp.protocols.grpc.endpoint=localhost:0',
  'receivers.otlp.protocols.http.endpoint=localhost:0',
  'extensions.jaeger_query.http.endpoint=localhost:0',
  'extensions.healthcheckv2.http.endpoint=localhost:0',
  'service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {port: 0}}}}]',
].flatMap((setting) => ['--set', setting]);

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class SpoorProcess {
  readonly finished: Promise<Finished>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', entry, ...args],
      {
        env: { ...process.env, NO_COLOR: '1', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString()));
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.finished = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => {
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with what was printed so far once it is up; rejects when it ends instead. */
  async ready(): Promise<string> {
    await this.until(() => this.#stdout.includes('Ctrl-C stops it'));
    return this.#stdout;
  }

  async until(isTrue: () => boolean, what = 'the expected output'): Promise<void> {
    for (let waitedMs = 0; waitedMs < 90_000; waitedMs += 20) {
      if (isTrue()) return;
      if (this.#child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`no ${what}\n${this.#stdout}\n${this.#stderr}`);
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Where the endpoint with this label listens. */
  async address(label: string): Promise<string> {
    const output = await this.ready();
    const line = output.split('\n').find((text) => text.trim().startsWith(label));
    const address = line?.trim().slice(label.length).trim();
    if (!address) throw new Error(`no endpoint "${label}" in\n${output}`);
    return address;
  }

  /** For the end of a test: it is gone afterwards, however the test went. */
  async end(): Promise<Finished> {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
    return this.finished;
  }
}

/** Runs to its end. */
export async function spoor(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Finished> {
  return new SpoorProcess(args, env).finished;
}

/** Programs under test: started with their output kept, awaited by a line they print, ended with
 *  the test. Their whole output is in the error when they do not behave. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const SAYS_WITHIN_MS = 120_000;
const STOPS_WITHIN_MS = 20_000;
const OUTPUT_CHARS_MAX = 200_000;

export type ProgramOptions = {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
};

export class Program {
  readonly #child: ChildProcess;
  readonly #command: string;
  #output = '';

  constructor(command: string, { args, env = {}, cwd }: ProgramOptions) {
    this.#command = [command, ...args].join(' ');
    this.#child = spawn(command, [...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...withoutOtel(process.env), ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
      });
    }
    // A command that does not exist: `says` and `ends` report it with the output.
    this.#child.on('error', (error) => {
      this.#output += `\n${error.message}\n`;
    });
  }

  /** A server that ended before it was asked to has failed, whatever else the test saw. */
  assertRunning(): void {
    if (!this.#hasEnded()) return;
    throw new Error(`${this.#command}\nended by itself:\n${this.#output}`);
  }

  get output(): string {
    return this.#output;
  }

  /** The first group of the first match in what the program prints. */
  async says(pattern: RegExp): Promise<string> {
    const giveUpAt = Date.now() + SAYS_WITHIN_MS;
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match[1] ?? match[0];
      if (this.#hasEnded() || Date.now() > giveUpAt) {
        throw new Error(`${this.#command}\nnever said ${pattern}, but:\n${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Waits for the program to end by itself and well. */
  async ends(): Promise<string> {
    const [code] = this.#hasEnded() ? [this.#child.exitCode] : await once(this.#child, 'close');
    if (code !== 0) throw new Error(`${this.#command}\nended with ${code}:\n${this.#output}`);
    return this.#output;
  }

  /** Asks it to stop, which flushes its spans, and makes sure that it has. */
  async stop(): Promise<void> {
    if (this.#hasEnded()) return;
    const ended = once(this.#child, 'close');
    this.#child.stdin?.end();
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOPS_WITHIN_MS);
    await ended;
    clearTimeout(timer);
  }

  #hasEnded(): boolean {
    const { exitCode, signalCode, pid } = this.#child;
    return exitCode !== null || signalCode !== null || pid === undefined;
  }
}

/** Nothing of the surrounding shell's SDK settings may reach a program under test. */
function withoutOtel(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([key]) => !key.startsWith('OTEL_') && key !== 'NODE_OPTIONS'),
  );
}

/** How far a command is, on stderr: a bar that moves at a terminal, now and then a line elsewhere. */

const WIDTH = 24;
const TERMINAL_MS = 100;
const PLAIN_MS = 10_000;

export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export class Progress {
  readonly #output: ProgressOutput;
  readonly #startedMs: number;
  #shownMs: number;
  #isShown = false;

  constructor(output: ProgressOutput = process.stderr) {
    this.#output = output;
    this.#startedMs = performance.now();
    this.#shownMs = output.isTTY === true ? -Infinity : this.#startedMs;
  }

  /** `part`: 0 to 1, undefined when nobody knows. */
  update(part: number | undefined, text: string): void {
    const nowMs = performance.now();
    const isTerminal = this.#output.isTTY === true;
    if (nowMs - this.#shownMs < (isTerminal ? TERMINAL_MS : PLAIN_MS)) return;
    this.#shownMs = nowMs;
    const line = `${bar(part)}${text}`;
    this.#output.write(isTerminal ? `\r\u001b[K${line}` : `${line}\n`);
    this.#isShown = isTerminal;
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#isShown) this.#output.write('\r\u001b[K');
    this.#isShown = false;
  }

  get seconds(): number {
    return (performance.now() - this.#startedMs) / 1000;
  }
}

function bar(part: number | undefined): string {
  if (part === undefined) return '';
  const share = Math.min(1, Math.max(0, part));
  const full = Math.round(share * WIDTH);
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${Math.floor(share * 100)} %  `;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `12.3 MB` */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `1 234 567`, or `1 file` with its noun. */
export function countText(count: number, noun?: string): string {
  const digits = String(count).replaceAll(/\B(?=(\d{3})+$)/g, ' ');
  return noun === undefined ? digits : `${digits} ${noun}${count === 1 ? '' : 's'}`;
}

/** Structured logs on stderr. `json` is pino's own line; `console` is the same line made readable,
 *  coloured on a terminal. */
import { pino } from 'pino';
import { LogSampler, type LogSampling } from './log-sampler.ts';

/** At `fatal` nothing is written: whatever ends the process is said on stderr. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** What a component may do with a logger: fields first, then the message. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Logger;
}

export interface LogOutput {
  write(line: string): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly encoding: 'console' | 'json';
  readonly colour: boolean;
  readonly output: LogOutput;
  readonly fields?: Record<string, unknown> | undefined;
  /** Left out: every line is written. */
  readonly sampling?: LogSampling | undefined;
}

export function createLogger(options: LoggerOptions): Logger {
  const output =
    options.encoding === 'json' ? options.output : readable(options.output, options.colour);
  const sampler = options.sampling && new LogSampler(options.sampling, () => Date.now());
  return pino(
    {
      hooks: {
        logMethod(args, write, level) {
          const [, message = ''] = args;
          if (sampler?.isWritten(level, message) !== false) write.apply(this, args);
        },
      },
      level: options.level,
      base: options.fields ?? {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    output,
  );
}

/** Says nothing; for tests and for `validate`. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

const colours: Record<string, string> = {
  debug: '\u001b[90m',
  info: '\u001b[36m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
};

function readable(output: LogOutput, colour: boolean): LogOutput {
  return { write: (line) => output.write(`${readableLine(line, colour)}\n`) };
}

/** `09:41:07.120 warn  batch is full  id=otlp waiting=12` */
export function readableLine(line: string, colour: boolean): string {
  const { time, level, msg, ...fields } = parseLine(line);
  const name = textOf(level) || 'info';
  const paint = colour ? (colours[name] ?? '') : '';
  const reset = colour ? '\u001b[0m' : '';
  const clock = textOf(time).slice(11, 23);
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${plain(value)}`);
  return `${clock} ${paint}${name.padEnd(5)}${reset} ${harmless(textOf(msg))}${rest.join('')}`;
}

function parseLine(line: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : { msg: line };
  } catch {
    return { msg: line.trimEnd() };
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What a peer said must not move the cursor of a terminal. JSON leaves some of these as they are. */
function harmless(text: string): string {
  return text.replaceAll(
    /\p{Cc}/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (typeof value !== 'string' || !/[\s"=\p{Cc}]/u.test(text)) return harmless(text);
  return harmless(JSON.stringify(text));
}

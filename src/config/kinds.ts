/** The kinds of value that configuration has beyond what zod brings: durations as Go writes them,
 *  byte sizes, endpoints, secrets, and blocks that can be switched off. TLS has a file of its own. */
import { z } from 'zod';
import { parseGoDuration } from '../lib/go-duration.ts';

/** Milliseconds of `300ms`, `1h2m`, `-1.5s`, `0`; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const nano = parseGoDuration(text);
  return nano === undefined ? undefined : Number(nano) / 1e6;
}

/** For editors; `parseDuration` decides. */
const durationPattern = String.raw`^\+?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$`;

/** A Go duration in the file, milliseconds in the program. A bare number is none, except 0. */
export function duration() {
  return z
    .union([z.string(), z.literal(0)], { error: 'expected a duration like 300ms, 5s or 1h30m' })
    .meta({ examples: ['300ms', '1h30m'], pattern: durationPattern })
    .transform((written, context) => {
      const ms = parseDuration(String(written));
      if (ms !== undefined && ms >= 0) return ms;
      const why = ms === undefined ? 'expected a duration like 300ms, 5s or 1h30m' : 'is negative';
      context.addIssue({ code: 'custom', message: `${why}, got "${written}"` });
      return z.NEVER;
    });
}

const sizeUnits: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

export function parseByteSize(written: string | number): number | undefined {
  const [, count, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(written)) ?? [];
  const factor = sizeUnits[unit.toLowerCase()];
  return count === undefined || factor === undefined
    ? undefined
    : Math.round(Number(count) * factor);
}

/** `10GB`, `512MiB`, or a plain number of bytes. */
export function byteSize() {
  return z
    .union([z.string(), z.number()], { error: 'expected a size like 512MiB or 10GB' })
    .meta({ examples: ['512MiB', '10GB'] })
    .transform((written, context) => {
      const bytes = parseByteSize(written);
      if (bytes !== undefined) return bytes;
      const message = `expected a size like 512MiB, 10GB or a number of bytes, got "${written}"`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });
}

export interface HostPort {
  /** Empty for every interface. */
  readonly host: string;
  readonly port: number;
}

/** `localhost:4317`, `0.0.0.0:4317`, `:4317`, `[::1]:4317`. */
export function parseEndpoint(text: string): HostPort | undefined {
  const [, bracketed, plain = '', digits] =
    /^(?:\[([^\]]*)\]|([^:\s]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  return digits === undefined || port > 65_535 ? undefined : { host: bracketed ?? plain, port };
}

/** Host and port to listen on. */
export function endpoint() {
  return z
    .string()
    .meta({ examples: ['localhost:4317', '0.0.0.0:4317'] })
    .transform((written, context): HostPort => {
      const parsed = parseEndpoint(written);
      if (parsed) return parsed;
      const message = `expected host:port like localhost:4317, got "${written}"`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });
}

/** A key that others know and this version does not act on: refused when given, with the reason,
 *  because ignoring it would do something else than was asked. */
export function unavailable(message: string) {
  return z
    .unknown()
    .optional()
    .refine((given) => given === undefined, { message });
}

/** A secret: printed as [REDACTED]. */
export function opaque() {
  return z.string().meta({ opaque: true });
}

export function isOpaque(schema: z.ZodType): boolean {
  return schema.meta()?.['opaque'] === true;
}

export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

/** For `superRefine` of a map of headers: what would only show when a request is answered or sent. No
 *  value is said, it may be a secret. */
export function usableHeaders(
  headers: Readonly<Record<string, string>>,
  context: z.RefinementCtx,
): void {
  for (const [name, value] of Object.entries(headers)) {
    const complain = (message: string) =>
      context.addIssue({ code: 'custom', path: [name], message });
    if (!/^[-!#$%&'*+.^_`|~\w]+$/.test(name)) complain('this is not the name of a header');
    else if (!isHeaderValue(value)) {
      complain('the value has characters that no header may have, like the end of a line');
    }
  }
}

/** The switch of a block, for `optionalBlock` and `defaultBlock`. */
export function enabled() {
  return z.boolean().default(true).describe('Set to false to switch the block off.');
}

/** A block that is off when absent, on when its key is there, even with nothing under it, and off
 *  again with `enabled: false` inside. */
export function optionalBlock<T extends { readonly enabled: boolean }>(block: z.ZodType<T>) {
  return block.transform((value) => (value.enabled ? value : undefined)).optional();
}

/** A block that is on unless it says `enabled: false`. */
export function defaultBlock<T extends { readonly enabled: boolean }>(block: z.ZodType<T>) {
  return block.transform((value) => (value.enabled ? value : undefined)).prefault({});
}

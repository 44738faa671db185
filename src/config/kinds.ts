/** The kinds of value that configuration has beyond what zod brings: durations as Go writes them,
 *  byte sizes, endpoints, secrets, TLS blocks, and blocks that can be switched off. */
import { z } from 'zod';
import { parseGoDuration } from '../lib/go-duration.ts';

/** Milliseconds of `300ms`, `1h2m`, `-1.5s`, `0`; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const nano = parseGoDuration(text);
  return nano === undefined ? undefined : Number(nano) / 1e6;
}

/** A Go duration in the file, milliseconds in the program. A bare number is none, except 0. */
export function duration() {
  return z
    .union([z.string(), z.literal(0)], { error: 'expected a duration like 300ms, 5s or 1h30m' })
    .meta({ examples: ['300ms', '1h30m'] })
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

const tlsShape = {
  ca_file: z.string().optional().describe('Certificates to trust, PEM file.'),
  ca_pem: opaque().optional().describe('Certificates to trust, inline.'),
  cert_file: z.string().optional().describe('Certificate to present, PEM file.'),
  cert_pem: opaque().optional().describe('Certificate to present, inline.'),
  key_file: z.string().optional().describe('Private key of the certificate, PEM file.'),
  key_pem: opaque().optional().describe('Private key of the certificate, inline.'),
  min_version: z.enum(['1.2', '1.3']).default('1.2').describe('Lowest TLS version.'),
  max_version: z.enum(['1.2', '1.3']).optional().describe('Highest TLS version.'),
  reload_interval: duration().optional().describe('Read the files again this often.'),
};

/** TLS of a server: certificate and key are required once the block is there. */
export function tlsServer() {
  return z
    .strictObject({
      ...tlsShape,
      client_ca_file: z.string().optional().describe('Require and verify client certificates.'),
    })
    .superRefine((tls, context) => {
      exclusiveFiles(tls, context);
      const hasCertificate = tls.cert_file !== undefined || tls.cert_pem !== undefined;
      const hasKey = tls.key_file !== undefined || tls.key_pem !== undefined;
      if (hasCertificate && hasKey) return;
      context.addIssue({ code: 'custom', message: 'a TLS server needs a certificate and a key' });
    })
    .optional();
}

/** TLS of a client. */
export function tlsClient() {
  return z
    .strictObject({
      ...tlsShape,
      insecure: z.boolean().default(false).describe('Speak plain text.'),
      insecure_skip_verify: z.boolean().default(false).describe('Do not verify the server.'),
      server_name_override: z.string().optional().describe('Name expected in the certificate.'),
    })
    .superRefine(exclusiveFiles)
    .optional();
}

type TlsFiles = Partial<
  Record<'ca_file' | 'ca_pem' | 'cert_file' | 'cert_pem', string | undefined>
> &
  Partial<Record<'key_file' | 'key_pem', string | undefined>>;

function exclusiveFiles(tls: TlsFiles, context: z.RefinementCtx): void {
  for (const name of ['ca', 'cert', 'key'] as const) {
    if (tls[`${name}_file`] === undefined || tls[`${name}_pem`] === undefined) continue;
    context.addIssue({ code: 'custom', message: `give ${name}_file or ${name}_pem, not both` });
  }
}

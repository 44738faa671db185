/** The `tls` blocks of servers and clients, with the Collector's keys. Cipher suites and curves have
 *  their names of Go in the file and those of OpenSSL in the program. */
import { z } from 'zod';
import { duration, opaque } from './kinds.ts';

/** Suites of TLS 1.2 that are safe to offer. Those of TLS 1.3 are always on, as in Go. */
const SUITES: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
};

const SUITES_13 = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];

/** Without forward secrecy: only with `include_insecure_cipher_suites`. */
const INSECURE_SUITES: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
};

const CURVES: Readonly<Record<string, string>> = {
  X25519: 'X25519',
  P256: 'P-256',
  P384: 'P-384',
  P521: 'P-521',
};

const tlsShape = {
  ca_file: z.string().optional().describe('Certificates to trust, PEM file.'),
  ca_pem: opaque().optional().describe('Certificates to trust, inline.'),
  include_system_ca_certs_pool: z
    .boolean()
    .default(false)
    .describe('Also trust what this program trusts without a ca.'),
  cert_file: z.string().optional().describe('Certificate to present, PEM file.'),
  cert_pem: opaque().optional().describe('Certificate to present, inline.'),
  key_file: z.string().optional().describe('Private key of the certificate, PEM file.'),
  key_pem: opaque().optional().describe('Private key of the certificate, inline.'),
  min_version: version('Lowest TLS version.').default('1.2'),
  max_version: version('Highest TLS version.').optional(),
  cipher_suites: z
    .array(z.string())
    .default([])
    .meta({ examples: [['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256']] })
    .describe('Suites to offer below TLS 1.3; none = the usual ones.'),
  include_insecure_cipher_suites: z
    .boolean()
    .default(false)
    .describe('Let cipher_suites name suites without forward secrecy.'),
  curve_preferences: z
    .array(z.enum(['X25519', 'P256', 'P384', 'P521']))
    .default([])
    .describe('Curves of the key exchange, preferred first; none = the usual ones.'),
  reload_interval: duration()
    .prefault('5s')
    .describe('Look this often whether the files have changed; 0 never looks.'),
  tpm: z
    .looseObject({ enabled: z.boolean().default(false) })
    .optional()
    .refine((tpm) => tpm?.enabled !== true, { message: 'keys in a TPM cannot be used here' })
    .describe('Only enabled: false is accepted.'),
};

function version(text: string) {
  return z
    .enum(['1.2', '1.3'], { error: 'expected "1.2" or "1.3": older versions are not safe' })
    .describe(text);
}

/** TLS of a server: certificate and key are required once the block is there. */
export function tlsServer() {
  return z
    .strictObject({
      ...tlsShape,
      client_ca_file: z.string().optional().describe('Require and verify client certificates.'),
      client_ca_file_reload: z
        .boolean()
        .default(false)
        .describe('Look at client_ca_file again, too.'),
    })
    .superRefine((tls, context) => {
      checkTls(tls, context);
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
    .superRefine((tls, context) => {
      checkTls(tls, context);
      const hasCertificate = tls.cert_file !== undefined || tls.cert_pem !== undefined;
      const hasKey = tls.key_file !== undefined || tls.key_pem !== undefined;
      if (hasCertificate === hasKey) return;
      const message = `give the ${hasKey ? 'certificate of the key' : 'key of the certificate'}, too`;
      context.addIssue({ code: 'custom', message });
    })
    .optional();
}

export type TlsClientConfig = NonNullable<z.output<ReturnType<typeof tlsClient>>>;
export type TlsConfig = z.output<z.ZodObject<typeof tlsShape>>;

/** What OpenSSL is told to offer; undefined leaves it the usual. */
export function opensslCiphers(suites: readonly string[]): string | undefined {
  const named = suites.flatMap((suite) => SUITES[suite] ?? INSECURE_SUITES[suite] ?? []);
  return named.length === 0 ? undefined : [...SUITES_13, ...named].join(':');
}

export function opensslCurves(curves: readonly string[]): string | undefined {
  return curves.length === 0 ? undefined : curves.flatMap((curve) => CURVES[curve] ?? []).join(':');
}

function checkTls(tls: TlsConfig, context: z.RefinementCtx): void {
  const complain = (message: string) => context.addIssue({ code: 'custom', message });
  for (const name of ['ca', 'cert', 'key'] as const) {
    if (tls[`${name}_file`] === undefined || tls[`${name}_pem`] === undefined) continue;
    complain(`give ${name}_file or ${name}_pem, not both`);
  }
  if (tls.max_version !== undefined && tls.max_version < tls.min_version) {
    complain('max_version is below min_version');
  }
  for (const suite of tls.cipher_suites) {
    const problem = suiteProblem(suite, tls.include_insecure_cipher_suites);
    if (problem !== undefined) complain(problem);
  }
}

function suiteProblem(suite: string, mayBeInsecure: boolean): string | undefined {
  if (Object.hasOwn(SUITES, suite) || SUITES_13.includes(suite)) return undefined;
  if (!Object.hasOwn(INSECURE_SUITES, suite)) {
    const known = [...SUITES_13, ...Object.keys(SUITES)].join(', ');
    return `cipher suite "${suite}" is not known (known: ${known})`;
  }
  return mayBeInsecure ? undefined : `cipher suite "${suite}" needs include_insecure_cipher_suites`;
}

/** A `tls` block read from its files and looked through: what is wrong is said in words before
 *  OpenSSL says it in numbers, and what will be wrong soon is a warning. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { getCACertificates, type SecureContextOptions } from 'node:tls';
import { opensslCiphers, opensslCurves, type TlsConfig } from '../../config/tls.ts';
import { messageOf } from '../../lib/errors.ts';
import { PipelineError } from '../consumer.ts';

/** Of a server or of a client. */
export interface TlsBlock extends TlsConfig {
  readonly client_ca_file?: string | undefined;
}

/** The texts of the files; those that are not configured are undefined. */
export interface Pems {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly clientCa: string | undefined;
}

/** @throws PipelineError `bad_settings` naming the file */
export async function readPems(tls: TlsBlock): Promise<Pems> {
  const [ca, cert, key, clientCa] = await Promise.all([
    pem(tls.ca_file, tls.ca_pem),
    pem(tls.cert_file, tls.cert_pem),
    pem(tls.key_file, tls.key_pem),
    pem(tls.client_ca_file, undefined),
  ]);
  return { ca, cert, key, clientCa };
}

async function pem(file: string | undefined, inline: string | undefined) {
  if (file === undefined) return inline;
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new PipelineError('bad_settings', `cannot read ${file}: ${messageOf(cause)}`, {
      cause,
      hint: 'check the path in the tls block, and who may read the file',
    });
  }
}

/** What Node's TLS takes. A server's `ca` is what verifies its clients.
 *  @throws PipelineError `bad_settings` when certificate and key are broken or no pair */
export function contextOptions(tls: TlsBlock, pems: Pems): SecureContextOptions {
  checkPair(tls, pems);
  const ca = trusted(tls, pems);
  const optional = {
    ca,
    cert: pems.cert,
    key: pems.key,
    maxVersion: tls.max_version && (`TLSv${tls.max_version}` as const),
    ciphers: opensslCiphers(tls.cipher_suites),
    ecdhCurve: opensslCurves(tls.curve_preferences),
  };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return { minVersion: `TLSv${tls.min_version}`, ...Object.fromEntries(given) };
}

/** When the certificate is out of its time: a sentence. */
export function validityWarning(tls: TlsBlock, pems: Pems, nowMs: number): string | undefined {
  if (pems.cert === undefined) return undefined;
  const { validFrom, validTo } = new X509Certificate(pems.cert);
  const name = tls.cert_file ?? 'cert_pem';
  if (Date.parse(validTo) < nowMs) return `the certificate in ${name} has expired on ${validTo}`;
  if (Date.parse(validFrom) <= nowMs) return undefined;
  return `the certificate in ${name} is not valid before ${validFrom}`;
}

function trusted(tls: TlsBlock, { ca, clientCa }: Pems): string[] | undefined {
  const own = clientCa ?? ca;
  if (own === undefined) return undefined;
  checkAuthority(own, tls.client_ca_file ?? tls.ca_file ?? 'ca_pem');
  return tls.include_system_ca_certs_pool ? [own, ...getCACertificates('default')] : [own];
}

/** OpenSSL takes a file without a certificate and then trusts nobody, in silence. */
function checkAuthority(text: string, name: string): void {
  try {
    void new X509Certificate(text);
  } catch (cause) {
    throw broken(`${name} holds no certificate: ${messageOf(cause)}`, cause);
  }
}

function checkPair(tls: TlsBlock, { cert, key }: Pems): void {
  if (cert === undefined || key === undefined) return;
  const certName = tls.cert_file ?? 'cert_pem';
  const keyName = tls.key_file ?? 'key_pem';
  const certificate = parsed(`${certName} holds no certificate`, () => new X509Certificate(cert));
  const privateKey = parsed(`${keyName} holds no usable private key`, () => createPrivateKey(key));
  if (certificate.checkPrivateKey(privateKey)) return;
  throw broken(`the key in ${keyName} does not belong to the certificate in ${certName}`);
}

function parsed<T>(problem: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw broken(`${problem}: ${messageOf(cause)}`, cause);
  }
}

function broken(message: string, cause?: unknown): PipelineError {
  return new PipelineError('bad_settings', message, { cause });
}

/** A client's TLS block as the options of Node's sockets. Files are read when a connection is made,
 *  so a renewed certificate is used by the next one. */
import { readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import type { TlsClientConfig } from '../../config/tls.ts';
import { messageOf } from '../../lib/errors.ts';
import { PipelineError } from '../consumer.ts';

export interface TlsOptions extends SecureContextOptions {
  readonly rejectUnauthorized: boolean;
  readonly servername?: string;
}

export function tlsOptions(config: TlsClientConfig | undefined): TlsOptions {
  if (config === undefined) return { rejectUnauthorized: true, minVersion: 'TLSv1.2' };
  const optional = {
    ca: pem(config.ca_file, config.ca_pem),
    cert: pem(config.cert_file, config.cert_pem),
    key: pem(config.key_file, config.key_pem),
    servername: config.server_name_override,
    maxVersion: config.max_version && (`TLSv${config.max_version}` as const),
  };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return {
    rejectUnauthorized: !config.insecure_skip_verify,
    minVersion: `TLSv${config.min_version}`,
    ...Object.fromEntries(given),
  };
}

function pem(file: string | undefined, inline: string | undefined): Buffer | undefined {
  if (file === undefined) return inline === undefined ? undefined : Buffer.from(inline);
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new PipelineError('bad_settings', `cannot read ${file}: ${messageOf(cause)}`, { cause });
  }
}

/** What a server tells of a request's sender: made only when somebody asked for it, so that a
 *  receiver without metadata and authentication pays nothing. Node bounds the headers of a request
 *  to 16 KiB, so what travels is bounded too. */
import type { Client } from '../../model/batch/client.ts';
import type { RequestHeaders } from '../auth/authenticator.ts';

export interface Asked {
  readonly include_metadata: boolean;
  /** What the authenticator said; undefined when there is none. */
  readonly auth: ReadonlyMap<string, string> | undefined;
}

const nothing: ReadonlyMap<string, never> = new Map<string, never>();

export function requestClient(
  headers: RequestHeaders,
  address: string | undefined,
  { include_metadata: isIncluded, auth }: Asked,
): Client | undefined {
  if (!isIncluded && auth === undefined) return undefined;
  return {
    address: address ?? '',
    metadata: isIncluded ? metadataOf(headers) : nothing,
    auth: auth ?? nothing,
  };
}

/** Pseudo headers of HTTP/2 and binary ones of gRPC are none. */
function metadataOf(headers: RequestHeaders): ReadonlyMap<string, readonly string[]> {
  const metadata = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':') || name.endsWith('-bin')) continue;
    metadata.set(name, typeof value === 'string' ? [value] : value);
  }
  const authority = headers[':authority'];
  if (typeof authority === 'string') metadata.set('host', [authority]);
  return metadata;
}

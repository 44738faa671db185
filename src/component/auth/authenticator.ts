/** Who may send, and as whom we send. Extensions lend authenticators under their id; a server's or
 *  client's `auth::authenticator` names one. A server's looks at the headers of a request, a
 *  client's gives headers to put on one. Neither ever says a secret: not in an error, not in a log. */
import { z } from 'zod';
import { SpoorError } from '../../lib/errors.ts';
import type { Client } from '../../model/batch/client.ts';
import type { Need } from '../ack.ts';
import { capability, type Capability, type Host } from '../host.ts';
import { PipelineError } from '../consumer.ts';

export type AuthErrorCode =
  /** No credential, or a wrong one: HTTP 401, gRPC UNAUTHENTICATED. */
  | 'unauthenticated'
  /** More credentials are being checked than can be: HTTP 503, gRPC UNAVAILABLE. */
  | 'busy'
  /** The credential to send cannot be had. */
  | 'no_credential';

export class AuthError extends SpoorError<AuthErrorCode> {}

/** Request headers by lower-case name, as Node gives them. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface ServerAuthenticator {
  /** What is known of the caller: `username`, `subject`.
   *  @throws AuthError `unauthenticated` */
  authenticate(headers: RequestHeaders): Promise<ReadonlyMap<string, string>>;
  /** What `WWW-Authenticate` says to those who are refused. */
  readonly challenge: string;
}

/** The headers of a request about to be sent; names are lower-case. */
export type OutgoingHeaders = Record<string, string>;

export interface ClientAuthenticator {
  /** Puts the credential on the request, or changes its headers.
   *  @param client who sent what is being sent on
   *  @throws AuthError `no_credential` */
  authorize(headers: OutgoingHeaders, client: Client | undefined): Promise<void>;
  /** True when what it sends must not be seen on the way. */
  readonly needsTls: boolean;
}

export const serverAuthentication = capability<ServerAuthenticator>('server authenticator');
export const clientAuthentication = capability<ClientAuthenticator>('client authenticator');

const authenticator = z.string().min(1).describe('Id of the extension that says who it is.');

/** `auth` of a server over gRPC. */
export function serverAuth() {
  return z.strictObject({ authenticator }).optional();
}

/** `auth` of a server over HTTP: a browser that cannot set headers may say it in the query. */
export function httpServerAuth() {
  return z
    .strictObject({
      authenticator,
      request_params: z
        .array(z.string())
        .default([])
        .describe('Query parameters that stand for headers of the same name.'),
    })
    .optional();
}

/** `auth` of a client. */
export function clientAuth() {
  return z.strictObject({ authenticator }).optional();
}

interface AuthBlock {
  readonly auth?: { readonly authenticator: string } | undefined;
}

/** What a server block needs, for a component's `needs`.
 *  @param path of the block in the component's section */
export function serverNeeds(block: AuthBlock | undefined, path: readonly string[] = []): Need[] {
  return needs(serverAuthentication, block, path);
}

export function clientNeeds(block: AuthBlock | undefined, path: readonly string[] = []): Need[] {
  return needs(clientAuthentication, block, path);
}

function needs(
  what: Capability<unknown>,
  block: AuthBlock | undefined,
  path: readonly string[],
): Need[] {
  const name = block?.auth?.authenticator;
  if (name === undefined) return [];
  return [{ what: what.name, name, path: [...path, 'auth', 'authenticator'] }];
}

/** The authenticator that a block names; undefined when it names none. For `start`.
 *  @throws PipelineError when nobody lends it */
export function authenticatorOf<T>(
  what: Capability<T>,
  block: AuthBlock,
  host: Host,
): T | undefined {
  const name = block.auth?.authenticator;
  if (name === undefined) return undefined;
  const found = host.find(what, name);
  if (found !== undefined) return found;
  throw new PipelineError('bad_settings', `there is no ${what.name} "${name}"`, {
    hint: 'name its extension in service::extensions',
  });
}

/** Who sent a batch, as far as a receiver was told to remember: request headers (`include_metadata`)
 *  and what authentication found out. It rides on the batch, so that it passes queues, retries and
 *  processors without any of them knowing; a batch made of several senders' has none. Never on
 *  disk with the spans: no frame carries it. */

export interface Client {
  /** Of the peer; empty when not known. */
  readonly address: string;
  /** Request headers by lower-case name. */
  readonly metadata: ReadonlyMap<string, readonly string[]>;
  /** What the authenticator says: `username`, `subject`. */
  readonly auth: ReadonlyMap<string, string>;
}

/** What configuration calls `from_context`: `metadata.<header>`, `auth.<attribute>` and
 *  `client.address`; a bare name is a header. Undefined when the client has no such value; several
 *  values are joined by `;`. */
export function clientValue(client: Client | undefined, name: string): string | undefined {
  if (client === undefined) return undefined;
  if (name === 'client.address') return client.address === '' ? undefined : client.address;
  if (name.startsWith('auth.')) return client.auth.get(name.slice('auth.'.length));
  const header = name.startsWith('metadata.') ? name.slice('metadata.'.length) : name;
  return client.metadata.get(header.toLowerCase())?.join(';');
}

/** The client that all batches share; undefined when they came from different ones. */
export function commonClient(
  batches: readonly { readonly client?: Client | undefined }[],
): Client | undefined {
  const client = batches[0]?.client;
  return batches.every((batch) => batch.client === client) ? client : undefined;
}

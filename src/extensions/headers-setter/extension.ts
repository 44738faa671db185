/** Sets headers on what is sent: fixed ones, or what the data came with. So a tenant named by a
 *  client's header reaches the next server. A value the request does not have sets nothing. */
import {
  clientAuthentication,
  type ClientAuthenticator,
  type OutgoingHeaders,
} from '../../component/auth/authenticator.ts';
import { PipelineError } from '../../component/consumer.ts';
import { defineExtension, type CreateContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import type { Client } from '../../model/batch/client.ts';
import { HeadersSetterConfig, type HeaderConfig } from './config.ts';

export const component = defineExtension({
  type: 'headers_setter',
  stability: 'beta',
  summary: 'Sets headers on outgoing requests, also from those the data came with.',
  config: HeadersSetterConfig,
  needs: ({ additional_auth: name }) =>
    name === undefined
      ? []
      : [{ what: clientAuthentication.name, name, path: ['additional_auth'] }],
  offers: (_config, name) => [{ what: clientAuthentication.name, name }],
  create: (context) => new HeadersSetter(context),
});

class HeadersSetter implements Lifecycle {
  readonly #context: CreateContext<HeadersSetterConfig>;

  constructor(context: CreateContext<HeadersSetterConfig>) {
    this.#context = context;
  }

  async start(): Promise<void> {
    const { config, host, id } = this.#context;
    const first = this.#additional();
    const changes = config.headers.map((header) => ({ ...header, name: header.key.toLowerCase() }));
    const authenticator: ClientAuthenticator = {
      needsTls: first?.needsTls ?? false,
      async authorize(headers, client) {
        await first?.authorize(headers, client);
        for (const change of changes) apply(change, headers, client);
      },
    };
    host.lend(clientAuthentication, id, authenticator);
  }

  #additional(): ClientAuthenticator | undefined {
    const { config, host } = this.#context;
    const name = config.additional_auth;
    if (name === undefined) return undefined;
    const found = host.find(clientAuthentication, name);
    if (found !== undefined) return found;
    throw new PipelineError('bad_settings', `there is no client authenticator "${name}"`);
  }
}

type Change = HeaderConfig & { readonly name: string };

function apply(change: Change, headers: OutgoingHeaders, client: Client | undefined): void {
  const { name, action } = change;
  if (action === 'delete') {
    delete headers[name];
    return;
  }
  const isThere = headers[name] !== undefined;
  if ((action === 'insert' && isThere) || (action === 'update' && !isThere)) return;
  const value = valueOf(change, client);
  if (value !== undefined) headers[name] = value;
}

function valueOf(change: Change, client: Client | undefined): string | undefined {
  const { value, from_context: header, from_attribute: attribute } = change;
  if (value !== undefined) return value;
  const found =
    header === undefined
      ? client?.auth.get(attribute ?? '')
      : client?.metadata.get(header.toLowerCase())?.join(',');
  return found ?? change.default_value;
}

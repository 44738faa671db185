/** HTTP basic authentication: lets servers ask for user and password, or clients show them. */
import {
  AuthError,
  clientAuthentication,
  serverAuthentication,
  type ClientAuthenticator,
  type OutgoingHeaders,
} from '../../component/auth/authenticator.ts';
import { RenewedFile } from '../../component/auth/renewed-file.ts';
import { defineExtension, type CreateContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { BasicAuthConfig } from './config.ts';
import { BasicAuthServer } from './server-side.ts';

export const component = defineExtension({
  type: 'basicauth',
  aliases: ['basic_auth'],
  stability: 'beta',
  summary: 'Authenticates by user and password, for servers or for clients.',
  config: BasicAuthConfig,
  offers: ({ htpasswd }, name) => [
    { what: (htpasswd ? serverAuthentication : clientAuthentication).name, name },
  ],
  create: (context) => new BasicAuth(context),
});

class BasicAuth implements Lifecycle {
  readonly #context: CreateContext<BasicAuthConfig>;
  readonly #files: RenewedFile[] = [];

  constructor(context: CreateContext<BasicAuthConfig>) {
    this.#context = context;
  }

  async start(): Promise<void> {
    const { config, host, id } = this.#context;
    if (config.htpasswd) host.lend(serverAuthentication, id, await this.#server(config.htpasswd));
    if (config.client_auth)
      host.lend(clientAuthentication, id, await this.#client(config.client_auth));
  }

  async stop(): Promise<void> {
    for (const file of this.#files) file.stop();
  }

  /** Inline lines come first, and the first line of a user counts. */
  async #server({ file, inline = '' }: NonNullable<BasicAuthConfig['htpasswd']>) {
    const server = new BasicAuthServer();
    if (file === undefined) server.load(inline);
    else await this.#read(file, (text) => server.load(`${inline}\n${text}`));
    return server;
  }

  async #client(config: NonNullable<BasicAuthConfig['client_auth']>): Promise<ClientAuthenticator> {
    let { username = '', password = '' } = config;
    const { username_file: nameFile, password_file: passwordFile } = config;
    if (nameFile !== undefined) await this.#read(nameFile, (text) => (username = text.trim()));
    if (passwordFile !== undefined) {
      await this.#read(passwordFile, (text) => (password = text.trim()));
    }
    return {
      needsTls: true,
      async authorize(headers: OutgoingHeaders) {
        if (username === '') throw new AuthError('no_credential', 'the user name is empty');
        const pair = Buffer.from(`${username}:${password}`).toString('base64');
        headers['authorization'] = `Basic ${pair}`;
      },
    };
  }

  async #read(path: string, onText: (text: string) => void): Promise<void> {
    const file = new RenewedFile(path, this.#context, onText);
    await file.start();
    this.#files.push(file);
  }
}

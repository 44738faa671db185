/** Tokens that whoever bears them may use: servers compare, clients send. Compared by digest, all of
 *  them every time, so that the time an answer takes says nothing. */
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  AuthError,
  clientAuthentication,
  serverAuthentication,
  type ClientAuthenticator,
  type OutgoingHeaders,
  type RequestHeaders,
  type ServerAuthenticator,
} from '../../component/auth/authenticator.ts';
import { RenewedFile } from '../../component/auth/renewed-file.ts';
import { defineExtension, type CreateContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { BearerTokenConfig } from './config.ts';

export const component = defineExtension({
  type: 'bearertokenauth',
  aliases: ['bearer_token_auth'],
  stability: 'beta',
  summary: 'Authenticates by a token, for servers and for clients.',
  config: BearerTokenConfig,
  offers: (_config, name) => [
    { what: serverAuthentication.name, name },
    { what: clientAuthentication.name, name },
  ],
  create: (context) => new BearerTokenAuth(context),
});

class BearerTokenAuth implements Lifecycle {
  readonly #context: CreateContext<BearerTokenConfig>;
  #file: RenewedFile | undefined;

  constructor(context: CreateContext<BearerTokenConfig>) {
    this.#context = context;
  }

  async start(): Promise<void> {
    const { config, host, id } = this.#context;
    const bearer = new Bearer(config);
    const { token, tokens, filename } = config;
    if (filename === undefined) bearer.load(tokens ?? [token ?? '']);
    else {
      this.#file = new RenewedFile(filename, this.#context, (text) => bearer.load(lines(text)));
      await this.#file.start();
    }
    host.lend(serverAuthentication, id, bearer);
    host.lend(clientAuthentication, id, bearer);
  }

  async stop(): Promise<void> {
    this.#file?.stop();
  }
}

class Bearer implements ServerAuthenticator, ClientAuthenticator {
  readonly needsTls = true;
  readonly challenge: string;
  readonly #header: string;
  readonly #prefix: string;
  #values: readonly string[] = [];
  #digests: readonly Buffer[] = [];

  constructor({ header, scheme }: BearerTokenConfig) {
    this.#header = header.toLowerCase();
    this.#prefix = scheme === '' ? '' : `${scheme} `;
    this.challenge = scheme === '' ? 'Bearer' : scheme;
  }

  /** @throws when there is none */
  load(tokens: readonly string[]): void {
    if (tokens.length === 0) throw new TypeError('there is no token in it');
    this.#values = tokens.map((token) => this.#prefix + token);
    this.#digests = this.#values.map(digestOf);
  }

  async authenticate(headers: RequestHeaders): Promise<ReadonlyMap<string, string>> {
    const given = headers[this.#header];
    const [text] = typeof given === 'string' ? [given] : (given ?? []);
    if (text === undefined) {
      throw new AuthError('unauthenticated', `no ${this.#header} header`);
    }
    const digest = digestOf(text);
    const isRight = this.#digests.filter((known) => timingSafeEqual(known, digest)).length > 0;
    if (!isRight) throw new AuthError('unauthenticated', 'the token is not known');
    return new Map();
  }

  async authorize(headers: OutgoingHeaders): Promise<void> {
    headers[this.#header] = this.#values[0] ?? '';
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function lines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

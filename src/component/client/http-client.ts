/** Sends request bodies to one peer over kept-alive connections, and says of a failure whether the
 *  same request may be sent again (OTLP specification, "OTLP/HTTP Response"). */
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { messageOf, systemCodeOf } from '../../lib/errors.ts';
import type { Client } from '../../model/batch/client.ts';
import {
  authenticatorOf,
  clientAuthentication,
  type ClientAuthenticator,
  type OutgoingHeaders,
} from '../auth/authenticator.ts';
import { compressorFor } from './compress.ts';
import type { HttpClientConfig } from './config.ts';
import { PeerError } from './error.ts';
import { HttpAgents } from './http-agents.ts';
import type { ClientContext } from './tls.ts';

const RETRYABLE = new Set([429, 502, 503, 504]);
/** More of an answer is not read: it only explains an error. */
const ANSWER_BYTES_MAX = 64 * 1024;

export interface HttpAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** Whether headers of the configuration hold a credential. */
function saysWho(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some((name) => /^(proxy-)?authorization$/i.test(name));
}

/** Over plain HTTP to another machine. */
function isSeenOnTheWay({ protocol, hostname }: URL): boolean {
  const isHere = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/i.test(hostname);
  return protocol === 'http:' && !isHere;
}

interface Sending {
  readonly url: URL;
  readonly payload: Uint8Array;
  readonly signal: AbortSignal;
}

/** Reads why from the body of an error. */
export type ReadMessage = (body: Uint8Array) => string;

export interface HttpPost {
  readonly body: Uint8Array;
  readonly type: string;
  readonly readMessage: ReadMessage;
  /** Who sent what is sent on, for authenticators that pass it. */
  readonly client?: Client | undefined;
}

export class HttpClient {
  readonly #config: HttpClientConfig;
  readonly #context: ClientContext;
  readonly #agents: HttpAgents;
  #auth: ClientAuthenticator | undefined;

  constructor(config: HttpClientConfig, context: ClientContext) {
    this.#config = config;
    this.#context = context;
    this.#agents = new HttpAgents(config, context);
  }

  /** Reads certificates and finds the authenticator. Warns when a credential would be seen on the way
   *  to `destination`.
   *  @throws PipelineError `bad_settings` */
  async start(destination?: URL): Promise<void> {
    this.#auth = authenticatorOf(clientAuthentication, this.#config, this.#context.host);
    await this.#agents.start();
    const showsSecret = this.#auth?.needsTls === true || saysWho(this.#config.headers);
    if (destination === undefined || !showsSecret || !isSeenOnTheWay(destination)) return;
    this.#context.logger.warn(
      { destination: destination.origin },
      'credentials are sent in plain text: use https',
    );
  }

  /** Resolves with a 2xx answer, else rejects with a PeerError. */
  async post(url: URL, post: HttpPost, signal: AbortSignal): Promise<HttpAnswer> {
    const { compression, compression_params: params } = this.#config;
    const compress = compressorFor(compression);
    const payload = compress ? await compress(post.body, params.level) : post.body;
    const headers = await this.#headers(post);
    headers['content-length'] = String(payload.length);
    if (compress) headers['content-encoding'] = compression;
    const answer = await this.#send({ url, payload, signal }, headers);
    const { status, body: reply, retryAfter } = answer;
    if (status >= 200 && status < 300) return answer;
    const isRetryable = RETRYABLE.has(status);
    throw new PeerError(
      isRetryable ? 'busy' : 'rejected',
      `${url.origin} answered ${status}: ${post.readMessage(reply)}`,
      {
        retryable: isRetryable,
        retryAfterMs: retryAfterMs(retryAfter),
      },
    );
  }

  close(): void {
    this.#agents.close();
  }

  async #headers({ type, client }: HttpPost): Promise<OutgoingHeaders> {
    const headers: OutgoingHeaders = { 'content-type': type, 'user-agent': 'spoor' };
    for (const [name, value] of Object.entries(this.#config.headers)) {
      headers[name.toLowerCase()] = value;
    }
    await this.#auth?.authorize(headers, client);
    return headers;
  }

  #send({ url, payload, signal }: Sending, own: OutgoingHeaders) {
    const { agent, via, headers: proxied } = this.#agents.routeTo(url);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const headers = { ...proxied, ...own };
    const options = { method: 'POST', agent, headers, signal, ...via };
    return new Promise<HttpAnswer & { retryAfter: string | undefined }>((resolve, reject) => {
      const failed = (cause: unknown): void => reject(unreachable(url, cause));
      const request = send(url, options, (response) => {
        readAnswer(response).then(
          (body) =>
            resolve({
              status: response.statusCode ?? 0,
              body,
              retryAfter: response.headers['retry-after'],
            }),
          failed,
        );
      });
      request.on('error', failed);
      request.end(payload);
    });
  }
}

async function readAnswer(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (length < ANSWER_BYTES_MAX && Buffer.isBuffer(chunk)) chunks.push(chunk);
    length += chunk instanceof Buffer ? chunk.length : 0;
  }
  return Buffer.concat(chunks);
}

/** Seconds, or a date. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function unreachable(url: URL, cause: unknown): PeerError {
  const code = systemCodeOf(cause);
  const why = code === 'ENOTFOUND' ? `${url.hostname} cannot be resolved` : messageOf(cause);
  return new PeerError('unreachable', `cannot send to ${url.origin}: ${why}`, {
    retryable: true,
    cause,
  });
}

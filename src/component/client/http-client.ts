/** Sends request bodies to one peer over kept-alive connections, and says of a failure whether the
 *  same request may be sent again (OTLP specification, "OTLP/HTTP Response"). */
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { deflate, gzip, zstdCompress } from 'node:zlib';
import { messageOf, systemCodeOf } from '../../lib/errors.ts';
import { PeerError } from './error.ts';
import type { TlsClientConfig } from '../../config/tls.ts';
import { tlsOptions } from './tls.ts';

const RETRYABLE = new Set([429, 502, 503, 504]);
/** More of an answer is not read: it only explains an error. */
const ANSWER_BYTES_MAX = 64 * 1024;

const COMPRESS = {
  gzip: promisify(gzip),
  deflate: promisify(deflate),
  zstd: promisify(zstdCompress),
};

export interface HttpClientSettings {
  readonly tls?: TlsClientConfig | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: keyof typeof COMPRESS | 'none' | '';
  readonly max_conns_per_host: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

interface Sending {
  readonly url: URL;
  readonly payload: Uint8Array;
  readonly signal: AbortSignal;
}

/** Reads why from the body of an error. */
export type ReadMessage = (body: Uint8Array) => string;

export class HttpClient {
  readonly #settings: HttpClientSettings;
  readonly #agents: { readonly http: HttpAgent; readonly https: HttpsAgent };

  constructor(settings: HttpClientSettings) {
    this.#settings = settings;
    const { max_conns_per_host: most } = settings;
    const options = { keepAlive: true, ...(most === 0 ? {} : { maxSockets: most }) };
    this.#agents = {
      http: new HttpAgent(options),
      https: new HttpsAgent({ ...options, ...tlsOptions(settings.tls) }),
    };
  }

  /** Resolves with a 2xx answer, else rejects with a PeerError. */
  async post(
    url: URL,
    { body, type, readMessage }: { body: Uint8Array; type: string; readMessage: ReadMessage },
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { compression, headers } = this.#settings;
    const isPlain = compression === 'none' || compression === '';
    const payload = isPlain ? body : await COMPRESS[compression](body);
    const answer = await this.#send(
      { url, payload, signal },
      {
        'content-type': type,
        'content-length': String(payload.length),
        'user-agent': 'spoor',
        ...(isPlain ? {} : { 'content-encoding': compression }),
        ...headers,
      },
    );
    const { status, body: reply, retryAfter } = answer;
    if (status >= 200 && status < 300) return answer;
    const isRetryable = RETRYABLE.has(status);
    throw new PeerError(
      isRetryable ? 'busy' : 'rejected',
      `${url.origin} answered ${status}: ${readMessage(reply)}`,
      {
        retryable: isRetryable,
        retryAfterMs: retryAfterMs(retryAfter),
      },
    );
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #send({ url, payload, signal }: Sending, headers: Record<string, string>) {
    const isTls = url.protocol === 'https:';
    const send = isTls ? httpsRequest : httpRequest;
    const agent = isTls ? this.#agents.https : this.#agents.http;
    return new Promise<HttpAnswer & { retryAfter: string | undefined }>((resolve, reject) => {
      const failed = (cause: unknown): void => reject(unreachable(url, cause));
      const request = send(url, { method: 'POST', agent, headers, signal }, (response) => {
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

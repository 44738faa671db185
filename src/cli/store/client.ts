/** Speaks to the store routes of a server. What the server cannot take now is sent again later. */
import { type IncomingMessage, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeletionLine,
  ErrorResponse,
  type ExportRequest,
  ImportResponse,
  type StoreSelection,
} from '../../api/contract.ts';
import { messageOf, SpoorError } from '../../lib/errors.ts';

export interface ClientOptions {
  readonly address: string;
  readonly secret: string;
  readonly signal: AbortSignal;
  /** Further ones, for a server that wants to know who asks. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whoever answers is believed to be the server. */
  readonly isInsecure?: boolean | undefined;
}

export class ClientError extends SpoorError<'refused' | 'unreachable' | 'failed'> {}

export interface ExportPage {
  readonly cursor: string | undefined;
  /** ns; the start of the oldest trace of the page. */
  readonly reachedNano: bigint | undefined;
  readonly lines: Buffer;
}

interface Asked {
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array | string;
}

const ATTEMPTS_MAX = 30;
const WAIT_MS = 1000;

export class StoreClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async exportPage(asked: ExportRequest): Promise<ExportPage> {
    const body = JSON.stringify(asked);
    const answer = await this.#ask({ path: 'export', type: 'application/json', body });
    const lines = await bytesOf(answer);
    const { headers } = answer;
    const reached = headers['spoor-reached'];
    return {
      cursor: textOf(headers['spoor-cursor']),
      reachedNano: reached === undefined ? undefined : BigInt(String(reached)),
      lines,
    };
  }

  /** `firstLine`: its number in the file, for messages. */
  async importLines(
    body: Uint8Array,
    { tenant, firstLine }: { tenant: string | undefined; firstLine: number },
  ): Promise<ImportResponse> {
    const query = new URLSearchParams({ first_line: String(firstLine) });
    if (tenant !== undefined) query.set('tenant', tenant);
    const path = `import?${query.toString()}`;
    const answer = await this.#ask({ path, type: 'application/x-ndjson', body });
    return ImportResponse.parse(JSON.parse((await bytesOf(answer)).toString()));
  }

  async *deleteTraces(selection: StoreSelection): AsyncGenerator<DeletionLine> {
    const body = JSON.stringify(selection);
    const answer = await this.#ask({ path: 'delete', type: 'application/json', body });
    for await (const line of createInterface({ input: answer })) {
      yield DeletionLine.parse(JSON.parse(line));
    }
  }

  /** The answer, when it is a good one. */
  async #ask(asked: Asked): Promise<IncomingMessage> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#send(asked);
      const { statusCode = 0 } = answer;
      if (statusCode === 200) return answer;
      const error = refusal(statusCode, (await bytesOf(answer)).toString());
      if (statusCode !== 503 || attempt === ATTEMPTS_MAX) throw error;
      await sleep(WAIT_MS, undefined, { signal: this.#options.signal });
    }
  }

  #send({ path, type, body }: Asked): Promise<IncomingMessage> {
    const { address, secret, signal, headers, isInsecure = false } = this.#options;
    const url = `${address.replace(/\/+$/, '')}/api/spoor/store/${path}`;
    return new Promise((resolve, reject) => {
      const sent = (url.startsWith('https:') ? requestTls : request)(url, {
        method: 'POST',
        signal,
        ...(isInsecure ? { rejectUnauthorized: false } : {}),
        headers: {
          ...headers,
          'spoor-store-secret': secret,
          'content-type': type,
          'content-length': Buffer.byteLength(body),
        },
      });
      sent.once('response', resolve);
      sent.once('error', (cause) => reject(signal.aborted ? signal.reason : gone(address, cause)));
      sent.end(body);
    });
  }
}

/** A connection that ends before the answer does is an error. */
async function bytesOf(answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part);
  return Buffer.concat(parts);
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

function gone(address: string, cause: Error): ClientError {
  return new ClientError('unreachable', `${address} does not answer: ${messageOf(cause)}`, {
    cause,
    hint: 'is the server running? It says at which address when it starts',
  });
}

function refusal(status: number, body: string): ClientError {
  try {
    const { error } = ErrorResponse.parse(JSON.parse(body));
    return new ClientError('refused', error.message, { hint: error.hint });
  } catch {
    return new ClientError('failed', `the server answered with status ${status}`);
  }
}

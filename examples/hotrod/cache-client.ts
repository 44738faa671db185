/** A small RESP client with a pool: one command at a time on a connection, as many connections as
 *  there are commands in flight (16 at most). A lookup that takes longer than the time-out fails
 *  and gives up its connection, because a late reply would be taken for the next one's. */
import { createConnection, type Socket } from 'node:net';

import { SpanKind } from '@opentelemetry/api';

import { encodeCommand, RespReader } from './resp.ts';
import { inSpan } from './tracing.ts';

const CONNECTIONS_MAX = 16;
const WAITERS_MAX = 1024;
export const LOOKUP_TIMEOUT_MS = 40;

export class CacheTimeoutError extends Error {
  override readonly name = 'CacheTimeoutError';
}

export class CacheClient {
  readonly #port: number;
  readonly #idle: Socket[] = [];
  readonly #waiting: (() => void)[] = [];
  #inUse = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /** The value of a key, or undefined when the cache has none. */
  get(key: string): Promise<string | undefined> {
    // Named after what is looked up, not after the key: a name per driver would be fifty names.
    const summary = `GET ${key.split(':')[0]}`;
    const attributes = {
      'db.system.name': 'redis',
      'db.operation.name': 'GET',
      'db.namespace': '0',
      'db.query.summary': summary,
      'db.query.text': `GET ${key}`,
      'server.address': 'localhost',
      'server.port': this.#port,
    };
    return inSpan(summary, { kind: SpanKind.CLIENT, attributes }, () => this.#send(['GET', key]));
  }

  close(): void {
    for (const socket of this.#idle) socket.destroy();
    this.#idle.length = 0;
  }

  async #send(words: readonly string[]): Promise<string | undefined> {
    if (this.#inUse >= CONNECTIONS_MAX) await this.#turn();
    this.#inUse++;
    const socket = this.#idle.pop() ?? this.#connect();
    try {
      const value = await exchange(socket, words);
      this.#idle.push(socket);
      return value;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      this.#inUse--;
      this.#waiting.shift()?.();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= WAITERS_MAX) {
      throw new Error(`${WAITERS_MAX} lookups wait for a cache connection already`);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #connect(): Socket {
    const socket = createConnection({ port: this.#port, host: '127.0.0.1', noDelay: true });
    // An idle connection may be closed by the cache: it is then simply not used again.
    socket.on('close', () => {
      const at = this.#idle.indexOf(socket);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    socket.on('error', () => socket.destroy());
    return socket;
  }
}

function exchange(socket: Socket, words: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const reader = new RespReader();
    const giveUp = (): void => {
      const [command, key] = words;
      const text = `no answer to ${command} ${key} in ${LOOKUP_TIMEOUT_MS} ms`;
      finish(() => reject(new CacheTimeoutError(text)));
    };
    // A process that was held up finds its timers due before it looks at its sockets: the answer
    // may be there already, so look once before blaming the cache.
    const timer = setTimeout(() => setImmediate(giveUp), LOOKUP_TIMEOUT_MS);
    const onData = (chunk: Buffer): void => {
      reader.push(chunk);
      const reply = reader.nextReply();
      if (reply === undefined) return;
      finish(() => {
        if (reply.kind === 'value') resolve(reply.value);
        else reject(new Error(reply.message));
      });
    };
    const onClose = (): void => {
      finish(() => reject(new Error('the cache closed the connection')));
    };
    let isFinished = false;
    const finish = (settle: () => void): void => {
      if (isFinished) return;
      isFinished = true;
      clearTimeout(timer);
      socket.off('data', onData);
      socket.off('close', onClose);
      settle();
    };
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.write(encodeCommand(words));
  });
}

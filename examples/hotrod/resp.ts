/** RESP2, the protocol Redis speaks, as far as GET, SET and PING need it: requests are arrays of
 *  bulk strings, replies are simple strings, errors or bulk strings. Both sides of HotROD's cache
 *  use it, so `redis-cli -p PORT` can look into the cache as well. */

const RESP_BYTES_MAX = 64 * 1024;

export type Reply =
  | { readonly kind: 'value'; readonly value: string | undefined }
  | { readonly kind: 'error'; readonly message: string };

export function encodeCommand(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map(encodeBulk).join('')}`;
}

export function encodeReply(reply: Reply): string {
  if (reply.kind === 'error') return `-ERR ${reply.message.replaceAll(/[\r\n]+/g, ' ')}\r\n`;
  return reply.value === undefined ? '$-1\r\n' : encodeBulk(reply.value);
}

function encodeBulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** Gathers bytes until a whole command or reply is there. */
export class RespReader {
  #bytes: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    if (this.#bytes.length + chunk.length > RESP_BYTES_MAX) {
      throw new Error(`a RESP message is longer than ${RESP_BYTES_MAX} bytes`);
    }
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
  }

  /** The next whole command, or undefined while bytes are missing. */
  nextCommand(): string[] | undefined {
    const header = this.#line(0);
    if (header === undefined) return undefined;
    if (!header.text.startsWith('*')) throw new Error('expected a RESP array');
    const words: string[] = [];
    let end = header.end;
    for (let i = 0; i < Number(header.text.slice(1)); i++) {
      const bulk = this.#bulk(end);
      if (bulk === undefined) return undefined;
      words.push(bulk.value ?? '');
      end = bulk.end;
    }
    this.#bytes = this.#bytes.subarray(end);
    return words;
  }

  /** The next whole reply, or undefined while bytes are missing. */
  nextReply(): Reply | undefined {
    const header = this.#line(0);
    if (header === undefined) return undefined;
    if (header.text.startsWith('$')) {
      const bulk = this.#bulk(0);
      if (bulk === undefined) return undefined;
      this.#bytes = this.#bytes.subarray(bulk.end);
      return { kind: 'value', value: bulk.value };
    }
    this.#bytes = this.#bytes.subarray(header.end);
    const text = header.text.slice(1);
    return header.text.startsWith('-')
      ? { kind: 'error', message: text }
      : { kind: 'value', value: text };
  }

  #line(from: number): { text: string; end: number } | undefined {
    const at = this.#bytes.indexOf('\r\n', from);
    if (at < 0) return undefined;
    return { text: this.#bytes.toString('utf8', from, at), end: at + 2 };
  }

  #bulk(from: number): { value: string | undefined; end: number } | undefined {
    const header = this.#line(from);
    if (header === undefined) return undefined;
    const length = Number(header.text.slice(1));
    if (!header.text.startsWith('$') || !Number.isInteger(length)) {
      throw new Error('expected a RESP bulk string');
    }
    if (length < 0) return { value: undefined, end: header.end };
    const end = header.end + length + 2;
    if (this.#bytes.length < end) return undefined;
    return { value: this.#bytes.toString('utf8', header.end, end - 2), end };
  }
}

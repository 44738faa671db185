/** Reading a request's body: the one piece it came in, a buffer of the length it announces, or pieces;
 *  never more than the limit, and only what is counted as in flight. */

import type { IncomingMessage } from 'node:http';
import type { InFlightShare } from './in-flight.ts';
import { BodyBuffers } from './body-buffers.ts';
import { OtlpError } from './refusal.ts';

export interface Body {
  readonly bytes: Uint8Array;
  /** Says that nobody will look at the bytes again, which others may then overwrite. A body that is
   *  kept is simply never released. */
  readonly release: () => void;
}

const buffers = new BodyBuffers();
const kept = (bytes: Uint8Array): Body => ({ bytes, release: () => {} });

/** Throws OtlpError `too_large`, `overloaded`, `bad_request` or `cancelled`. */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  share: InFlightShare,
): Promise<Body> {
  const announced = Number(request.headers['content-length'] ?? -1);
  if (announced > bytesMax) return Promise.reject(tooLarge(bytesMax));
  if (announced >= 0) {
    try {
      share.add(announced);
    } catch (error) {
      return Promise.reject(error);
    }
  }
  const into = announced >= 0 ? new KnownLength(announced) : new Pieces(bytesMax, share);
  return new Promise((resolve, reject) => {
    request.on('data', (piece: Buffer) => {
      try {
        into.add(piece);
      } catch (error) {
        request.removeAllListeners('data');
        reject(error);
      }
    });
    request.once('end', () => resolve(into.body()));
    request.once('error', (cause) => {
      reject(new OtlpError('cancelled', 'the client went away', { cause }));
    });
    request.once('close', () => {
      if (!request.complete) reject(new OtlpError('cancelled', 'the client went away'));
    });
  });
}

class KnownLength {
  readonly #length: number;
  #first: Buffer | undefined;
  #buffer: Buffer | undefined;
  #at = 0;

  constructor(length: number) {
    this.#length = length;
  }

  /** Node's parser delivers no more than the announced length. */
  add(piece: Buffer): void {
    if (piece.length === this.#length) {
      this.#first = piece;
      return;
    }
    this.#buffer ??= buffers.take(this.#length);
    this.#at += piece.copy(this.#buffer, this.#at);
  }

  body(): Body {
    const buffer = this.#buffer;
    if (buffer === undefined) return kept(this.#first ?? Buffer.alloc(0));
    return { bytes: buffer.subarray(0, this.#at), release: () => buffers.give(buffer) };
  }
}

class Pieces {
  readonly #bytesMax: number;
  readonly #share: InFlightShare;
  readonly #pieces: Buffer[] = [];
  #length = 0;

  constructor(bytesMax: number, share: InFlightShare) {
    this.#bytesMax = bytesMax;
    this.#share = share;
  }

  add(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length > this.#bytesMax) throw tooLarge(this.#bytesMax);
    this.#share.add(piece.length);
    this.#pieces.push(piece);
  }

  body(): Body {
    const [only = Buffer.alloc(0)] = this.#pieces;
    return kept(this.#pieces.length <= 1 ? only : Buffer.concat(this.#pieces, this.#length));
  }
}

function tooLarge(bytesMax: number): OtlpError {
  return new OtlpError('too_large', `larger than ${bytesMax} bytes`);
}

/** Reading a request's body: into one buffer of the length it announces, else into pieces; never
 *  more than the limit, and only what is counted as in flight. */

import type { IncomingMessage } from 'node:http';
import type { InFlightShare } from './in-flight.ts';
import { OtlpError } from './refusal.ts';

/** Throws OtlpError `too_large`, `overloaded`, `bad_request` or `cancelled`. */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  share: InFlightShare,
): Promise<Uint8Array> {
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
    request.once('end', () => resolve(into.bytes()));
    request.once('error', (cause) => {
      reject(new OtlpError('cancelled', 'the client went away', { cause }));
    });
    request.once('close', () => {
      if (!request.complete) reject(new OtlpError('cancelled', 'the client went away'));
    });
  });
}

class KnownLength {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(length: number) {
    this.#bytes = Buffer.allocUnsafeSlow(length);
  }

  /** Node's parser delivers no more than the announced length. */
  add(piece: Buffer): void {
    this.#at += piece.copy(this.#bytes, this.#at);
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
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

  bytes(): Uint8Array {
    return this.#pieces.length === 1
      ? (this.#pieces[0] ?? Buffer.alloc(0))
      : Buffer.concat(this.#pieces, this.#length);
  }
}

function tooLarge(bytesMax: number): OtlpError {
  return new OtlpError('too_large', `larger than ${bytesMax} bytes`);
}

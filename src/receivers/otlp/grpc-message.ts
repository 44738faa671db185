/** One length-prefixed gRPC message taken off a stream: a flag byte, a length, that many bytes. The
 *  buffer is made when the length is known to be allowed, so nothing is copied twice. */

import type { InFlightShare } from './in-flight.ts';
import { OtlpError } from './refusal.ts';

const PREFIX_BYTES = 5;

export class GrpcMessage {
  readonly #bytesMax: number;
  readonly #share: InFlightShare;
  readonly #prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  #prefixAt = 0;
  #body: Buffer | undefined;
  #at = 0;
  isCompressed = false;

  constructor(bytesMax: number, share: InFlightShare) {
    this.#bytesMax = bytesMax;
    this.#share = share;
  }

  /** Throws OtlpError `too_large`, `overloaded` or `bad_request`. */
  add(piece: Buffer): void {
    let from = 0;
    if (this.#prefixAt < PREFIX_BYTES) {
      from = piece.copy(this.#prefix, this.#prefixAt);
      this.#prefixAt += from;
      if (this.#prefixAt < PREFIX_BYTES) return;
      this.#open();
    }
    if (this.#body === undefined) return;
    if (this.#at + piece.length - from > this.#body.length) {
      throw new OtlpError('bad_request', 'more than one message where one is expected');
    }
    this.#at += piece.copy(this.#body, this.#at, from);
  }

  /** The whole message, once the stream has ended. */
  finish(): Uint8Array {
    if (this.#body === undefined || this.#at < this.#body.length) {
      throw new OtlpError('bad_request', 'the message is cut short');
    }
    return this.#body;
  }

  #open(): void {
    const length = this.#prefix.readUInt32BE(1);
    if (length > this.#bytesMax) {
      throw new OtlpError(
        'too_large',
        `message of ${length} bytes, the limit is ${this.#bytesMax}`,
      );
    }
    this.#share.add(length);
    this.isCompressed = (this.#prefix[0] ?? 0) !== 0;
    this.#body = Buffer.allocUnsafeSlow(length);
  }
}

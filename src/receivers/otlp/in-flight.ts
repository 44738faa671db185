/** The bytes of all requests being handled at a time, over both transports: the bound that keeps a
 *  flood from becoming memory. Whoever does not fit is asked to come back. */

import { OtlpError } from './refusal.ts';

export class InFlightBytes {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** One request's share, empty at first. */
  open(): InFlightShare {
    return new InFlightShare(this);
  }

  /** Throws when it does not fit. A request that is alone always fits: its own size has a limit. */
  take(bytes: number, held: number): void {
    if (this.#bytes + bytes > this.#bytesMax && this.#bytes > held) {
      const message = `${this.#bytesMax} bytes of requests are being handled already`;
      throw new OtlpError('overloaded', message, { retryable: true });
    }
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}

export class InFlightShare {
  readonly #all: InFlightBytes;
  #bytes = 0;

  constructor(all: InFlightBytes) {
    this.#all = all;
  }

  /** Throws OtlpError `overloaded`. */
  add(bytes: number): void {
    this.#all.take(bytes, this.#bytes);
    this.#bytes += bytes;
  }

  /** Gives everything back; safe to call again. */
  close(): void {
    this.#all.release(this.#bytes);
    this.#bytes = 0;
  }
}

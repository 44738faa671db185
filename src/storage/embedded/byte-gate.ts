/** Bounds the bytes of spans that are in memory and in no file yet. Who comes when they are too many
 *  waits in line for a while, then is refused and may try again: nothing is dropped. */

import type { Clock } from '../../lib/clock.ts';
import { StorageError } from '../contract.ts';

export interface ByteGateOptions {
  readonly bytesMax: number;
  /** How long one waits. */
  readonly patienceMs: number;
  /** Told whenever somebody has to wait. */
  readonly onWait: () => void;
}

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

export class ByteGate {
  readonly #options: ByteGateOptions;
  readonly #clock: Clock;
  readonly #line = new Set<Waiting>();
  #bytes = 0;
  #waitingBytes = 0;

  constructor(options: ByteGateOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when there is room. What is larger than the gate goes alone. */
  async enter(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#line.size === 0 && this.#fits(bytes)) {
      this.#bytes += bytes;
      return;
    }
    // Those who wait hold their spans too: half of the bound for them all.
    if (this.#waitingBytes + bytes > this.#options.bytesMax / 2) throw full();
    this.#options.onWait();
    await this.#wait(bytes, signal);
  }

  /** For what is in memory already. */
  force(bytes: number): void {
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
    for (const waiting of this.#line) {
      if (!this.#fits(waiting.bytes)) return;
      this.#bytes += waiting.bytes;
      waiting.enter();
    }
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#options.bytesMax;
  }

  #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#line.delete(waiting);
        this.#waitingBytes -= bytes;
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      const waiting: Waiting = {
        bytes,
        enter: () => {
          end();
          resolve();
        },
      };
      const onAbort = () => {
        end();
        reject(signal?.reason);
      };
      const timer = this.#clock.after(this.#options.patienceMs, () => {
        end();
        reject(full());
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#line.add(waiting);
      this.#waitingBytes += bytes;
    });
  }
}

function full(): StorageError {
  return new StorageError('full', 'the store takes spans more slowly than they come', {
    retryable: true,
    retryAfterMs: 1000,
    hint: 'send more slowly, or give the store a faster disk',
  });
}

/** Where an instance sends to. It stays the same for the life of the instance while what is behind
 *  it changes, so that a configuration can be replaced under running receivers: callers wait for
 *  the moment in which nobody is there, instead of being refused. */
import { PipelineError, type Batch, type Consumer } from '../component/consumer.ts';

/** Bytes that may wait while a part is exchanged; past it senders are told to come again. */
const heldBytesMax = 64 * 2 ** 20;

export class Outlet implements Consumer<Batch> {
  #target: Consumer<Batch> | undefined;
  #connected = Promise.withResolvers<Consumer<Batch>>();
  #heldBytes = 0;

  /** From now on to this one; whoever waited goes on. */
  connect(target: Consumer<Batch>): void {
    this.#target = target;
    this.#connected.resolve(target);
  }

  /** Let callers wait for the next `connect`. */
  hold(): void {
    if (this.#target === undefined) return;
    this.#target = undefined;
    this.#connected = Promise.withResolvers();
  }

  admit(bytes: number): void {
    if (this.#target === undefined) this.#assertRoom(bytes);
    else this.#target.admit?.(bytes);
  }

  async consume(batch: Batch, signal: AbortSignal): Promise<void> {
    const target = this.#target ?? (await this.#waited(batch.byteSize, signal));
    await target.consume(batch, signal);
  }

  async #waited(bytes: number, signal: AbortSignal): Promise<Consumer<Batch>> {
    this.#assertRoom(bytes);
    signal.throwIfAborted();
    const { promise: gone, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#heldBytes += bytes;
    try {
      return await Promise.race([this.#connected.promise, gone]);
    } finally {
      this.#heldBytes -= bytes;
      signal.removeEventListener('abort', onAbort);
    }
  }

  #assertRoom(bytes: number): void {
    if (this.#heldBytes + bytes <= heldBytesMax) return;
    throw new PipelineError('overloaded', 'the configuration is being exchanged', {
      retryable: true,
      retryAfterMs: 1000,
    });
  }
}

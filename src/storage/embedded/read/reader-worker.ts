/** The reader's thread: traces out of files, as frames. What is asked for first is not all done
 *  first: between two row groups whoever waits has a turn, and a question nobody waits for ends. */

import { setImmediate } from 'node:timers/promises';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { messageOf } from '../../../lib/errors.ts';
import { StorageError } from '../../contract.ts';
import { FooterCache } from '../parquet/footer-cache.ts';
import type { FromReader, ReadFailure, ReadOrder, ToReader } from './messages.ts';
import { readTraceFiles } from './trace-files.ts';

class ReaderWorker {
  readonly #port: MessagePort;
  readonly #footers = new FooterCache();
  readonly #running = new Set<number>();

  constructor(port: MessagePort) {
    this.#port = port;
  }

  handle(message: ToReader): void {
    if (message.kind === 'cancel') this.#running.delete(message.id);
    else void this.#read(message.id, message.order);
  }

  async #read(id: number, order: ReadOrder): Promise<void> {
    this.#running.add(id);
    const pause = async (): Promise<void> => {
      await setImmediate();
      if (!this.#running.has(id)) throw new StorageError('unavailable', 'nobody waits any more');
    };
    try {
      const { frames, warnings } = await readTraceFiles(order, this.#footers, pause);
      this.#answer({ id, ok: true, frames, warnings }, frames);
    } catch (error) {
      this.#answer({ id, ok: false, failure: failureOf(error) }, []);
    }
    this.#running.delete(id);
  }

  #answer(reply: FromReader, frames: readonly (Uint8Array | undefined)[]): void {
    const transfer = frames.flatMap((frame) =>
      frame?.buffer instanceof ArrayBuffer ? [frame.buffer] : [],
    );
    this.#port.postMessage(reply, transfer);
  }
}

function failureOf(error: unknown): ReadFailure {
  const message = messageOf(error);
  if (error instanceof StorageError) return { code: error.code, message, hint: error.hint };
  return { code: 'unavailable', message, hint: undefined };
}

if (parentPort !== null) {
  const worker = new ReaderWorker(parentPort);
  parentPort.on('message', (message: ToReader) => worker.handle(message));
}

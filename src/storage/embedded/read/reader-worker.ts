/** The reader's thread: traces out of files, as frames, and whether files are as they were written.
 *  What is asked for first is not all done first: between two row groups whoever waits has a turn,
 *  and a question nobody waits for ends. Who reads goes before who verifies. */

import { setImmediate } from 'node:timers/promises';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { messageOf } from '../../../lib/errors.ts';
import { StorageError } from '../../contract.ts';
import { FooterCache } from '../parquet/footer-cache.ts';
import type { FromReader, ReadFailure, ReadOrder, ToReader, VerifyOrder } from './messages.ts';
import { type Pause, readTraceFiles } from './trace-files.ts';
import { verifyFile } from './verify-file.ts';

/** Who verifies for somebody that waits lets those who read have so many turns, then has one. */
const TURNS_LET = 8;

class ReaderWorker {
  readonly #port: MessagePort;
  readonly #footers = new FooterCache();
  readonly #running = new Set<number>();
  #reads = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  handle(message: ToReader): void {
    switch (message.kind) {
      case 'cancel':
        this.#running.delete(message.id);
        break;
      case 'read':
        this.#reads++;
        void this.#run(message.id, () => this.#read(message.id, message.order)).finally(() => {
          this.#reads--;
        });
        break;
      case 'verify':
        void this.#run(message.id, () => this.#verify(message.id, message.order));
        break;
    }
  }

  async #run(id: number, work: () => Promise<FromReader>): Promise<void> {
    this.#running.add(id);
    try {
      this.#answer(await work());
    } catch (error) {
      this.#answer({ id, ok: false, failure: failureOf(error) });
    }
    this.#running.delete(id);
  }

  async #read(id: number, order: ReadOrder): Promise<FromReader> {
    const pause: Pause = () => this.#turn(id);
    const found = await readTraceFiles(order, this.#footers, pause);
    return { kind: 'traces', id, ok: true, ...found };
  }

  async #verify(id: number, order: VerifyOrder): Promise<FromReader> {
    const pause: Pause = async () => {
      let turns = 0;
      do await this.#turn(id);
      while (this.#reads > 0 && (order.isPatient === true || ++turns < TURNS_LET));
    };
    return { kind: 'verified', id, ok: true, damage: await verifyFile(order, pause) };
  }

  async #turn(id: number): Promise<void> {
    await setImmediate();
    if (!this.#running.has(id)) throw new StorageError('unavailable', 'nobody waits any more');
  }

  #answer(reply: FromReader): void {
    const parts = reply.ok && reply.kind === 'traces' ? reply.parts : [];
    const transfer = parts.flatMap(({ frame }) =>
      frame.buffer instanceof ArrayBuffer ? [frame.buffer] : [],
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

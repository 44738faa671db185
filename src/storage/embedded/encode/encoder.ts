/** The main thread's side of the encoder: posts frames and asks for files. Nothing here waits or
 *  works: encoding and its disk are the worker's. When the worker dies every open request is
 *  rejected, `onFailure` is told, and the next message starts a new one, which knows no rows. */

import { Worker } from 'node:worker_threads';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { entryUrl } from '../../../lib/entry.ts';
import { messageOf } from '../../../lib/errors.ts';
import { StorageError } from '../../contract.ts';
import type { EncoderRows, FlushTarget, SegmentEncoder } from '../encoder-port.ts';
import type { HashSeed } from '../identity.ts';
import type { DataFile } from '../manifest.ts';
import { openDataFile } from './data-file.ts';
import type { AppendedRows, Failure, Message, Reply, Request, WorkerOptions } from './messages.ts';

export type StartWorker = (options: WorkerOptions) => Worker;

export interface EncoderOptions {
  /** Secret: hash tables start from it, so that nobody can craft what collides in them. */
  readonly seed: number;
  readonly clock?: Clock | undefined;
  /** Starts the thread; a test starts one whose disk it can break. */
  readonly startWorker?: StartWorker | undefined;
  /** The worker is gone and its rows with it: append them anew. */
  readonly onFailure?: ((error: StorageError) => void) | undefined;
}

interface Waiting {
  readonly resolve: (isEmpty: boolean) => void;
  readonly reject: (error: StorageError) => void;
}

/** A request before it has its number. */
type Asked<R extends Request = Request> = R extends Request ? Omit<R, 'id'> : never;

export class Encoder implements SegmentEncoder {
  readonly #options: EncoderOptions;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  /** Of this turn, not yet on its way. */
  #appended: AppendedRows[] = [];
  #worker: Worker | undefined;
  #lastId = 0;
  #problem: string | undefined;
  #isClosed = false;

  constructor(options: EncoderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Why the worker went last, until it has done something again. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** A group of the log becomes durable as one, and its records come here in one go: they travel in
   *  one message, since a message costs more than fifty spans in it. */
  append(tenant: string, rows: EncoderRows): void {
    if (this.#appended.length === 0) queueMicrotask(() => this.#tryPostAppended());
    this.#appended.push({ tenant, ...rows });
  }

  /** Forgets the tenant's rows. */
  discard(tenant: string): void {
    this.#post({ kind: 'discard', tenant });
  }

  /** Writes all rows appended before, durably, as <from>-<from>.parquet with its index. */
  async flush(tenant: string, { directory, from }: FlushTarget): Promise<DataFile> {
    const path = join(directory, `${from}-${from}.parquet`);
    const nowMs = this.#clock.nowMs();
    const isEmpty = await this.#ask({ kind: 'flush', tenant, path, number: from, nowMs });
    if (isEmpty) throw new StorageError('unavailable', `tenant ${tenant} has no rows to flush`);
    return openDataFile(path, 'flush');
  }

  /** The same rows in a file that need not survive, and they stay; undefined when there are none. */
  async snapshot(tenant: string, path: string): Promise<DataFile | undefined> {
    const nowMs = this.#clock.nowMs();
    const isEmpty = await this.#ask({ kind: 'snapshot', tenant, path, nowMs });
    return isEmpty ? undefined : openDataFile(path, 'fresh');
  }

  /** Makes one segment of files that follow each other, oldest first. They stay. */
  async stitch(inputs: readonly DataFile[], path: string): Promise<DataFile> {
    await this.#ask({ kind: 'stitch', inputs: inputs.map((input) => input.path), path });
    return openDataFile(path, 'segment');
  }

  /** The file without the traces it hides; undefined when no row is left. It stays. */
  async rewrite(input: DataFile, path: string, seed: HashSeed): Promise<DataFile | undefined> {
    const traceIds = input.deleted ?? new Set<string>();
    const isEmpty = await this.#ask({ kind: 'rewrite', input: input.path, path, traceIds, seed });
    return isEmpty ? undefined : openDataFile(path, input.kind);
  }

  /** The file with its index made again; undefined when there was no need to. */
  async reindex(file: DataFile, seed: HashSeed): Promise<DataFile | undefined> {
    const { path, kind } = file;
    // Only rows of young files may be sent again, and a segment is not young.
    const ownSeed = kind === 'flush' ? seed : undefined;
    const isWhole = await this.#ask({ kind: 'reindex', path, seed: ownSeed });
    return isWhole && file.index !== undefined ? undefined : openDataFile(path, kind);
  }

  /** Open requests are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#rejectAll(new StorageError('unavailable', 'the encoder is closed'));
    await worker?.terminate();
  }

  #ask(request: Asked): Promise<boolean> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ ...request, id });
    });
  }

  /** Nobody is there to be told by an exception: rows that did not go are as good as forgotten. */
  #tryPostAppended(): void {
    try {
      this.#postAppended();
    } catch (error) {
      this.#tellLost(`it took no rows: ${messageOf(error)}`);
    }
  }

  #postAppended(): void {
    const appended = this.#appended;
    if (appended.length === 0 || this.#isClosed) return;
    this.#appended = [];
    // Copied: the head keeps the frames.
    this.#send({ kind: 'append', rows: appended });
  }

  /** Messages are carried out in the order they were asked for, so what was appended goes first. */
  #post(message: Message): void {
    try {
      this.#postAppended();
    } catch (error) {
      // A file without them would be taken for one of all rows.
      throw this.#tellLost(`it took no rows: ${messageOf(error)}`);
    }
    this.#send(message);
  }

  #send(message: Message): void {
    if (this.#isClosed) {
      this.#rejectAll(new StorageError('unavailable', 'the encoder is closed'));
      return;
    }
    this.#worker ??= this.#start();
    this.#worker.postMessage(message, []);
  }

  #start(): Worker {
    const { seed, startWorker = startOwnWorker } = this.#options;
    const worker = startWorker({ seed });
    worker.on('message', (reply: Reply) => this.#settle(reply));
    worker.on('error', (error) => this.#fail(worker, messageOf(error)));
    worker.on('exit', (code) => this.#fail(worker, `it ended with code ${code}`));
    return worker;
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (!reply.ok) {
      waiting?.reject(errorOf(reply.failure));
      return;
    }
    this.#problem = undefined;
    waiting?.resolve(reply.isEmpty);
  }

  #fail(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    // They are appended anew with all the others.
    this.#appended = [];
    this.#rejectAll(this.#tellLost(`it stopped: ${why}`));
  }

  #tellLost(why: string): StorageError {
    this.#problem = `the encoder lost its rows, ${why}`;
    const error = new StorageError('unavailable', this.#problem, { retryable: true });
    this.#options.onFailure?.(error);
    return error;
  }

  #rejectAll(error: StorageError): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}

function startOwnWorker(workerData: WorkerOptions): Worker {
  const entry = entryUrl('./encoder-worker.ts', import.meta.url);
  return new Worker(entry, { workerData, name: 'encoder' });
}

function errorOf({ code, message, retryable, retryAfterMs, hint }: Failure): StorageError {
  return new StorageError(code, message, { retryable, retryAfterMs, hint });
}

/** The main thread's side of the reader: asks its thread for traces, or whether a file is whole, and
 *  waits. A trace may have a hundred thousand spans, and putting it together on the main thread would
 *  keep acknowledgements waiting. When the thread dies it is replaced, and what it was doing is tried once more. */

import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../../lib/clock.ts';
import { entryUrl } from '../../../lib/entry.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { decodeFrame } from '../../../model/batch/frame.ts';
import { rowsBetween } from '../../../model/batch/gather.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { StorageError } from '../../contract.ts';
import type { FileDamage } from '../manifest.ts';
import type { FromReader, ReadOrder, ToReader, TracesFrame, VerifyOrder } from './messages.ts';

export interface ReaderSettings {
  /** Questions that may wait. */
  readonly waitingMax: number;
  readonly timeLimitMs: number;
  readonly resultBytesMax: number;
}

export interface ReaderDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Another thread than the reader's own, for tests of what happens when it dies. */
  readonly startWorker?: (() => Worker) | undefined;
}

export interface TracesOfFiles {
  /** One a trace; undefined for a trace without spans. */
  readonly batches: readonly (SpanBatch | undefined)[];
  readonly warnings: readonly string[];
}

/** Whoever reads traces out of files. */
export interface TraceFiles {
  read(order: Omit<ReadOrder, 'bytesMax'>, signal?: AbortSignal): Promise<TracesOfFiles>;
}

/** Whoever compares files with their checksums. */
export interface FileVerifier {
  /** Undefined when it is whole. */
  verify(order: VerifyOrder, signal?: AbortSignal): Promise<FileDamage | undefined>;
}

type Answer = Extract<FromReader, { ok: true }>;
type Question = Extract<ToReader, { order: unknown }>;
type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;

interface Job {
  readonly question: Question;
  readonly timer: Timer;
  readonly settle: (outcome: { answer: Answer } | { error: unknown }) => void;
  attempts: number;
}

const ATTEMPTS_MAX = 2;

export class FileReader implements TraceFiles, FileVerifier {
  readonly #settings: ReaderSettings;
  readonly #deps: ReaderDeps;
  readonly #jobs = new Map<number, Job>();
  #worker: Worker | undefined;
  #lastId = 0;
  #isClosed = false;

  constructor(settings: ReaderSettings, deps: ReaderDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  async read(order: Omit<ReadOrder, 'bytesMax'>, signal?: AbortSignal): Promise<TracesOfFiles> {
    const { resultBytesMax: bytesMax } = this.#settings;
    const answer = await this.#ask({ kind: 'read', order: { ...order, bytesMax } }, signal);
    if (answer.kind !== 'traces') throw new TypeError('the reader answered something else');
    const { parts, warnings } = answer;
    return { batches: batchesOf(parts, order.traceIds.length), warnings };
  }

  async verify(order: VerifyOrder, signal?: AbortSignal): Promise<FileDamage | undefined> {
    const answer = await this.#ask({ kind: 'verify', order }, signal);
    if (answer.kind !== 'verified') throw new TypeError('the reader answered something else');
    return answer.damage;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    for (const job of this.#jobs.values()) job.settle({ error: closed() });
    await worker?.terminate();
  }

  async #ask(question: Unnumbered<Question>, signal: AbortSignal | undefined): Promise<Answer> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw closed();
    if (this.#jobs.size >= this.#settings.waitingMax) throw crowded(this.#jobs.size);
    const { timeLimitMs } = this.#settings;
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const stop = (error: unknown) => {
        job.settle({ error });
        const message: ToReader = { kind: 'cancel', id };
        this.#worker?.postMessage(message, []);
      };
      const onAbort = () => stop(signal?.reason);
      const job: Job = {
        question: { ...question, id },
        attempts: 0,
        timer: this.#deps.clock.after(timeLimitMs, () => stop(late(timeLimitMs))),
        settle: (outcome) => {
          if (!this.#jobs.delete(id)) return;
          job.timer.cancel();
          signal?.removeEventListener('abort', onAbort);
          if ('answer' in outcome) resolve(outcome.answer);
          else reject(outcome.error);
        },
      };
      this.#jobs.set(id, job);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#post(job);
    });
  }

  #post(job: Job): void {
    job.attempts++;
    this.#worker ??= this.#start();
    this.#worker.postMessage(job.question, []);
  }

  #start(): Worker {
    const worker = this.#deps.startWorker?.() ?? startReader();
    worker.on('message', (message: FromReader) => this.#receive(message));
    worker.on('error', (error) => this.#replace(worker, messageOf(error)));
    worker.on('exit', (code) => this.#replace(worker, `it ended with code ${code}`));
    return worker;
  }

  #receive(message: FromReader): void {
    const job = this.#jobs.get(message.id);
    if (message.ok) {
      job?.settle({ answer: message });
      return;
    }
    const { code, message: text, hint } = message.failure;
    job?.settle({ error: new StorageError(code, text, { hint }) });
  }

  #replace(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    if (this.#isClosed) return;
    this.#deps.logger.warn({ why }, 'the reader stopped, starting another');
    for (const job of this.#jobs.values()) {
      if (job.attempts < ATTEMPTS_MAX) this.#post(job);
      else job.settle({ error: died(why) });
    }
  }
}

/** Cut into traces. */
function batchesOf(parts: readonly TracesFrame[], traces: number): (SpanBatch | undefined)[] {
  const batches = Array.from({ length: traces }, (): SpanBatch | undefined => undefined);
  for (const { frame, ends } of parts) {
    const batch = decodeFrame(frame);
    let from = 0;
    for (const [trace, to] of ends.entries()) {
      if (to > from) batches[trace] = rowsBetween(batch, from, to);
      from = to;
    }
  }
  return batches;
}

function startReader(): Worker {
  return new Worker(entryUrl('./reader-worker.ts', import.meta.url), { name: 'reader' });
}

function closed(): StorageError {
  return new StorageError('unavailable', 'the store is closing');
}

function crowded(waiting: number): StorageError {
  return new StorageError('unavailable', `${waiting} queries are waiting already`, {
    retryable: true,
    retryAfterMs: 1000,
  });
}

function late(timeLimitMs: number): StorageError {
  return new StorageError('timeout', `reading files took longer than ${timeLimitMs} ms`, {
    hint: 'ask for fewer traces at once',
  });
}

function died(why: string): StorageError {
  return new StorageError('unavailable', `the reader died twice on this question: ${why}`, {
    retryable: true,
  });
}

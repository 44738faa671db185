/** The port to DuckDB: plans go in, columns come out. The process behind it is started when somebody
 *  looks and ends when nobody has asked for a while: it takes a hundred megabytes that a server which
 *  only takes spans should not have to pay. It is replaced whenever it dies, runs out of memory or
 *  does not stop when told; queries that were running are then tried once more, one at a time, so that
 *  the one at fault fails alone. At most `concurrency` queries run, the others wait in turn by tenant. */

import type { Clock, Timer } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { StorageError } from '../../contract.ts';
import { ChildHandle } from './child-handle.ts';
import { FairQueue } from './fair-queue.ts';
import type { ChildSettings, FromChild, QueryFault, QueryPlan, QueryResult } from './messages.ts';

export interface QueryOptions {
  /** Who asks, for taking turns: the tenant. */
  readonly lane: string;
  readonly signal?: AbortSignal | undefined;
}

export interface QueryPort {
  /** Rejects with the signal's reason when aborted, else with a StorageError. */
  run(plan: QueryPlan, options: QueryOptions): Promise<QueryResult>;
  /** A question is likely to come soon: what it needs may be started. */
  wake(): void;
}

export interface QueryProcessDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asked for each process that starts: what makes it ready for the files there are. A file's
   *  footer is parsed when it is met first, which would make the first search slow. */
  readonly warmUp?: (() => QueryPlan | undefined) | undefined;
}

export interface QueryProcessSettings extends ChildSettings {
  readonly concurrency: number;
  readonly waitingMax: number;
  /** From asking to answer. */
  readonly timeLimitMs: number;
}

/** How long a query that was told to stop may take until the process is killed for it. */
const STOP_GRACE_MS = 3000;
/** Somebody who reads what a search found comes back within this time, and waits no third of a second
 *  for the process again. */
export const IDLE_MS_MAX = 300_000;
/** A process that dies so often before it is ready will not come up. */
const STARTS_MAX = 3;
const ATTEMPTS_MAX = 2;

interface Job {
  readonly id: number;
  readonly plan: QueryPlan;
  readonly lane: string;
  readonly timer: Timer;
  attempts: number;
  /** Set once it has been answered; its slot is free when the process says so. */
  isSettled: boolean;
  grace: Timer | undefined;
  settle(outcome: { result: QueryResult } | { error: unknown }): void;
}

export class QueryProcess implements QueryPort {
  readonly #settings: QueryProcessSettings;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #deps: QueryProcessDeps;
  readonly #waiting: FairQueue<Job>;
  readonly #running = new Map<number, Job>();
  #child: ChildHandle | undefined;
  #isReady = false;
  #isClosed = false;
  #failedStarts = 0;
  #nextId = 1;
  /** Runs while nothing is asked. */
  #idle: Timer | undefined;

  constructor(settings: QueryProcessSettings, deps: QueryProcessDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#waiting = new FairQueue(settings.waitingMax);
  }

  /** Of the process that is running now; changes when it is replaced. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Queries under way and queries that wait. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running.size, waiting: this.#waiting.size };
  }

  wake(): void {
    if (this.#isClosed) return;
    if (this.#child === undefined) this.#start();
    this.#restartIdle();
  }

  run(plan: QueryPlan, { lane, signal }: QueryOptions): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#isClosed) throw new StorageError('unavailable', 'the store is closed');
      const onAbort = () => this.#stop(job, signal?.reason);
      const job: Job = {
        id: this.#nextId++,
        plan,
        lane,
        attempts: 0,
        isSettled: false,
        grace: undefined,
        timer: this.#clock.after(this.#settings.timeLimitMs, () => this.#stop(job, this.#late())),
        settle: (outcome) => {
          if (job.isSettled) return;
          job.isSettled = true;
          job.timer.cancel();
          signal?.removeEventListener('abort', onAbort);
          if ('result' in outcome) resolve(outcome.result);
          else reject(outcome.error);
        },
      };
      if (!this.#waiting.add(lane, job)) {
        job.settle({ error: this.#crowded() });
        return;
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      this.wake();
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#idle?.cancel();
    const error = new StorageError('unavailable', 'the store is closing');
    for (const job of this.#running.values()) this.#drop(job, error);
    this.#running.clear();
    this.#failWaiting(error);
    await this.#child?.close();
  }

  #start(): void {
    this.#isReady = false;
    const child = new ChildHandle(this.#settings, {
      message: (message) => {
        if (child === this.#child) this.#receive(message);
      },
      ended: (reason, said) => {
        if (child === this.#child) this.#replace(reason, said);
      },
    });
    this.#child = child;
  }

  #restartIdle(): void {
    this.#idle?.cancel();
    this.#idle = this.#clock.after(IDLE_MS_MAX, () => {
      if (this.#running.size > 0 || this.#waiting.size > 0) this.#restartIdle();
      else this.#end();
    });
  }

  /** Nobody asks: the next question starts another. */
  #end(): void {
    const old = this.#child;
    this.#child = undefined;
    this.#isReady = false;
    old?.kill();
  }

  #dispatch(): void {
    while (this.#isReady && this.#running.size < this.#settings.concurrency) {
      if (this.#runsAlone()) return;
      const job = this.#waiting.next();
      if (job === undefined) return;
      if (job.attempts > 0 && this.#running.size > 0) {
        this.#waiting.putBack(job.lane, job);
        return;
      }
      job.attempts++;
      this.#running.set(job.id, job);
      this.#child?.send({ kind: 'run', id: job.id, plan: job.plan });
    }
  }

  /** True while a query is tried again. */
  #runsAlone(): boolean {
    return [...this.#running.values()].some((job) => job.attempts > 1);
  }

  #receive(message: FromChild): void {
    switch (message.kind) {
      case 'ready':
        this.#isReady = true;
        this.#failedStarts = 0;
        this.#warmUp();
        break;
      case 'wild':
        this.#logger.warn({ rssBytes: message.rssBytes }, 'query process uses too much memory');
        this.#child?.kill();
        return;
      case 'large':
        this.#renew();
        break;
      case 'result':
        this.#finish(message.id, { result: message.result });
        break;
      case 'error':
        this.#finish(message.id, { error: faultError(message.fault, message.message) });
        break;
    }
    this.#dispatch();
  }

  #warmUp(): void {
    const plan = this.#deps.warmUp?.();
    if (plan === undefined) return;
    this.run(plan, { lane: '' }).catch((error: unknown) => {
      this.#logger.debug({ error: messageOf(error) }, 'the query process did not warm up');
    });
  }

  #finish(id: number, outcome: Parameters<Job['settle']>[0]): void {
    const job = this.#running.get(id);
    this.#running.delete(id);
    job?.grace?.cancel();
    job?.settle(outcome);
  }

  /** DuckDB keeps what it once took, file footers above all: a process that has grown is replaced
   *  while it has nothing to do. */
  #renew(): void {
    if (this.#running.size > 0 || this.#waiting.size > 0) return;
    const old = this.#child;
    this.#start();
    old?.kill();
  }

  /** The process is gone: start another, and put back what it was running. */
  #replace(reason: string, said: string): void {
    this.#child = undefined;
    if (this.#isClosed) return;
    this.#logger.warn({ reason, said }, 'query process ended, starting another');
    if (!this.#isReady) this.#failedStarts++;
    const interrupted = [...this.#running.values()];
    this.#running.clear();
    for (const job of interrupted) {
      job.grace?.cancel();
      if (job.isSettled) continue;
      if (job.attempts < ATTEMPTS_MAX) this.#waiting.putBack(job.lane, job);
      else job.settle({ error: diedError(reason) });
    }
    if (this.#failedStarts < STARTS_MAX) {
      this.#start();
      return;
    }
    // Nobody waits in vain; the next query tries again.
    this.#failedStarts = 0;
    this.#failWaiting(startError(said === '' ? reason : said));
  }

  /** Answers the caller now and has the process stop working on it. */
  #stop(job: Job, error: unknown): void {
    if (!this.#running.has(job.id)) {
      this.#waiting.remove(job.lane, job);
      job.settle({ error });
      return;
    }
    job.settle({ error });
    this.#child?.send({ kind: 'cancel', id: job.id });
    job.grace = this.#clock.after(STOP_GRACE_MS, () => {
      this.#logger.warn({}, 'query process does not stop a query, killing it');
      this.#child?.kill();
    });
  }

  #drop(job: Job, error: unknown): void {
    job.grace?.cancel();
    job.settle({ error });
  }

  #failWaiting(error: unknown): void {
    for (let job = this.#waiting.next(); job !== undefined; job = this.#waiting.next()) {
      this.#drop(job, error);
    }
  }

  #late(): StorageError {
    const limit = `${this.#settings.timeLimitMs} ms`;
    return new StorageError('timeout', `the query took longer than ${limit}`, {
      hint: 'narrow the time range or the filter',
    });
  }

  #crowded(): StorageError {
    return new StorageError('unavailable', `${this.#waiting.size} queries are waiting already`, {
      retryable: true,
      retryAfterMs: 1000,
    });
  }
}

function faultError(fault: QueryFault, message: string): StorageError {
  switch (fault) {
    case 'file':
      return new StorageError('damaged', message);
    case 'memory':
    case 'result_size':
      return new StorageError('unavailable', `the query needs too much memory: ${message}`, {
        hint: 'narrow the time range or ask for fewer traces',
      });
    case 'cancelled':
      return new StorageError('unavailable', 'the query was stopped', { retryable: true });
    case 'plan':
      return new StorageError('invalid', message);
  }
}

function diedError(reason: string): StorageError {
  return new StorageError('unavailable', `the query process died twice on this query: ${reason}`, {
    hint: 'narrow the time range or the filter; it may need more memory than there is',
  });
}

function startError(said: string): StorageError {
  return new StorageError('unavailable', `the query process does not start: ${said}`, {
    retryable: true,
    retryAfterMs: 5000,
  });
}

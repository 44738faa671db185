/** The one seam that every piece of data crosses. Fan-out, batch and queues are written once over
 *  "a batch with a count and a byte size", not three times for three signals. Traces are the
 *  purpose and travel as columnar `SpanBatch`; metrics and logs travel as whole OTLP requests. */
import type { Client } from '../model/batch/client.ts';
import { withClient, type SpanBatch } from '../model/batch/span-batch.ts';
import { SpoorError } from '../lib/errors.ts';
import { packed, type MessageBatch } from './message-batch.ts';

export type Signal = 'traces' | 'metrics' | 'logs';

export const signals: readonly Signal[] = ['traces', 'metrics', 'logs'];

export type Batch = SpanBatch | MessageBatch;

export function isMessages(batch: Batch): batch is MessageBatch {
  return 'signal' in batch;
}

export function isSpans(batch: Batch): batch is SpanBatch {
  return !isMessages(batch);
}

/** The same data, sent by this client. */
export function sentBy(batch: Batch, client: Client | undefined): Batch {
  return isMessages(batch) ? { ...batch, client } : withClient(batch, client);
}

/** The same data as it should be held while it waits: a decoded request takes many times its bytes. */
export function forWaiting(batch: Batch): Batch {
  return isMessages(batch) ? packed(batch) : batch;
}

/** Promises of every consumer:
 *  - resolving means accepted, and as durable as the way down from here is;
 *  - rejecting means refused whole; a `SpoorError` says whether sending it again can help
 *    (`retryable`, `retryAfterMs`), any other error counts as retryable;
 *  - the batch is sealed: nobody changes it, and it may be shared by several consumers;
 *  - the signal tells that the caller no longer waits. Work already under way may still finish. */
export interface Consumer<T extends Batch> {
  consume(batch: T, signal: AbortSignal): Promise<void>;
  /** Asked before a request of so many bytes is decoded: throws a retryable error when it would be
   *  refused anyway. Left out: everything may come. */
  admit?(bytes: number): void;
}

/** Asks the next consumer, for those that stand before one without a say of their own. */
export function admitThrough(next: Consumer<never>): { admit(bytes: number): void } {
  return { admit: (bytes) => next.admit?.(bytes) };
}

/** What a receiver sends to: one consumer for each signal that a pipeline asks it for. A missing
 *  signal is not to be served. */
export interface NextConsumers {
  readonly traces?: Consumer<SpanBatch> | undefined;
  readonly metrics?: Consumer<MessageBatch> | undefined;
  readonly logs?: Consumer<MessageBatch> | undefined;
}

export type PipelineErrorCode =
  /** The consumer has been stopped or was never started. */
  | 'not_running'
  /** At least one branch of a fan-out refused the data. */
  | 'branch_failed'
  /** A bounded place on the way is full. */
  | 'overloaded'
  /** The destination did not answer in time. */
  | 'timed_out'
  /** The destination took a part, and must not be sent the rest again. */
  | 'partly_refused'
  /** Settings that no schema can check alone. */
  | 'bad_settings';

export class PipelineError extends SpoorError<PipelineErrorCode> {}

/** Raised by exporters for a partial success: it is counted, and goes no further, since sending again
 *  is forbidden and most of the batch has arrived. */
export class PartlyRefused extends PipelineError {
  readonly items: number;

  constructor(items: number, message: string) {
    super('partly_refused', `the destination refused ${items} of the items: ${message}`);
    this.items = items;
  }
}

/** What a consumer says before it was started. */
export function notRunning(): PipelineError {
  return new PipelineError('not_running', 'not started', { retryable: true });
}

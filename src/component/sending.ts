/** The blocks `timeout`, `retry_on_failure` and `sending_queue`, which every exporter to a network
 *  peer has. An exporter declares them and sends once; the runtime does the rest around it
 *  (`src/pipeline/sending/`), so that queueing, retrying and counting are written once. */
import { z } from 'zod';
import { defaultBlock, duration, enabled } from '../config/kinds.ts';
import { capability } from './host.ts';

/** Bytes under text keys, kept over a restart. Lent by the file_storage extension. */
export interface KeyValueStore {
  /** In no order. */
  keys(): Promise<readonly string[]>;
  get(key: string): Promise<Uint8Array | undefined>;
  /** Resolves when the value is as safe as the store makes it. Replaces an older value whole. */
  set(key: string, value: Uint8Array): Promise<void>;
  /** Also when there is no such key. */
  delete(key: string): Promise<void>;
}

export interface StoreLender {
  /** The store of one component; the same name gives the same contents. */
  client(name: string): Promise<KeyValueStore>;
}

export const keyValueStorage = capability<StoreLender>('key-value storage');

export function timeout(fallback: string) {
  return duration()
    .prefault(fallback)
    .describe('Give up one attempt to send after this long; 0 never does.');
}

export function retryOnFailure() {
  return defaultBlock(
    z.strictObject({
      enabled: enabled(),
      initial_interval: duration()
        .prefault('5s')
        .describe('Wait this long after the first failure.'),
      randomization_factor: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe('Vary each wait by up to this share.'),
      multiplier: z.number().min(0).default(1.5).describe('Each wait is this many times the last.'),
      max_interval: duration().prefault('30s').describe('Longest wait.'),
      max_elapsed_time: duration()
        .prefault('5m')
        .describe('Give the data up after this long; 0 never does.'),
    }),
  );
}

export function sendingQueue() {
  return defaultBlock(
    z
      .strictObject({
        enabled: enabled(),
        num_consumers: z.int().positive().default(10).describe('Batches sent at the same time.'),
        queue_size: z
          .int()
          .positive()
          .default(1000)
          .describe('Bound of the queue, in the unit of sizer.'),
        sizer: z
          .enum(['requests', 'items', 'bytes'])
          .default('requests')
          .describe('What queue_size counts: batches, spans (points, records), or bytes.'),
        block_on_overflow: z
          .boolean()
          .default(false)
          .describe('Let senders wait while the queue is full, instead of refusing them.'),
        wait_for_result: z
          .boolean()
          .default(false)
          .describe('Answer senders when the data was sent, not when it was queued.'),
        storage: z
          .string()
          .optional()
          .describe('Keep the queue in this extension, so that a restart loses nothing.'),
      })
      .refine(({ storage, wait_for_result: waits }) => storage === undefined || !waits, {
        message: 'wait_for_result does not go with storage',
      }),
  );
}

export type RetrySettings = NonNullable<z.output<ReturnType<typeof retryOnFailure>>>;
export type QueueSettings = NonNullable<z.output<ReturnType<typeof sendingQueue>>>;

/** What an exporter's configuration says about sending. */
export interface SendingSettings {
  readonly timeout: number;
  readonly retry_on_failure?: RetrySettings | undefined;
  readonly sending_queue?: QueueSettings | undefined;
}

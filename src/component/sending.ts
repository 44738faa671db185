/** The blocks `timeout`, `retry_on_failure` and `sending_queue`, which every exporter to a network
 *  peer has. An exporter declares them and sends once; the runtime does the rest around it
 *  (`src/pipeline/sending/`), so that queueing, retrying and counting are written once. */
import { z } from 'zod';
import { defaultBlock, duration, enabled, optionalBlock } from '../config/kinds.ts';
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

const retryBlock = () =>
  z.strictObject({
    enabled: enabled(),
    initial_interval: duration().prefault('5s').describe('Wait this long after the first failure.'),
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
  });

export function retryOnFailure() {
  return defaultBlock(retryBlock());
}

/** Of exporters that do not retry unless told. */
export function retryWhenAsked() {
  return optionalBlock(retryBlock());
}

const batchBlock = z.strictObject({
  enabled: enabled(),
  flush_timeout: duration()
    .prefault('200ms')
    .refine((ms) => ms > 0, { message: 'flush_timeout must be above 0' })
    .describe('Send what waits no later than this after its first item.'),
  min_size: z
    .int()
    .nonnegative()
    .default(8192)
    .describe('Send as soon as so much waits, in the unit of sizer.'),
  max_size: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Split what is larger, in the unit of sizer; 0 never splits.'),
  sizer: z
    .enum(['items', 'bytes'])
    .optional()
    .describe('What the sizes count; left out, what the queue counts, or else items.'),
  partition: z
    .strictObject({
      metadata_keys: z
        .array(z.string().toLowerCase())
        .default([])
        .describe(
          'Merge separately by these request headers, which the receiver must include_metadata; the others are forgotten. The tenant always is kept apart.',
        ),
    })
    .prefault({})
    .refine(({ metadata_keys: keys }) => new Set(keys).size === keys.length, {
      message: 'metadata_keys names a key twice (upper and lower case are the same)',
    }),
});

const queueBlock = () =>
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
      batch: optionalBlock(batchBlock).describe(
        'Merge what is queued before it is sent; left out, each batch is sent as it came.',
      ),
    })
    .refine(({ storage, wait_for_result: waits }) => storage === undefined || !waits, {
      message: 'wait_for_result does not go with storage',
    })
    .superRefine((settings, context) => {
      for (const [path, message] of batchFaults(settings)) {
        context.addIssue({ code: 'custom', path: ['batch', path], message });
      }
    });

export function sendingQueue() {
  return defaultBlock(queueBlock());
}

/** Of exporters that have no queue unless told. */
export function queueWhenAsked() {
  return optionalBlock(queueBlock());
}

type Sizer = 'requests' | 'items' | 'bytes';

interface SizesOfBatch {
  readonly min_size: number;
  readonly max_size: number;
  readonly sizer?: 'items' | 'bytes' | undefined;
}

/** What the sizes of merged batches count. */
export function batchSizer(batch: Pick<SizesOfBatch, 'sizer'>, sizer: Sizer): 'items' | 'bytes' {
  return batch.sizer ?? (sizer === 'bytes' ? 'bytes' : 'items');
}

function batchFaults({
  batch: sizes,
  sizer,
  queue_size: queueSize,
}: {
  readonly batch?: SizesOfBatch | undefined;
  readonly sizer: Sizer;
  readonly queue_size: number;
}): (readonly [key: string, message: string])[] {
  if (sizes === undefined) return [];
  const { min_size: min, max_size: max } = sizes;
  const faults: (readonly [string, string])[] = [];
  if (max > 0 && max < min) faults.push(['max_size', 'must be 0 or at least min_size']);
  if (batchSizer(sizes, sizer) === sizer && min > queueSize) {
    faults.push(['min_size', `must be at most queue_size, ${queueSize}: so much never waits`]);
  }
  return faults;
}

export type RetrySettings = NonNullable<z.output<ReturnType<typeof retryOnFailure>>>;
export type QueueSettings = NonNullable<z.output<ReturnType<typeof sendingQueue>>>;
export type QueueBatchSettings = NonNullable<QueueSettings['batch']>;

/** What an exporter's configuration says about sending. */
export interface SendingSettings {
  readonly timeout: number;
  readonly retry_on_failure?: RetrySettings | undefined;
  readonly sending_queue?: QueueSettings | undefined;
  /** What the queue is called in the exporter's section, where it is not `sending_queue`. */
  readonly queueKey?: string | undefined;
}

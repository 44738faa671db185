import { z } from 'zod';
import { duration } from '../../config/kinds.ts';

export const BatchConfig = z
  .strictObject({
    timeout: duration()
      .prefault('200ms')
      .describe('Send a batch no older than this; 0 sends at once.'),
    send_batch_size: z
      .int()
      .nonnegative()
      .default(8192)
      .describe('Send when this many items wait; 0 leaves it to the timeout.'),
    send_batch_max_size: z
      .int()
      .nonnegative()
      .default(0)
      .describe('Split larger batches; 0 never splits.'),
    metadata_keys: z
      .array(z.string().toLowerCase())
      .default([])
      .describe(
        'Batch separately by these request headers, which the receiver must include_metadata; the others are forgotten. The tenant always is kept apart.',
      ),
    metadata_cardinality_limit: z
      .int()
      .positive()
      .default(1000)
      .describe('Most distinct combinations of tenant and metadata values.'),
  })
  .refine(({ send_batch_max_size: max, send_batch_size: size }) => max === 0 || max >= size, {
    message: 'send_batch_max_size must be 0 or at least send_batch_size',
  })
  .refine(({ metadata_keys: keys }) => new Set(keys).size === keys.length, {
    message: 'metadata_keys names a key twice (upper and lower case are the same)',
  });

export type BatchConfig = z.output<typeof BatchConfig>;

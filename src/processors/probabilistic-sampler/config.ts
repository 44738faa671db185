import { z } from 'zod';

export const SamplerConfig = z
  .strictObject({
    sampling_percentage: z
      .number()
      .nonnegative()
      .refine((percentage) => percentage === 0 || percentage >= 100 * 2 ** -56, {
        message: 'too small to keep anything: the least is 100 * 2^-56',
      })
      .default(0)
      .describe('How much to keep; 100 and more keep everything.'),
    mode: z
      .enum(['hash_seed', 'proportional', 'equalizing', ''])
      .default('')
      .describe(
        'hash_seed (the default): by a hash of the id. proportional: this part of what arrives, by the randomness in the id. equalizing: this part of all there was, counting what samplers before have left out.',
      ),
    hash_seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(0)
      .describe('The same for all that must keep the same traces.'),
    fail_closed: z
      .boolean()
      .default(true)
      .describe('Drop what has no randomness, or sampling marks that contradict it; else keep it.'),
    sampling_precision: z
      .int()
      .min(1)
      .max(14)
      .default(4)
      .describe('Hex digits of the threshold that is written to what is kept.'),
    attribute_source: z
      .enum(['traceID', 'record'])
      .default('traceID')
      .describe('Logs: decide by the trace id or by an attribute of the record.'),
    from_attribute: z
      .string()
      .default('')
      .describe('Logs: that attribute; with traceID, for records that have no trace id.'),
    sampling_priority: z
      .string()
      .default('')
      .describe('Logs: an attribute whose number is the percentage for its record.'),
  })
  .refine(
    ({ attribute_source: source, from_attribute: from }) => source !== 'record' || from !== '',
    {
      message: 'attribute_source: record needs from_attribute',
    },
  );

export type SamplerConfig = z.output<typeof SamplerConfig>;

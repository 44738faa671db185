import { z } from 'zod';
import { fittingTransport, httpServerShape } from '../../component/server/config.ts';

export const PprofConfig = z
  .strictObject({
    ...httpServerShape({ endpoint: 'localhost:1777' }),
    save_to_file: z
      .string()
      .default('')
      .describe('Write a CPU profile of the whole run to this file at the end.'),
    block_profile_fraction: z
      .int()
      .optional()
      .describe('Accepted; nothing blocks in a JavaScript process.'),
    mutex_profile_fraction: z
      .int()
      .optional()
      .describe('Accepted; there are no mutexes in a JavaScript process.'),
  })
  .superRefine(fittingTransport);

export type PprofConfig = z.output<typeof PprofConfig>;

import { z } from 'zod';
import { fittingTransport, httpServerShape } from '../../component/server/config.ts';

export const ZpagesConfig = z
  .strictObject({
    ...httpServerShape({ endpoint: 'localhost:55679' }),
    expvar: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Serve /debug/expvarz too.'),
      })
      .prefault({}),
  })
  .superRefine(fittingTransport);

export type ZpagesConfig = z.output<typeof ZpagesConfig>;

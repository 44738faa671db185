/** Takes everything and keeps nothing. */
import { z } from 'zod';
import { defineExporter } from '../../component/define.ts';

export const component = defineExporter({
  type: 'nop',
  stability: 'stable',
  summary: 'Accepts everything and keeps nothing.',
  signals: ['traces', 'metrics', 'logs'],
  config: z.strictObject({}),
  ack: () => ({ kind: 'discarded', where: 'it keeps nothing' }),
  create: () => ({ consume: async () => {} }),
});

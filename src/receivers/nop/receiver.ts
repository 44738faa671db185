/** A receiver that never receives: for pipelines fed by nothing, such as one that only runs
 *  extensions. */
import { z } from 'zod';
import { defineReceiver } from '../../component/define.ts';

export const component = defineReceiver({
  type: 'nop',
  stability: 'stable',
  summary: 'Receives nothing.',
  signals: ['traces', 'metrics', 'logs'],
  config: z.strictObject({}),
  create: () => ({}),
});

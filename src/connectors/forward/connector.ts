/** Joins pipelines of one signal: what ends one begins the others. */
import { z } from 'zod';
import { admitThrough } from '../../component/consumer.ts';
import { defineConnector } from '../../component/define.ts';

export const component = defineConnector({
  type: 'forward',
  stability: 'stable',
  summary: 'Feeds pipelines of the same signal from one another.',
  routes: [
    { from: 'traces', to: 'traces' },
    { from: 'metrics', to: 'metrics' },
    { from: 'logs', to: 'logs' },
  ],
  config: z.strictObject({}),
  create: ({ next }) => ({
    ...admitThrough(next),
    consume: async (batch, signal) => next.consume(batch, signal),
  }),
});

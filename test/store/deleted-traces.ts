/** Traces for tests of deletion, each made of its number alone: ids that occur nowhere else, and a
 *  text of their own. */

import type { SpanBatch } from '../../src/model/batch/span-batch.ts';
import { bool, double, int, spans, text } from '../../src/storage/conformance/plain-spans.ts';
import { Chance } from '../../src/storage/conformance/random-spans.ts';

const START = 1_731_000_000_000_000_000n;
export const DELETION_RANGE = { startNano: START, endNano: START + 86_400_000_000_000n };

export interface MadeTrace {
  readonly number: number;
  readonly traceId: string;
  /** Of five spans, the first one the root. */
  readonly spanIds: readonly string[];
  readonly secret: string;
}

export function madeTraces(count: number, first = 0): MadeTrace[] {
  return Array.from({ length: count }, (_, i) => madeTrace(first + i));
}

function madeTrace(number: number): MadeTrace {
  const chance = new Chance(number * 7919 + 1);
  return {
    number,
    traceId: chance.hex(16),
    spanIds: Array.from({ length: 5 }, () => chance.hex(8)),
    secret: `secret ${chance.hex(8)}`,
  };
}

export function traceBatch({ number, traceId, spanIds, secret }: MadeTrace): SpanBatch {
  const [root = ''] = spanIds;
  const startNano = START + BigInt(number) * 1_000_000_000n;
  return spans(
    'default',
    spanIds.map((spanId, i) => ({
      traceId,
      spanId,
      parentSpanId: i === 0 ? '' : root,
      startNano: startNano + BigInt(i) * 1001n,
      endNano: startNano + 5_000_003n,
      name: `step ${i}`,
      service: `service ${i % 2}`,
      kind: i,
      status: i % 3,
      attributes: [
        ['customer', int(number % 20)],
        ['secret', text(secret)],
        ['key', [text('x'), int(503), double(1.5), bool(true), text('')][i] ?? text('y')],
      ] as const,
      events: i === 2 ? [{ name: 'event', attributes: [['of', text(secret)]] as const }] : [],
    })),
  );
}

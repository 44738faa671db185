/** Traces out of rows that are mixed: each as it would be by itself. */

import { expect, test } from 'vitest';
import { compact, rowsBetween } from '../../../model/batch/gather.ts';
import { type PlainSpan, spans, storedSpans, text } from '../../conformance/plain-spans.ts';
import { identityHashes } from '../identity.ts';
import { assemble, assembleOne, repeatingTraces } from './assemble.ts';

const SEED = [1, 2] as const;
const TRACES = 4;

/** The second trace has a span twice, and one with the ids of another and other content. The third
 *  has ids of spans that the first one has. The last one has no rows. */
const ROWS: readonly (PlainSpan & { readonly trace: number })[] = [
  span(1, 7, 30n),
  span(0, 1, 20n),
  span(2, 1, 5n),
  span(1, 7, 30n),
  span(0, 2, 10n),
  { ...span(1, 7, 30n), name: 'other' },
  span(2, 2, 5n),
  span(1, 8, 1n),
];

function span(trace: number, id: number, startNano: bigint) {
  return {
    trace,
    traceId: String(trace).repeat(32),
    spanId: id.toString(16).padStart(16, '0'),
    startNano,
    endNano: startNano + 1n,
    name: `span ${id}`,
    service: `service ${id % 2}`,
    attributes: [['n', text(`${trace} ${id}`)]] as const,
    events: [{ timeNano: startNano, name: `event of ${id}` }],
  };
}

const owned = {
  batch: spans('t', ROWS),
  traceOf: ROWS.map(({ trace }) => trace),
  traces: TRACES,
};
const alone = Array.from({ length: TRACES }, (_, trace) =>
  assembleOne(
    spans(
      't',
      ROWS.filter((row) => row.trace === trace),
    ),
    SEED,
  ),
);

test('mixed rows make the traces that they make alone', () => {
  const { batch, ends } = assemble(owned, SEED);
  expect([...ends]).toEqual([2, 5, 7, 7]);
  for (const [trace, to] of ends.entries()) {
    const own = rowsBetween(batch, ends[trace - 1] ?? 0, to);
    expect(storedSpans(own), `trace ${trace}`).toEqual(storedSpans(alone[trace] ?? own));
    // Hashes of the tables that traces share are made once.
    expect(identityHashes(own, SEED)).toEqual(identityHashes(compact(own), SEED));
    expect(identityHashes(own, [3, 4])).toEqual(identityHashes(compact(own), [3, 4]));
  }
});

test('a trace repeats spans when two rows have one id, not when another trace has it', () => {
  expect([...repeatingTraces(owned)]).toEqual([0, 1, 0, 0]);
});

test('traces may be left out', () => {
  const { batch, ends } = assemble(owned, SEED, Uint8Array.of(0, 1, 0, 0));
  expect([...ends]).toEqual([2, 2, 4, 4]);
  expect(storedSpans(rowsBetween(batch, 2, 4))).toEqual(storedSpans(alone[2] ?? batch));
});

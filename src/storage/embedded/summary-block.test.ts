import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SummaryBlock, type TraceEntry, writeSummaries } from './summary-block.ts';

const nano = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const count = fc.nat();
const rowGroups = fc
  .uniqueArray(count, { maxLength: 3 })
  .map((numbers) => numbers.toSorted((a, b) => a - b));
const span = fc.record({ startNano: nano, service: fc.string(), name: fc.string() });
const summary = fc.record({
  traceId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  startNano: nano,
  endNano: nano,
  spanCount: count,
  errorCount: count,
  root: fc.option(span, { nil: undefined }),
  first: span,
  missingParents: fc.array(nano, { maxLength: 3 }),
  services: fc.array(fc.record({ name: fc.string(), spans: count, errors: count }), {
    maxLength: 3,
  }),
});

test('summaries of any times, names and counts are read as they were written', () => {
  const entry = fc.record({ summary, rowGroups });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), (made) => {
      const entries: TraceEntry[] = made.map(({ summary: { traceId, ...rest }, ...more }) => ({
        ...more,
        summary: { ...rest, traceId: Buffer.from(traceId).toString('hex') },
      }));
      const block = new SummaryBlock(writeSummaries(entries));
      const read = entries.map(({ summary: { traceId } }, i) => block.entryAt(i, traceId));
      expect(read).toEqual(entries);
      entries.forEach(({ summary: { startNano, endNano, spanCount, errorCount, ...rest } }, i) => {
        expect(block.keysAt(i)).toEqual({ startNano, endNano, spanCount, errorCount });
        expect(block.missingParentsAt(i)).toEqual(rest.missingParents);
      });
    }),
  );
});

test('a root that is the first span is written once', () => {
  const first = { startNano: 5n, service: 'a', name: 'b' };
  const base = { traceId: '00'.repeat(16), startNano: 5n, endNano: 6n, spanCount: 1 };
  const more = { errorCount: 0, missingParents: [], services: [] };
  const bytes = (root: typeof first | undefined): number =>
    writeSummaries([{ summary: { ...base, ...more, first, root }, rowGroups: [0] }]).length;
  expect(bytes({ ...first })).toBe(bytes(undefined));
});

test('bytes that are cut short are refused', () => {
  const first = { startNano: 2n ** 63n, service: 'a', name: 'b' };
  const entry = {
    summary: {
      traceId: '00'.repeat(16),
      startNano: 2n ** 63n,
      endNano: 0n,
      spanCount: 1,
      errorCount: 0,
      root: undefined,
      first,
      missingParents: [7n],
      services: [],
    },
    rowGroups: [0],
  };
  const bytes = writeSummaries([entry]).slice();
  for (let length = 0; length < bytes.length; length++) {
    expect(() => new SummaryBlock(bytes.subarray(0, length)).entryAt(0, '')).toThrow(RangeError);
  }
});

/** The spans of test/fixtures/store/first-format.parquet and .idx: a flush as it was written before
 *  parents were places and strings were packed. It stays what it is; so do these spans. */

import { double, int, type PlainSpan, text } from '../../conformance/plain-spans.ts';

const id = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

export const FIRST_FORMAT_SPANS: readonly PlainSpan[] = Array.from({ length: 40 }, (_, i) => ({
  traceId: id(0xabc0 + (i % 6), 32),
  spanId: id(0xf000 + i, 16),
  // Of six spans of a trace one is the root, one misses its parent, the others follow the one before.
  ...(i < 6 ? {} : { parentSpanId: id(i % 11 === 0 ? 0xdead : 0xf000 + i - 6, 16) }),
  startNano: 1_700_000_000_000_000_000n + BigInt(i * 1_000_003),
  endNano: 1_700_000_000_000_000_000n + BigInt(i * 1_000_003 + 77_777),
  name: `operation ${i % 3}`,
  service: `service-${i % 2}`,
  kind: (i % 5) + 1,
  status: i % 7 === 0 ? 2 : 0,
  attributes: [
    ['request.id', text(`8c7b3f2a-1111-4222-8333-${id(i, 12)}`)],
    ['peer', text(i % 4 === 0 ? 'localhost' : `10.0.${i}.255`)],
    ['size', int(i * 1000)],
    ['ratio', double(i / 8)],
  ],
  events: i % 9 === 0 ? [{ name: 'cache.miss', timeNano: 1_700_000_000_000_000_000n }] : [],
}));

/** Every search against a brute-force one, on random spans with random filters. A failure prints the
 *  seed of its round. */

import { describe, expect, test } from 'vitest';
import type { TraceOrder } from '../contract.ts';
import { type KnownSpan, searchTraces } from './oracle.ts';
import { spans } from './plain-spans.ts';
import { Chance, randomFilter, randomSpans } from './random-spans.ts';
import type { Subject } from './subject.ts';

const START = 1_731_000_000_000_000_000n;
const SPREAD = 600_000_000_000n;
const QUERIES = 40;
const ORDERS: readonly TraceOrder[] = [
  'newest',
  'newest',
  'oldest',
  'longest',
  'shortest',
  'mostSpans',
  'mostErrors',
];

/** Set to repeat a run. */
const SEED = Number(process.env['SPOOR_CONFORMANCE_SEED'] ?? Math.floor(Date.now() / 1000));

export function describeSearchOracle(subject: Subject, rounds: number): void {
  describe('search on random data answers as a brute-force search does', () => {
    for (let round = 0; round < rounds; round++) {
      const seed = SEED + round;
      test(`round ${round + 1}, SPOOR_CONFORMANCE_SEED=${seed}`, async () => {
        const chance = new Chance(seed);
        const tenant = subject.newTenant();
        const all = randomSpans(chance, { traces: 120, startNano: START, spreadNano: SPREAD });
        await writeInParts(subject, { tenant, all, chance });
        for (let i = 0; i < QUERIES; i++) await expectSame(subject, { tenant, all, chance });
      });
    }
  });
}

interface Round {
  readonly tenant: string;
  readonly all: readonly KnownSpan[];
  readonly chance: Chance;
}

/** In parts that cut through traces, some of them sent twice. */
async function writeInParts(subject: Subject, { tenant, all, chance }: Round): Promise<void> {
  for (let i = 0; i < all.length;) {
    const end = i + 1 + chance.below(60);
    const part = all.slice(i, end);
    await subject.backend().writer.write(spans(tenant, part));
    if (chance.isHit(0.2)) await subject.backend().writer.write(spans(tenant, part));
    i = end;
  }
}

async function expectSame(subject: Subject, { tenant, all, chance }: Round): Promise<void> {
  const filter = chance.isHit(0.95) ? randomFilter(chance) : undefined;
  const from = chance.isHit(0.5) ? 0n : BigInt(chance.below(400)) * 1_000_000_000n;
  const startNano = START + from;
  const endNano = startNano + BigInt(1 + chance.below(700)) * 1_000_000_000n;
  const order = chance.of(ORDERS);
  const limit = chance.of([1, 5, 20, 1000]);
  const search = { range: { startNano, endNano }, filter, order };
  const expected = searchTraces(all, search);
  const page = await subject.backend().reader.findTraces({ tenant, ...search, limit });
  const question = `${order}, limit ${limit}, ${startNano} to ${endNano}: ${print(filter)}`;
  expect(page.traces, question).toEqual(expected.slice(0, limit));
  if (expected.length > limit) expect(page.cursor, question).toBeDefined();
  expect(page.warnings, question).toEqual([]);
}

function print(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'bigint' ? `${inner}n` : inner,
  );
}

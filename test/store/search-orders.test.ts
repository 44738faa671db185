/** The orders that go by the whole trace, against a slow search: traces cut by files, late spans, spans
 *  stored twice, deleted traces, files being stitched and rewritten, pages while more arrives. Each
 *  way of answering has to give the same: traces tried one by one, all rows read, and what chooses. */

import { afterEach, expect, test } from 'vitest';
import { EVERY, type Filter, intrinsic } from '../../src/filter/ast.ts';
import type { TraceOrder, TraceQuery } from '../../src/storage/contract.ts';
import {
  type KnownSpan,
  searchTraces,
  summarizeTrace,
} from '../../src/storage/conformance/oracle.ts';
import { spans } from '../../src/storage/conformance/plain-spans.ts';
import { Chance, randomFilter, randomSpans } from '../../src/storage/conformance/random-spans.ts';
import { findTraces } from '../../src/storage/embedded/query/find-traces.ts';
import { StoredTenant } from '../../src/storage/embedded/query/stored-tenant.fixture.ts';

const START = 1_731_000_000_000_000_000n;
const SPREAD = 600_000_000_000n;
const SEED = Number(process.env['SPOOR_CONFORMANCE_SEED'] ?? Math.floor(Date.now() / 1000));
const ORDERS: readonly TraceOrder[] = ['longest', 'shortest', 'mostSpans', 'mostErrors'];
const WAYS = [
  ['tried', { firstRows: 0, triedRowsMax: Infinity }],
  ['tried a little', { firstRows: 0, triedRowsMax: 30_000 }],
  ['read', { triedRowsMax: -1 }],
] as const;

const print = (value: unknown) =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));

let store: StoredTenant;
afterEach(() => store.close());

/** What is stored, and what a slow search knows of it. */
class Both {
  readonly chance: Chance;
  known: KnownSpan[] = [];
  readonly #coming: KnownSpan[];
  #stored: KnownSpan[] = [];
  readonly #unflushed = new Set<string>();

  constructor(seed: number) {
    this.chance = new Chance(seed);
    this.#coming = randomSpans(this.chance, { traces: 260, startNano: START, spreadNano: SPREAD });
    // Some spans are late by files.
    for (let i = 0; i < 60; i++) {
      const [late] = this.#coming.splice(this.chance.below(this.#coming.length), 1);
      if (late !== undefined) this.#coming.push(late);
    }
  }

  arrive(count: number): void {
    const some = this.#coming.splice(0, count);
    if (this.chance.isHit(0.3)) some.push(...this.#stored.slice(0, this.chance.below(6)));
    if (some.length === 0) return;
    store.add(spans('t', some));
    this.known.push(...some);
    for (const { traceId } of some) this.#unflushed.add(traceId);
    this.#stored = some;
  }

  async change(): Promise<void> {
    const what = this.chance.below(10);
    if (what < 6) await this.flush();
    else if (what < 8) await this.stitch();
    else this.#delete();
  }

  async flush(): Promise<void> {
    if (this.#unflushed.size > 0) await store.flush();
    this.#unflushed.clear();
  }

  async stitch(): Promise<void> {
    const isHidden = store.files.some(({ deleted }) => deleted !== undefined);
    if (isHidden) await store.rewrite();
    else if (store.files.length > 2) await store.stitch(2 + this.chance.below(4));
  }

  /** A trace goes from all files; spans of it may come again. */
  #delete(): void {
    const id = this.chance.of(this.known).traceId;
    if (this.#unflushed.has(id)) return;
    store.hide(id);
    this.#stored = [];
    this.known = this.known.filter(({ traceId }) => traceId !== id);
  }

  search(order: TraceOrder) {
    const { chance } = this;
    const from = chance.isHit(0.5) ? 0n : BigInt(chance.below(400)) * 1_000_000_000n;
    const startNano = START + from;
    const endNano = startNano + BigInt(1 + chance.below(900)) * 1_000_000_000n;
    return { range: { startNano, endNano }, filter: this.#filter(), order };
  }

  /** A filter with a condition on the whole trace, and maybe others. */
  ofTraces(): Filter {
    const { chance } = this;
    const of = [this.#ofTrace()];
    if (chance.isHit(0.4)) of.push(this.#ofTrace());
    if (chance.isHit(0.5)) of.push(this.#filter() ?? EVERY);
    return { op: chance.isHit(0.8) ? 'and' : 'or', of };
  }

  #ofTrace(): Filter {
    const { chance } = this;
    const { traceId } = chance.of(this.known);
    const trace = summarizeTrace(this.known.filter((span) => span.traceId === traceId));
    const isOfDuration = chance.isHit(0.5);
    const name = isOfDuration ? 'durationNano' : chance.of(['rootService', 'rootName'] as const);
    const by = isOfDuration ? chance.of(['>', '>=', '<', '<=', '='] as const) : '=';
    const value = name === 'durationNano' ? trace.endNano - trace.startNano : trace[name];
    const leaf: Filter = { op: 'compare', field: { kind: 'trace', name }, by, value };
    return chance.isHit(0.15) ? { op: 'not', of: leaf } : leaf;
  }

  #filter(): Filter | undefined {
    const { chance } = this;
    if (chance.isHit(0.3)) return undefined;
    if (chance.isHit(0.4)) return randomFilter(chance);
    const { service = '', name } = this.known[chance.below(this.known.length)] ?? { name: '' };
    const of: Filter[] = [
      { op: 'compare', field: intrinsic('service'), by: '=', value: service },
      ...(chance.isHit(0.3) ? [{ op: 'looseEquals', key: 'error', text: 'true' } as const] : []),
      ...(chance.isHit(0.3)
        ? [{ op: 'compare', field: intrinsic('name'), by: '=', value: name } as const]
        : []),
    ];
    return { op: 'and', of };
  }
}

for (let round = 0; round < 4; round++) {
  const seed = SEED + round;
  test(`round ${round + 1}, SPOOR_CONFORMANCE_SEED=${seed}`, { timeout: 240_000 }, async () => {
    store = new StoredTenant();
    const both = new Both(seed);
    const { chance } = both;
    for (let step = 0; step < 30; step++) {
      both.arrive(1 + chance.below(60));
      await both.change();
      if (step < 5) continue;
      await expectSame(both, chance.of(ORDERS));
    }
  });
}

const INTERVALS = [{}, { firstRows: 16 }];
const ALL_ORDERS: readonly TraceOrder[] = [...ORDERS, 'newest', 'oldest'];

for (let round = 0; round < 2; round++) {
  const seed = SEED + 100 + round;
  test(
    `whole traces ${round + 1}, SPOOR_CONFORMANCE_SEED=${seed}`,
    { timeout: 240_000 },
    async () => {
      store = new StoredTenant();
      const both = new Both(seed);
      const { chance } = both;
      for (let step = 0; step < 30; step++) {
        both.arrive(1 + chance.below(60));
        await both.change();
        // Some of it is in no file.
        if (chance.isHit(0.5)) both.arrive(1 + chance.below(20));
        if (step < 3) continue;
        for (let i = 0; i < 4; i++) await expectPages(both, chance.of(ALL_ORDERS));
      }
    },
  );
}

/** All pages of what has a condition on whole traces. */
async function expectPages(both: Both, order: TraceOrder): Promise<void> {
  const search = { ...both.search(order), filter: both.ofTraces() };
  const limit = both.chance.of([1, 3, 20, 1000]);
  const expected = searchTraces(both.known, search);
  const isByStart = order === 'newest' || order === 'oldest';
  const ways: readonly object[] = isByStart ? INTERVALS : WAYS.map(([, how]) => how);
  const context = { ...(await store.context()), ...both.chance.of(ways) };
  let query: TraceQuery = { tenant: 't', ...search, limit };
  for (let at = 0; at < 3 * limit; at += limit) {
    const { traces, cursor } = await findTraces(context, query);
    expect(traces, print(query)).toEqual(expected.slice(at, at + limit));
    expect(cursor !== undefined, print(query)).toBe(expected.length > at + limit);
    if (cursor === undefined) break;
    query = { ...query, cursor };
  }
}

/** A page, then more arrives and is moved about, then the pages behind it: as it was at first. */
async function expectSame(both: Both, order: TraceOrder): Promise<void> {
  const search = both.search(order);
  const limit = both.chance.of([1, 3, 20, 1000]);
  const expected = searchTraces(both.known, search);
  const [way, how] = both.chance.of(WAYS);
  let query: TraceQuery = { tenant: 't', ...search, limit };
  const found = [];
  for (let page = 0; page < 3; page++) {
    const context = { ...(await store.context()), ...how };
    const { traces, cursor } = await findTraces(context, query);
    // What arrived since shifts nothing, but a summary is as of now.
    found.push(...traces.map(({ traceId }) => traceId));
    if (page === 0) {
      expect(traces, print({ way, ...query })).toEqual(expected.slice(0, limit));
    }
    if (cursor === undefined) break;
    query = { ...query, cursor };
    both.arrive(1 + both.chance.below(20));
    if (both.chance.isHit(0.5)) await both.flush();
    if (both.chance.isHit(0.2)) await both.stitch();
  }
  const ids = expected.map(({ traceId }) => traceId);
  expect(found, print({ way, ...query })).toEqual(ids.slice(0, limit * 3));
}

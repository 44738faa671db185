/** Calls between services over files of all kinds, against counting them one by one. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KnownSpan } from '../../conformance/oracle.ts';
import { spans } from '../../conformance/plain-spans.ts';
import { Chance, randomSpans } from '../../conformance/random-spans.ts';
import type { DependencyLink, TimeRange } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import { countedCalls } from './counted-calls.ts';
import { findDependencies } from './find-dependencies.ts';
import { StoredTenant } from './stored-tenant.fixture.ts';

const MINUTE = 60_000_000_000n;
const START = 28_850_000n * MINUTE;
const ALL = { startNano: START - 60n * MINUTE, endNano: START + 600n * MINUTE };
const SEED = Math.floor(Date.now() / 1000);

const chance = new Chance(SEED);
let tenant: StoredTenant;
let all: KnownSpan[] = [];

/** Two segments, two flushes and a head; most traces are cut, some into all of them. */
beforeAll(async () => {
  tenant = new StoredTenant();
  const known = randomSpans(chance, { traces: 300, startNano: START, spreadNano: 20n * MINUTE });
  all = known.toSorted(
    (a, b) => chance.below(1000) - 500 + Number(a.startNano - b.startNano) / 4e8,
  );
  const size = Math.ceil(all.length / 9);
  for (let part = 0; part < 9; part++) {
    tenant.add(spans('t', all.slice(part * size, (part + 1) * size)));
    if (part < 8) await tenant.flush();
    if (part === 2 || part === 5) await stitchFlushes();
  }
}, 60_000);
afterAll(() => tenant.close());

async function stitchFlushes(): Promise<void> {
  const segments = tenant.files.filter(({ kind }) => kind === 'segment');
  tenant.files = tenant.files.filter(({ kind }) => kind !== 'segment');
  await tenant.stitch();
  tenant.files = [...tenant.files, ...segments];
}

function slowly(range: TimeRange): DependencyLink[] {
  const serviceOf = new Map(all.map((span) => [span.traceId + span.spanId, span.service ?? '']));
  const counts = new Map<string, DependencyLink>();
  for (const { traceId, parentSpanId, startNano, service: child = '' } of all) {
    const parent = serviceOf.get(traceId + parentSpanId);
    if (parent === undefined || startNano < range.startNano || startNano >= range.endNano) continue;
    const key = JSON.stringify([parent, child]);
    counts.set(key, { parent, child, callCount: (counts.get(key)?.callCount ?? 0) + 1 });
  }
  return inOrder([...counts.values()]);
}

function inOrder(links: readonly DependencyLink[]): DependencyLink[] {
  const keyed = links.map((link) => ({ link, key: JSON.stringify([link.parent, link.child]) }));
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(({ link }) => link);
}

function randomRange(): TimeRange {
  const startNano = START + BigInt(chance.below(10 * 60_000)) * 1_000_000n;
  return { startNano, endNano: startNano + BigInt(1 + chance.below(12 * 60_000)) * 1_000_000n };
}

test('segments know the calls within them, and name the others', () => {
  const segments = tenant.files.filter(({ kind }) => kind === 'segment');
  expect(segments).toHaveLength(2);
  for (const segment of segments) {
    const calls = countedCalls(segment, ALL);
    expect(calls?.missing?.length).toBeGreaterThan(0);
    expect(calls?.links.length).toBeGreaterThan(0);
  }
});

test.each([
  ['every one by its spans', { rowsAskedMax: 1e6 }],
  ['what is counted and a look for the rest', { rowsAskedMax: 0 }],
  ['what is counted and a join of the rest', { rowsAskedMax: 0, childrenMax: 0 }],
])(
  `%s: no call is lost or counted twice, seed ${SEED}`,
  async (_, options) => {
    const context = await tenant.context();
    for (let i = 0; i < 12; i++) {
      const range = i === 0 ? ALL : randomRange();
      const links = await findDependencies(context, range, options);
      expect(
        inOrder(links),
        JSON.stringify([String(range.startNano), String(range.endNano)]),
      ).toEqual(slowly(range));
    }
  },
  60_000,
);

test('files that say nothing, or less, are asked by their rows', async () => {
  const whole = tenant.files;
  const spoil: ((file: DataFile) => DataFile)[] = [
    (file) => ({ ...file, index: undefined }),
    (file) => ({ ...file, deleted: new Set(['f'.repeat(32)]) }),
  ];
  for (const change of spoil) {
    tenant.files = whole.map((file, i) => (i % 2 === 0 ? file : change(file)));
    const links = await findDependencies(await tenant.context(), ALL, { rowsAskedMax: 0 });
    expect(inOrder(links)).toEqual(slowly(ALL));
  }
  tenant.files = whole;
}, 60_000);

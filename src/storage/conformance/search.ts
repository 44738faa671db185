/** Finding traces: what a page holds, and what it says of them. */

import { describe, expect, test } from 'vitest';
import type { Filter } from '../../filter/ast.ts';
import type { TraceOrder, TracePage, TraceQuery } from '../contract.ts';
import { summarizeTrace, type KnownSpan } from './oracle.ts';
import { bool, double, int, type PlainSpan, spans, text } from './plain-spans.ts';
import { Chance } from './random-spans.ts';
import type { Subject } from './subject.ts';

const chance = new Chance(Date.now() + 2);
const START = 1_731_000_000_000_000_000n;
const MS = 1_000_000n;
const RANGE = { startNano: START, endNano: START + 3_600_000n * MS };

const loose = (key: string, wanted: string): Filter => ({ op: 'looseEquals', key, text: wanted });
const named = (name: string): Filter => ({
  op: 'compare',
  field: { kind: 'intrinsic', name: 'name' },
  by: '=',
  value: name,
});
const of = (service: string): Filter => ({
  op: 'compare',
  field: { kind: 'intrinsic', name: 'service' },
  by: '=',
  value: service,
});

/** A trace of one span, `at` ms after START. */
function at(ms: number, more: PlainSpan = {}): KnownSpan {
  const startNano = START + BigInt(ms) * MS;
  return {
    traceId: chance.hex(16),
    spanId: chance.hex(8),
    startNano,
    endNano: startNano + MS,
    name: `at ${ms}`,
    ...more,
  };
}

export function describeSearch(subject: Subject): void {
  const find = (query: TraceQuery) => subject.backend().reader.findTraces(query);
  const write = (tenant: string, plain: readonly PlainSpan[]) =>
    subject.backend().writer.write(spans(tenant, plain));
  const ids = ({ traces }: TracePage) => traces.map(({ traceId }) => traceId);

  async function tenantWith(plain: readonly PlainSpan[]): Promise<string> {
    const tenant = subject.newTenant();
    await write(tenant, plain);
    return tenant;
  }

  async function found(tenant: string, filter: Filter): Promise<string[]> {
    return ids(await find({ tenant, range: RANGE, filter, limit: 1000 }));
  }

  describe('search', () => {
    test('finds a span as soon as its write has resolved', async () => {
      const tenant = subject.newTenant();
      for (let i = 0; i < 5; i++) {
        const span = at(i);
        await write(tenant, [span]);
        expect(await found(tenant, named(`at ${i}`))).toEqual([span.traceId]);
      }
    });

    test('finds nothing of a tenant that wrote nothing, and nothing of another tenant', async () => {
      await tenantWith([at(0)]);
      const page = await find({ tenant: subject.newTenant(), range: RANGE, limit: 10 });
      expect(page).toEqual({ traces: [], warnings: [] });
    });

    test('all conditions are of one span', async () => {
      const traceId = chance.hex(16);
      const whole = at(3, { service: 'a', name: 'x', attributes: [['k', int(1)]] });
      const tenant = await tenantWith([
        at(1, { traceId, service: 'a', name: 'y', attributes: [['k', int(1)]] }),
        at(2, { traceId, service: 'b', name: 'x', attributes: [['k', int(1)]] }),
        at(2, { traceId, service: 'a', name: 'x', attributes: [['k', int(2)]] }),
        whole,
      ]);
      const filter: Filter = { op: 'and', of: [of('a'), named('x'), loose('k', '1')] };
      expect(await found(tenant, filter)).toEqual([whole.traceId]);
    });

    test('a tag is found by its text in span, resource, scope, events and links', async () => {
      const link = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
      const placed = [
        at(1, { attributes: [['code', int(503)]] }),
        at(2, { resource: { attributes: [['code', text('503')]] } }),
        at(3, { scope: { attributes: [['code', double(503)]] } }),
        at(4, { events: [{ name: 'e' }, { attributes: [['code', int(503)]] }] }),
        at(5, { links: [link, { ...link, attributes: [['code', text('503')]] }] }),
      ];
      const others = [
        at(6, {
          attributes: [
            ['code', text('0503')],
            ['Code', int(503)],
            ['cod', text('e503')],
          ],
        }),
        at(7, {
          attributes: [['code', { type: 'bytes', value: new TextEncoder().encode('503') }]],
        }),
        at(8, { attributes: [['code', { type: 'array', value: [int(503)] }]] }),
        at(9, { events: [{ name: 'code', attributes: [['x', text('503')]] }] }),
        at(10, {
          attributes: [
            ['x', text('code\u001fi503')],
            ['code', int(5030)],
          ],
        }),
      ];
      const tenant = await tenantWith([...placed, ...others]);
      const wanted = placed.map(({ traceId }) => traceId).toReversed();
      expect(await found(tenant, loose('code', '503'))).toEqual(wanted);
    });

    test('a tag of any type is found by its text form', async () => {
      const values = [
        text('x y'),
        int(-7),
        double(1.5),
        double(1e21),
        bool(true),
        bool(false),
        text(''),
      ];
      const forms = ['x y', '-7', '1.5', '1e+21', 'true', 'false', ''];
      const all = values.map((value, i) => at(i, { attributes: [['v', value]] }));
      const tenant = await tenantWith(all);
      for (const [i, form] of forms.entries()) {
        expect(await found(tenant, loose('v', form)), form).toEqual([all[i]!.traceId]);
      }
      expect(await found(tenant, loose('v', 'TRUE'))).toEqual([]);
    });

    test('error, span.kind, span.status, scope.name and scope.version ask for the fields', async () => {
      const all = [
        at(1, { status: 2, kind: 2 }),
        at(2, { status: 1, kind: 3, scope: { name: 'lib', version: '2' } }),
        at(3, {
          attributes: [
            ['error', bool(true)],
            ['span.kind', text('server')],
          ],
        }),
      ];
      const tenant = await tenantWith(all);
      const expected: readonly (readonly [string, string, number])[] = [
        ['error', 'true', 0],
        ['error', 'false', 1],
        ['span.kind', 'server', 0],
        ['span.kind', 'client', 1],
        ['span.status', 'ok', 1],
        ['scope.name', 'lib', 1],
        ['scope.version', '2', 1],
      ];
      for (const [key, wanted, index] of expected) {
        expect(await found(tenant, loose(key, wanted)), key).toEqual([all[index]!.traceId]);
      }
    });

    test('durations and times are ranges that include their start and exclude their end', async () => {
      const all = [0, 1, 2, 3].map((ms) => {
        const span = at(ms * 1000);
        return { ...span, endNano: span.startNano + BigInt(ms) * MS };
      });
      const tenant = await tenantWith(all);
      const range = { startNano: all[1]!.startNano, endNano: all[3]!.startNano };
      const page = await find({ tenant, range, limit: 10 });
      expect(ids(page)).toEqual([all[2]!.traceId, all[1]!.traceId]);
      const duration = { kind: 'intrinsic', name: 'durationNano' } as const;
      const filter: Filter = {
        op: 'and',
        of: [
          { op: 'compare', field: duration, by: '>=', value: MS },
          { op: 'compare', field: duration, by: '<', value: 3n * MS },
        ],
      };
      expect(await found(tenant, filter)).toEqual([all[2]!.traceId, all[1]!.traceId]);
    });

    test('a summary counts all spans of the trace, not only the matching ones', async () => {
      const traceId = chance.hex(16);
      const root = at(10, { traceId, service: 'front', name: 'GET /' });
      const trace = [
        root,
        at(12, { traceId, parentSpanId: root.spanId, service: 'cart', status: 2 }),
        at(20, { traceId, parentSpanId: root.spanId, service: 'cart', name: 'needle' }),
        at(5, { traceId, parentSpanId: 'f'.repeat(16), service: 'lost', name: 'early' }),
      ];
      const tenant = await tenantWith(trace.slice(0, 2));
      await write(tenant, trace.slice(2));
      await write(tenant, [at(1)]);
      const page = await find({ tenant, range: RANGE, filter: named('needle'), limit: 10 });
      expect(page.traces).toEqual([summarizeTrace(trace)]);
      expect(page.traces[0]).toMatchObject({
        spanCount: 4,
        errorCount: 1,
        orphanCount: 1,
        rootService: 'front',
        rootName: 'GET /',
        services: [
          { name: 'cart', spans: 2, errors: 1 },
          { name: 'front', spans: 1, errors: 0 },
          { name: 'lost', spans: 1, errors: 0 },
        ],
      });
    });

    test('a summary counts resent spans once', async () => {
      const span = at(1);
      const tenant = await tenantWith([span, at(2, { traceId: span.traceId })]);
      await write(tenant, [span]);
      const page = await find({ tenant, range: RANGE, limit: 10 });
      expect(page.traces.map(({ spanCount }) => spanCount)).toEqual([2]);
    });

    test('bad limits and cursors are refused', async () => {
      const tenant = await tenantWith([at(0), at(1), at(2)]);
      const query = { tenant, range: RANGE };
      for (const limit of [0, -1, 1.5, NaN]) {
        await expect(find({ ...query, limit })).rejects.toMatchObject({ code: 'invalid' });
      }
      await expect(find({ ...query, limit: 1, cursor: 'nonsense' })).rejects.toMatchObject({
        code: 'invalid',
      });
      const { cursor } = await find({ ...query, limit: 1 });
      await expect(find({ ...query, limit: 1, order: 'oldest', cursor })).rejects.toMatchObject({
        code: 'invalid',
      });
    });

    test('a bad regular expression is refused', async () => {
      const tenant = await tenantWith([at(0)]);
      const field = { kind: 'intrinsic', name: 'name' } as const;
      const filter: Filter = { op: 'regex', field, pattern: '(' };
      await expect(find({ tenant, range: RANGE, filter, limit: 1 })).rejects.toMatchObject({
        retryable: false,
      });
    });
  });

  describe('pages', () => {
    const ORDERS: readonly TraceOrder[] = [
      'newest',
      'oldest',
      'longest',
      'shortest',
      'mostSpans',
      'mostErrors',
    ];
    /** 60 traces of 1 to 4 spans; ties in every order. */
    const traces = Array.from({ length: 60 }, () => {
      const traceId = chance.hex(16);
      const ms = chance.below(20);
      return Array.from({ length: 1 + chance.below(4) }, (_, n) =>
        at(ms + n, { traceId, status: chance.below(3), name: 'op' }),
      );
    });

    async function pages(query: TraceQuery, between: () => Promise<void>): Promise<string[][]> {
      const all: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await find({ ...query, cursor });
        expect(page.warnings).toEqual([]);
        all.push(ids(page));
        cursor = page.cursor;
        await between();
      } while (cursor !== undefined && all.length < 100);
      return all;
    }

    for (const order of ORDERS) {
      test(`in the order ${order}, pages together are the whole answer, each full but the last`, async () => {
        const tenant = subject.newTenant();
        for (const trace of traces) await write(tenant, trace);
        const query = { tenant, range: RANGE, order, limit: 7 };
        const all = await pages(query, () => Promise.resolve());
        const whole = ids(await find({ ...query, limit: 1000 }));
        expect(all.flat()).toEqual(whole);
        expect(new Set(whole).size).toBe(60);
        expect(all.map(({ length }) => length)).toEqual([7, 7, 7, 7, 7, 7, 7, 7, 4]);
      });
    }

    for (const order of ['newest', 'oldest'] as const) {
      test(`in the order ${order}, what arrives meanwhile shifts nothing`, async () => {
        const tenant = subject.newTenant();
        for (const trace of traces) await write(tenant, trace);
        const query = { tenant, range: RANGE, order, limit: 7 };
        const whole = ids(await find({ ...query, limit: 1000 }));
        const all = await pages(query, () =>
          write(tenant, [
            ...Array.from({ length: 30 }, () => at(chance.below(25))),
            // New spans of traces that are there make those newer.
            ...traces.slice(20, 40).map(([first]) => at(30, { traceId: first!.traceId })),
          ]),
        );
        const known = new Set(whole);
        expect(all.flat().filter((id) => known.has(id))).toEqual(whole);
        expect(new Set(all.flat()).size).toBe(all.flat().length);
      });
    }
  });
}

/** Deleting and importing, of backends that can. */

import { describe, expect, test } from 'vitest';
import type { TracesToDelete } from '../contract.ts';
import { int, type PlainSpan, spans, storedSpans, texts } from './plain-spans.ts';
import type { KnownSpan } from './oracle.ts';
import { Chance, randomSpans } from './random-spans.ts';
import type { Subject } from './subject.ts';

const chance = new Chance(Date.now() + 2);
const START = 1_731_000_000_000_000_000n;
const RANGE = { startNano: START, endNano: START + 3_600_000_000_000n };

export function describeMaintenance(subject: Subject): void {
  const reader = () => subject.backend().reader;
  const write = (tenant: string, plain: readonly PlainSpan[]) =>
    subject.backend().writer.write(spans(tenant, plain));

  function maintenance() {
    const { maintenance: able, capabilities } = subject.backend();
    expect(able !== undefined).toBe(capabilities.deletes === true);
    return able;
  }

  function known(): Map<string, KnownSpan[]> {
    const options = { traces: 30, startNano: START, spreadNano: 3_000_000_000_000n };
    return Map.groupBy(randomSpans(chance, options), ({ traceId }) => traceId);
  }

  async function searched(tenant: string): Promise<string[]> {
    const page = await reader().findTraces({ tenant, range: RANGE, limit: 1000 });
    return page.traces.map(({ traceId }) => traceId).toSorted();
  }

  async function stored(tenant: string, traceId: string): Promise<string[]> {
    return texts(storedSpans(await reader().getTrace(tenant, { traceId })));
  }

  const sent = (tenant: string, plain: readonly PlainSpan[]) =>
    texts(storedSpans(spans(tenant, plain)));

  describe('deletion', () => {
    test('whole traces go, from every answer, and the others stay as they were', async () => {
      const able = maintenance();
      if (able === undefined) return;
      const [tenant, other] = [subject.newTenant(), subject.newTenant()];
      const traces = known();
      await write(tenant, [...traces.values()].flat());
      await write(other, [...traces.values()].flat());
      const ids = [...traces.keys()];
      const gone = ids.slice(0, 7);
      const counts = await able.deleteTraces(tenant, { traceIds: gone });
      const spanCount = gone.reduce((sum, id) => sum + (traces.get(id)?.length ?? 0), 0);
      expect(counts).toEqual({ traces: gone.length, spans: spanCount });
      expect(await searched(tenant)).toEqual(ids.slice(7).toSorted());
      expect(await searched(other)).toEqual(ids.toSorted());
      for (const [id, plain] of traces) {
        const expected = gone.includes(id) ? [] : sent(tenant, plain);
        expect(await stored(tenant, id)).toEqual(expected);
      }
      await subject.reopen();
      expect(await searched(tenant)).toEqual(ids.slice(7).toSorted());
    });

    test('a filter deletes every trace that has a matching span in the range', async () => {
      const able = maintenance();
      if (able === undefined) return;
      const tenant = subject.newTenant();
      const trace = (traceId: string, minute: number, n: number): PlainSpan[] => [
        {
          traceId,
          startNano: START + BigInt(minute) * 60_000_000_000n,
          attributes: [['n', int(n)]],
        },
        { traceId, startNano: START + BigInt(minute) * 60_000_000_000n + 5n },
      ];
      const [matching, late, unlike] = [chance.hex(16), chance.hex(16), chance.hex(16)];
      await write(tenant, [
        ...trace(matching, 1, 7),
        ...trace(late, 30, 7),
        ...trace(unlike, 1, 8),
      ]);
      const which: TracesToDelete = {
        range: { startNano: START, endNano: START + 600_000_000_000n },
        filter: { op: 'looseEquals', key: 'n', text: '7' },
      };
      expect(await able.deleteTraces(tenant, which)).toEqual({ traces: 1, spans: 2 });
      expect(await searched(tenant)).toEqual([late, unlike].toSorted());
      expect(await able.deleteTraces(tenant, which)).toEqual({ traces: 0, spans: 0 });
    });

    test('what is sent afterwards is stored, also what had been deleted', async () => {
      const able = maintenance();
      if (able === undefined) return;
      const tenant = subject.newTenant();
      const traces = known();
      await write(tenant, [...traces.values()].flat());
      const [id = '', plain = []] = [...traces][0] ?? [];
      await able.deleteTraces(tenant, { traceIds: [id] });
      await write(tenant, plain);
      expect(await stored(tenant, id)).toEqual(sent(tenant, plain));
    });
  });

  test('importing stores what is not there, and tells how much was', async () => {
    const able = maintenance();
    if (able === undefined) return;
    const tenant = subject.newTenant();
    const traces = [...known().values()];
    const all = traces.flat();
    const some = traces.slice(10).flat();
    await write(tenant, some);
    await subject.reopen();
    const batch = spans(tenant, all);
    const counts = { stored: all.length - some.length, known: some.length };
    expect(await maintenance()?.importTraces(batch)).toEqual(counts);
    expect(await maintenance()?.importTraces(batch)).toEqual({ stored: 0, known: all.length });
    for (const plain of traces) {
      expect(await stored(tenant, plain[0]?.traceId ?? '')).toEqual(sent(tenant, plain));
    }
  });
}

/** Writing, and reading by id. */

import { describe, expect, test } from 'vitest';
import type { AttributeValue } from '../../model/attribute.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { SpanView } from '../../model/batch/view.ts';
import {
  bool,
  double,
  int,
  type PlainAttributes,
  type PlainSpan,
  spans,
  storedSpans,
  text,
  texts,
} from './plain-spans.ts';
import { Chance } from './random-spans.ts';
import type { Subject } from './subject.ts';

/** What a batch of the columns `waterfall` may be asked. */
function waterfallOf(batch: SpanBatch) {
  return Array.from({ length: batch.count }, (_, row) => {
    const span = new SpanView(batch, row);
    return {
      ids: [span.traceId, span.spanId, span.parentSpanId],
      times: [span.startNano, span.endNano, ...span.events.map(({ timeNano }) => timeNano)],
      operation: [span.service, span.name, span.kind, span.statusCode],
      dropped: [span.droppedAttributes, span.droppedEvents],
      links: span.links.length,
    };
  });
}

const chance = new Chance(Date.now());
const newTraceId = () => chance.hex(16);
const START = 1_731_000_000_000_000_000n;
const HOUR = 3_600_000_000_000n;

const VALUES: Record<string, AttributeValue> = {
  'an empty string': text(''),
  'a string': text('hello'),
  'a string with a zero byte': text('a\0b'),
  'a string of control characters': text('\u0001\u001b\u001c\u001d\u001e\u001f\u007f\\ \u0085'),
  'a string beyond the basic plane': text('größe 스푸어 🚚 \u{10ffff}'),
  'a string that looks like a column': text("span.http.route\" , 'x' \u2028 %"),
  'a string of 300,000 characters': text('långt '.repeat(50_000)),
  'int 0': int(0),
  'the least int': int(-(2n ** 63n)),
  'the largest int': int(2n ** 63n - 1n),
  'an int beyond 2^53': int(9_007_199_254_740_993n),
  'double 0': double(0),
  'double -0': double(-0),
  'double 1': double(1),
  'the least double': double(5e-324),
  'the largest double': double(Number.MAX_VALUE),
  'not a number': double(NaN),
  infinity: double(Infinity),
  'minus infinity': double(-Infinity),
  true: bool(true),
  false: bool(false),
  'no value': { type: 'empty' },
  'no bytes': { type: 'bytes', value: new Uint8Array(0) },
  bytes: { type: 'bytes', value: Uint8Array.from({ length: 256 }, (_, i) => i) },
  'an empty array': { type: 'array', value: [] },
  'an array of all types': {
    type: 'array',
    value: [text('x'), int(-1), double(-0), bool(true), { type: 'empty' }, text('')],
  },
  'an empty kvlist': { type: 'kvlist', value: [] },
  'a kvlist with a key twice': {
    type: 'kvlist',
    value: [
      { key: 'a', value: int(1) },
      { key: 'a', value: text('\u001f') },
      { key: '', value: { type: 'bytes', value: Uint8Array.of(0, 255) } },
    ],
  },
  'nested values': {
    type: 'array',
    value: [
      { type: 'kvlist', value: [{ key: 'deep', value: { type: 'array', value: [int(7)] } }] },
      { type: 'array', value: [{ type: 'array', value: [{ type: 'empty' }] }] },
    ],
  },
};

export function describeRoundTrip(subject: Subject): void {
  const write = (batch: SpanBatch) => subject.backend().writer.write(batch);
  const read = async (tenant: string, traceId: string) =>
    storedSpans(await subject.backend().reader.getTrace(tenant, { traceId }));

  /** Writes the spans as one trace and expects to read exactly them. */
  async function expectKept(plain: readonly PlainSpan[]): Promise<void> {
    const tenant = subject.newTenant();
    const traceId = newTraceId();
    const batch = spans(
      tenant,
      plain.map((span) => ({ ...span, traceId })),
    );
    await write(batch);
    const found = await read(tenant, traceId);
    expect(texts(found)).toEqual(texts(storedSpans(batch)));
  }

  describe('round trip', () => {
    for (const place of ['span', 'resource', 'scope', 'event', 'link'] as const) {
      test(`every type of value comes back from the attributes of a ${place}`, async () => {
        const attributes = Object.entries(VALUES);
        await expectKept([
          inPlace(place, attributes),
          ...attributes.map((one) => inPlace(place, [one])),
        ]);
      });
    }

    test('every field comes back', async () => {
      await expectKept([
        {
          parentSpanId: 'c0ffee0000000001',
          startNano: START + 1n,
          endNano: START + 2n,
          name: 'GET /',
          kind: 2,
          status: 2,
          statusMessage: 'it broke',
          traceState: 'vendor=1,other=2',
          flags: 0x301,
          droppedAttributes: 1,
          droppedEvents: 2,
          droppedLinks: 4_294_967_295,
          service: 'shop',
          resource: { schemaUrl: 'https://example.com/r', droppedAttributes: 3, attributes: [] },
          scope: {
            name: 'lib',
            version: '1.2.3',
            schemaUrl: 'https://example.com/s',
            droppedAttributes: 4,
          },
          attributes: [['a', text('b')]],
          events: [
            { timeNano: START, name: 'first', droppedAttributes: 5, attributes: [['e', int(1)]] },
            { timeNano: 0n, name: '' },
          ],
          links: [
            {
              traceId: 'ab'.repeat(16),
              spanId: 'cd'.repeat(8),
              traceState: 'l=1',
              flags: 1,
              droppedAttributes: 6,
              attributes: [['l', bool(false)]],
            },
            { traceId: '0'.repeat(32), spanId: '0'.repeat(16) },
          ],
        },
        {},
      ]);
    });

    test('spans of different resources and scopes keep their own', async () => {
      await expectKept([
        { service: 'a' },
        { service: 'b', scope: { name: 'x' } },
        { service: 'a', resource: { attributes: [['host', text('1')]] } },
        { service: 'a', resource: { attributes: [['host', int(1)]] }, scope: { name: 'x' } },
        { resource: { attributes: [['service.name', int(5)]] } },
        { resource: { attributes: [['service.name', text('')]] } },
        {},
      ]);
    });

    test('ids and times at the ends of their ranges come back', async () => {
      const most = 2n ** 64n - 1n;
      await expectKept([
        { spanId: 'f'.repeat(16), parentSpanId: 'f'.repeat(16), startNano: most, endNano: most },
        { spanId: '8000000000000000', startNano: most, endNano: 0n },
        { spanId: '0000000000000001', startNano: 0n, endNano: 0n },
        { spanId: '7fffffffffffffff', startNano: 2n ** 63n, endNano: 2n ** 63n - 1n },
      ]);
    });

    test('more than 256 attribute keys in a span and in a batch come back', async () => {
      const many = Array.from({ length: 700 }, (_, i) => [`key.${i}`, int(i)] as const);
      const sparse = Array.from({ length: 900 }, (_, i) => ({
        attributes: [[`sparse.${i}`, text(`value ${i}`)] as const, ...many.slice(0, i % 5)],
      }));
      await expectKept([{ attributes: many }, ...sparse]);
    });

    test('one key with two types comes back with both', async () => {
      await expectKept([
        { attributes: [['code', int(503)]] },
        { attributes: [['code', text('503')]] },
        { attributes: [['code', double(503)]] },
        { attributes: [['code', bool(true)]] },
        { attributes: [['code', { type: 'array', value: [int(503)] }]] },
        { attributes: [['code', { type: 'empty' }]] },
      ]);
    });

    test('keys that differ only by case, and odd keys, come back', async () => {
      const keys = [
        'http.route',
        'HTTP.route',
        'Http.Route',
        '',
        ' ',
        'a"b',
        'ключ',
        '\u001f',
        'x:int',
      ];
      const long = 'k'.repeat(3000);
      await expectKept(
        [...keys, long].flatMap((key, i) => [
          { attributes: [[key, text(`${i}`)]] },
          { attributes: [...keys, long].map((each, n) => [each, int(n)] as const) },
        ]),
      );
    });

    test('a key that stands in one span twice keeps all its values', async () => {
      await expectKept([
        {
          attributes: [
            ['k', text('1')],
            ['k', text('2')],
            ['k', int(3)],
            ['k', text('1')],
          ],
        },
        { attributes: [['k', text('1')]] },
        {
          events: [
            {
              attributes: [
                ['k', int(1)],
                ['k', int(1)],
              ],
            },
          ],
        },
        {
          resource: {
            attributes: [
              ['k', int(1)],
              ['k', text('x')],
            ],
          },
          service: 's',
        },
      ]);
    });
  });

  describe('a trace by its id', () => {
    test('is found as soon as its write has resolved', async () => {
      const tenant = subject.newTenant();
      for (let i = 0; i < 20; i++) {
        const traceId = newTraceId();
        await write(spans(tenant, [{ traceId }]));
        expect(await read(tenant, traceId)).toHaveLength(1);
      }
    });

    test('that nobody wrote is undefined', async () => {
      const tenant = subject.newTenant();
      await write(spans(tenant, [{}]));
      const { reader } = subject.backend();
      expect(await reader.getTrace(tenant, { traceId: newTraceId() })).toBeUndefined();
      expect(await reader.getTrace('never written', { traceId: newTraceId() })).toBeUndefined();
    });

    test('has all its spans, ordered by start, also when there are 10,000', async () => {
      const tenant = subject.newTenant();
      const traceId = newTraceId();
      const all = Array.from({ length: 10_000 }, (_, i) => ({
        traceId,
        spanId: (i + 1).toString(16).padStart(16, '0'),
        startNano: START + BigInt(chance.below(1_000_000)),
        name: `step ${i % 7}`,
        service: `service ${i % 3}`,
        attributes: [['i', int(i)]] as const,
      }));
      const written: string[] = [];
      for (let i = 0; i < all.length; i += 2500) {
        const batch = spans(tenant, all.slice(i, i + 2500));
        written.push(...texts(storedSpans(batch)));
        await write(batch);
      }
      const found = await read(tenant, traceId);
      expect(texts(found)).toEqual(written.toSorted());
      expect(found.every((span, i) => i === 0 || found[i - 1]!.startNano <= span.startNano)).toBe(
        true,
      );
    });

    test('has all its spans when they came over hours, with a range as a hint only', async () => {
      const tenant = subject.newTenant();
      const traceId = newTraceId();
      const batches = Array.from({ length: 6 }, (_, i) =>
        spans(tenant, [
          { traceId, startNano: START + BigInt(i) * HOUR, name: `hour ${i}` },
          { startNano: START + BigInt(i) * HOUR },
        ]),
      );
      for (const batch of batches) await write(batch);
      expect(await read(tenant, traceId)).toHaveLength(6);
      const range = { startNano: START + HOUR, endNano: START + 2n * HOUR };
      const hinted = await subject.backend().reader.getTrace(tenant, { traceId, range });
      expect(storedSpans(hinted)).toHaveLength(6);
    });

    test('a waterfall says of every span what the whole trace says', async () => {
      const tenant = subject.newTenant();
      const traceId = newTraceId();
      const sent = Array.from({ length: 40 }, (_, i): PlainSpan => ({
        traceId,
        spanId: (i + 1).toString(16).padStart(16, '0'),
        ...(i === 0
          ? {}
          : {
              parentSpanId: Math.ceil(i / 3)
                .toString(16)
                .padStart(16, '0'),
            }),
        startNano: START + BigInt(i * 1000),
        endNano: START + BigInt(i * 1000 + 5000),
        name: `operation ${i % 5}`,
        service: `service ${i % 3}`,
        kind: i % 6,
        status: i % 3,
        droppedAttributes: i % 2,
        attributes: [['n', int(i)]],
        events: Array.from({ length: i % 3 }, (__, e) => ({
          timeNano: START + BigInt(i * 1000 - e * 7),
          name: 'event',
          attributes: [['text', text('1 \u001e\u001d 2')]],
        })),
        links: i % 7 === 0 ? [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) }] : [],
      }));
      // The first comes again, and the id of the second is also that of another span.
      const other = sent.slice(1, 2).map((span): PlainSpan => ({ ...span, name: 'another' }));
      await write(spans(tenant, sent));
      await write(spans(tenant, [...sent.slice(0, 1), ...other]));
      const { reader } = subject.backend();
      const whole = await reader.getTrace(tenant, { traceId });
      const shown = await reader.getTrace(tenant, { traceId, columns: 'waterfall' });
      expect(shown && waterfallOf(shown)).toEqual(whole && waterfallOf(whole));
      expect(shown?.count).toBe(41);
    });

    test('resent spans appear once, whether one after another, at once, or in one batch', async () => {
      const tenant = subject.newTenant();
      const traceId = newTraceId();
      const plain = Array.from({ length: 5 }, (_, i) => ({
        traceId,
        spanId: `000000000000000${i}`,
        name: `span ${i}`,
        attributes: [
          ['a', int(i)],
          ['b', text('x')],
        ] as const,
      }));
      const batch = () => spans(tenant, plain);
      await write(batch());
      await write(batch());
      await Promise.all([write(batch()), write(batch()), write(spans(tenant, plain.slice(1, 3)))]);
      await write(spans(tenant, [...plain, ...plain]));
      expect(texts(await read(tenant, traceId))).toEqual(texts(storedSpans(batch())));
    });

    test('spans with the same ids and other content all appear', async () => {
      const tenant = subject.newTenant();
      const ids = { traceId: newTraceId(), spanId: 'aa'.repeat(8) };
      const all: PlainSpan[] = [
        { ...ids, kind: 3, service: 'client' },
        { ...ids, kind: 2, service: 'server' },
        { ...ids, kind: 2, service: 'server', attributes: [['a', int(1)]] },
        { ...ids, kind: 2, service: 'server', attributes: [['a', text('1')]] },
      ];
      for (const span of all) await write(spans(tenant, [span]));
      await write(spans(tenant, all));
      const found = await read(tenant, ids.traceId);
      expect(texts(found)).toEqual(texts(storedSpans(spans(tenant, all))));
    });

    test('belongs to its tenant', async () => {
      const [one, other] = [subject.newTenant(), subject.newTenant()];
      const traceId = newTraceId();
      await write(spans(one, [{ traceId, name: 'one', service: 'one' }]));
      await write(spans(other, [{ traceId, name: 'other', service: 'other' }]));
      expect((await read(one, traceId)).map(({ text: t }) => t.includes('"other"'))).toEqual([
        false,
      ]);
      expect((await read(other, traceId)).map(({ text: t }) => t.includes('"one"'))).toEqual([
        false,
      ]);
      const { reader } = subject.backend();
      expect(await reader.getServices(one)).toEqual(['one']);
    });

    test('several come one batch a trace, in the order asked for, without the unknown', async () => {
      const tenant = subject.newTenant();
      const ids = [newTraceId(), newTraceId(), newTraceId()];
      await write(
        spans(
          tenant,
          ids.flatMap((traceId) => [{ traceId }, { traceId }]),
        ),
      );
      const asked = [ids[2]!, newTraceId(), ids[0]!, ids[1]!];
      const found: string[] = [];
      const refs = asked.map((traceId) => ({ traceId }));
      for await (const batch of subject.backend().reader.getTraces(tenant, refs)) {
        const rows = storedSpans(batch);
        expect(new Set(rows.map(({ traceId }) => traceId)).size).toBe(1);
        expect(rows).toHaveLength(2);
        found.push(rows[0]!.traceId);
      }
      expect(found).toEqual([ids[2], ids[0], ids[1]]);
    });
  });

  describe('writing', () => {
    test('nothing succeeds', async () => {
      await write(spans(subject.newTenant(), []));
    });

    test('is refused with the reason of a signal that was aborted', async () => {
      const reason = new Error('not now');
      const signal = AbortSignal.abort(reason);
      const { reader, writer } = subject.backend();
      const tenant = subject.newTenant();
      const range = { startNano: 0n, endNano: START };
      await expect(writer.write(spans(tenant, [{}]), signal)).rejects.toBe(reason);
      await expect(reader.getTrace(tenant, { traceId: newTraceId() }, signal)).rejects.toBe(reason);
      const query = { tenant, range, limit: 1 };
      await expect(reader.findTraces(query, signal)).rejects.toBe(reason);
      await expect(reader.getDependencies(tenant, range, signal)).rejects.toBe(reason);
      await expect(reader.getServices(tenant, signal)).rejects.toBe(reason);
    });

    test('outlives a close', async (context) => {
      const tenant = subject.newTenant();
      const traceId = newTraceId();
      const batch = spans(tenant, [{ traceId, service: 'kept', name: 'op', kind: 2 }]);
      await write(batch);
      const reopening = subject.reopen();
      if (reopening === undefined) return context.skip('its data does not outlive a close');
      await reopening;
      expect(texts(await read(tenant, traceId))).toEqual(texts(storedSpans(batch)));
      await write(batch);
      expect(await read(tenant, traceId)).toHaveLength(1);
      const { reader } = subject.backend();
      expect(await reader.getServices(tenant)).toEqual(['kept']);
      expect(await reader.getOperations(tenant, { service: 'kept' })).toEqual([
        { name: 'op', kind: 'server' },
      ]);
      return undefined;
    });
  });
}

function inPlace(
  place: 'span' | 'resource' | 'scope' | 'event' | 'link',
  attributes: PlainAttributes,
): PlainSpan {
  switch (place) {
    case 'span':
      return { attributes };
    case 'resource':
      return { resource: { attributes } };
    case 'scope':
      return { scope: { attributes } };
    case 'event':
      return { events: [{ name: 'e', attributes }, { name: 'f' }] };
    case 'link':
      return { links: [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), attributes }] };
  }
}

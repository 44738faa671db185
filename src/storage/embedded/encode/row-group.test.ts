/** Everything a span can hold goes through a file and comes back, read by hyparquet. */

import { zstdDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { expect, test } from 'vitest';
import type { AttributeValue, KeyValue } from '../../../model/attribute.ts';
import { SpanBatchBuilder } from '../../../model/batch/builder.ts';
import { addAttributes } from '../../../model/batch/build-value.ts';
import { decodeFrame, encodeFrame } from '../../../model/batch/frame.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { SpanView } from '../../../model/batch/view.ts';
import { Random } from '../../../cli/loadgen/random.ts';
import { writeFile } from '../parquet/file.ts';
import { columnOfName, type ColumnScope, type ColumnValueType, REST_COLUMNS } from '../schema.ts';
import {
  bool,
  double,
  int,
  type PlainAttributes,
  spans,
  text,
} from '../../conformance/plain-spans.ts';
import { readAttributes, readEvents, readLinks } from '../tagged-text.ts';
import { RowGroupEncoder } from './row-group.ts';
import { RowCollector } from './rows.ts';

type Row = Record<string, unknown>;

function encodeBatches(batches: readonly SpanBatch[]): Uint8Array {
  const rows = new RowCollector(1);
  for (const batch of batches) rows.add(decodeFrame(encodeFrame(batch)), 1);
  return fileOf(rows);
}

function fileOf(rows: RowCollector): Uint8Array {
  const { chunks } = new RowGroupEncoder(rows).encode();
  return writeFile(chunks, rows.count, {}).slice();
}

/** Rows without their nulls. */
async function read(file: Uint8Array): Promise<Row[]> {
  const rows = await parquetReadObjects({
    file: file.slice().buffer,
    compressors: { ZSTD: (compressed) => zstdDecompressSync(compressed) },
  });
  const present = rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)),
  );
  return present.map((row) => ({ ...row, ...parentOf(row, present) }));
}

/** As docs/formats/segment.md says it. */
function parentOf(row: Row, rows: readonly Row[]): Row {
  const { parent_at: place } = row;
  if (place === undefined) return {};
  const traceId = String(row['trace_id']);
  const trace = rows.filter((other) => String(other['trace_id']) === traceId);
  // Stable: rows that start at once stay in the order of the row group.
  const inOrder = trace.toSorted((a, b) => Number(unsigned(a) - unsigned(b)));
  expect(row['parent_id']).toBeUndefined();
  return { parent_id: inOrder[inOrder.indexOf(row) - Number(place)]!['span_id'] };
}

const unsigned = (row: Row): bigint => BigInt.asUintN(64, row['start_nano'] as bigint);

const hex = (id: unknown): string =>
  BigInt.asUintN(64, id as bigint)
    .toString(16)
    .padStart(16, '0');

/** An attribute set: sorted, as columns know no order. Values of one key keep theirs. */
const sorted = (attributes: readonly KeyValue[]): KeyValue[] =>
  attributes.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));

function unpacked(type: ColumnValueType, value: unknown): AttributeValue {
  if (type === 'uuid') return text(value as string);
  if (type !== 'ipv4') return { type, value } as AttributeValue;
  return text([24, 16, 8, 0].map((shift) => (Number(value) >>> shift) & 255).join('.'));
}

function attributesOf(row: Row, scope: ColumnScope): KeyValue[] {
  const attributes: KeyValue[] = [];
  for (const [name, value] of Object.entries(row)) {
    const column = columnOfName(name);
    if (value === undefined || value === null || column === undefined) continue;
    if (column.kind === 'fixed') {
      if (column.name === 'service' && scope === 'resource') {
        attributes.push({ key: 'service.name', value: text(value as string) });
      }
    } else if (column.scope === scope) {
      attributes.push({ key: column.key, value: unpacked(column.type, value) });
    }
  }
  const rest = row[REST_COLUMNS[scope]] as string | undefined;
  return sorted([...attributes, ...(rest ? readAttributes(rest) : [])]);
}

/** A span as a row says it is. */
function spanOfRow(row: Row) {
  const startNano = BigInt.asUintN(64, row['start_nano'] as bigint);
  const traceId = Buffer.from(row['trace_id'] as Uint8Array).toString('hex');
  const parentSpanId = row['parent_id'] === undefined ? '' : hex(row['parent_id']);
  return {
    traceId,
    spanId: hex(row['span_id']),
    parentSpanId,
    startNano,
    endNano: BigInt.asUintN(64, startNano + (row['duration_nano'] as bigint)),
    name: row['name'],
    service: row['service'] ?? '',
    kind: row['kind'],
    statusCode: row['status'],
    statusMessage: row['status_message'] ?? '',
    traceState: row['trace_state'] ?? '',
    flags: row['flags'] ?? 0,
    droppedAttributes: row['dropped_attributes'] ?? 0,
    droppedEvents: row['dropped_events'] ?? 0,
    droppedLinks: row['dropped_links'] ?? 0,
    attributes: attributesOf(row, 'span'),
    resource: {
      schemaUrl: row['resource_schema_url'] ?? '',
      droppedAttributes: row['resource_dropped_attributes'] ?? 0,
      attributes: attributesOf(row, 'resource'),
    },
    scope: {
      name: row['scope_name'] ?? '',
      version: row['scope_version'] ?? '',
      schemaUrl: row['scope_schema_url'] ?? '',
      droppedAttributes: row['scope_dropped_attributes'] ?? 0,
      attributes: attributesOf(row, 'scope'),
    },
    events: row['events'] ? readEvents(row['events'] as string, startNano) : [],
    links: row['links'] ? readLinks(row['links'] as string, traceId, parentSpanId) : [],
  };
}

/** The same span as the batch says it is. */
function spanOfView(view: SpanView): ReturnType<typeof spanOfRow> {
  const { traceId, spanId, parentSpanId, startNano, endNano, name, service, kind } = view;
  const { statusCode, statusMessage, traceState, flags, events, links, resource, scope } = view;
  const { droppedAttributes, droppedEvents, droppedLinks } = view;
  return {
    traceId,
    spanId,
    parentSpanId,
    startNano,
    endNano,
    name,
    service,
    kind,
    statusCode,
    statusMessage,
    traceState,
    flags,
    droppedAttributes,
    droppedEvents,
    droppedLinks,
    attributes: sorted(view.attributes),
    resource: { ...resource, attributes: sorted(resource.attributes) },
    scope: { ...scope, attributes: sorted(scope.attributes) },
    events,
    links,
  };
}

type Ordered = Pick<
  ReturnType<typeof spanOfRow>,
  'traceId' | 'spanId' | 'parentSpanId' | 'startNano' | 'name'
>;
const order = (span: Ordered): string =>
  `${span.traceId} ${span.spanId} ${String(span.name)} ${span.parentSpanId} ${span.startNano}`;

async function expectRoundTrip(batches: readonly SpanBatch[]): Promise<Row[]> {
  const rows = await read(encodeBatches(batches));
  const wanted = batches.flatMap((batch) => {
    const view = new SpanView(batch);
    return Array.from({ length: batch.count }, (_, row) => spanOfView(view.at(row)));
  });
  const byId = (a: Ordered, b: Ordered) => (order(a) < order(b) ? -1 : 1);
  expect(rows.map(spanOfRow).toSorted(byId)).toEqual(wanted.toSorted(byId));
  return rows;
}

const bytes = (...values: number[]): AttributeValue => ({
  type: 'bytes',
  value: Uint8Array.from(values),
});

const EVERY_VALUE: PlainAttributes = [
  ['text', text('plain')],
  ['text.empty', text('')],
  ['text.odd', text('\u0000\u0010\u001d\u001e\u001f "é漢😀')],
  ['int.small', int(5)],
  ['int.max', int(2n ** 63n - 1n)],
  ['int.min', int(-(2n ** 63n))],
  ['int.2^53+1', int(2n ** 53n + 1n)],
  ['double', double(1.5)],
  ['double.nan', double(NaN)],
  ['double.inf', double(-Infinity)],
  ['double.-0', double(-0)],
  ['bool.true', bool(true)],
  ['bool.false', bool(false)],
  ['bytes', bytes(0, 255, 16, 31)],
  ['bytes.text', bytes(97, 0, 31, 16)],
  ['bytes.none', bytes()],
  ['empty', { type: 'empty' }],
  ['array', { type: 'array', value: [text('a'), int(-1), bytes(200), { type: 'empty' }] }],
  ['array.none', { type: 'array', value: [] }],
  ['kvlist', { type: 'kvlist', value: [{ key: 'k', value: text('\u001f') }] }],
  ['', text('a key of no letters')],
  ['control\u001fkey', int(1)],
  ['x'.repeat(300), text('a long key')],
  ['clash', int(1)],
  ['twice', text('first')],
  ['twice', text('second')],
  ['twice', int(3)],
  ['userId', text('camel')],
  ['userid', text('small')],
  ['USERID', int(1)],
  ['key:int', text('looks typed')],
  ['key~1', text('looks masked')],
];

test('every type of value, in every place', async () => {
  const attributes = EVERY_VALUE;
  await expectRoundTrip([
    spans('t', [
      {
        parentSpanId: 'ffffffffffffffff',
        startNano: 2n ** 63n + 7n,
        endNano: 3n,
        name: 'full',
        kind: 5,
        status: 2,
        statusMessage: 'broken',
        traceState: 'a=b',
        flags: 2 ** 32 - 1,
        droppedAttributes: 1,
        droppedEvents: 2,
        droppedLinks: 2 ** 32 - 1,
        service: 'shop',
        resource: { schemaUrl: 'https://r', droppedAttributes: 4, attributes },
        scope: {
          name: 's',
          version: '1',
          schemaUrl: 'https://s',
          droppedAttributes: 5,
          attributes,
        },
        attributes,
        events: [
          { timeNano: 1n, name: 'before', droppedAttributes: 6, attributes },
          { timeNano: 2n ** 64n - 1n, name: '\u001e', attributes: [] },
        ],
        links: [
          {
            traceId: 'ab'.repeat(16),
            spanId: '01'.repeat(8),
            traceState: 'c=d\u001d',
            flags: 1,
            droppedAttributes: 7,
            attributes,
          },
          { traceId: '00'.repeat(16), spanId: '00'.repeat(8) },
        ],
      },
      {
        traceId: 'aa'.repeat(16),
        parentSpanId: 'bb'.repeat(8),
        links: [
          { traceId: 'aa'.repeat(16), spanId: 'bb'.repeat(8), attributes },
          { traceId: 'aa'.repeat(16), spanId: 'cc'.repeat(8), flags: 1 },
          { traceId: 'dd'.repeat(16), spanId: 'bb'.repeat(8) },
        ],
      },
      // A root's parent is no span.
      {
        traceId: 'aa'.repeat(16),
        spanId: 'ee'.repeat(8),
        links: [{ traceId: 'aa'.repeat(16), spanId: '00'.repeat(8) }],
      },
      { attributes: [['clash', text('of type string here')]] },
      { service: '', attributes: [['clash', double(1)]] },
      {},
    ]),
  ]);
});

test('more keys than columns, the frequent ones have columns', async () => {
  const rare = (from: number): PlainAttributes =>
    Array.from({ length: 300 }, (_, i) => [`key.${from + i}`, i % 2 ? text(`v${i}`) : int(i)]);
  const rows = await expectRoundTrip([
    spans('t', [
      { attributes: rare(0) },
      { attributes: [...rare(250), ['often', bool(true)], ['often', double(2)]] },
      {
        attributes: [
          ['often', bool(false)],
          ['odd', { type: 'empty' }],
        ],
      },
    ]),
  ]);
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  expect(names).toContain('span.often:bool');
  expect(names.size).toBeLessThanOrEqual(256 + 10);
});

test('service.name that repeats or is no string', async () => {
  const builder = new SpanBatchBuilder();
  const resource = builder.resources.open();
  addAttributes(builder, builder.resources.attributes, [
    { key: 'service.name', value: text('first') },
    { key: 'service.name', value: text('last') },
  ]);
  builder.resources.columns.services[resource] = builder.strings.internText('last');
  builder.scopes.open();
  builder.openSpan();
  const rows = await read(encodeBatches([builder.seal('t')]));
  expect(rows[0]!['service']).toBe('last');
  expect(attributesOf(rows[0]!, 'resource').map(({ value }) => value)).toEqual([
    text('last'),
    text('first'),
  ]);
  await expectRoundTrip([spans('t', [{ resource: { attributes: [['service.name', int(5)]] } }])]);
});

test('many batches and resources make one row group, spans of a kind together and by time', async () => {
  const traceId = (i: number) => (0xa0 + (i % 7)).toString(16).repeat(16);
  const batches = Array.from({ length: 40 }, (_, batch) =>
    spans(
      't',
      Array.from({ length: 25 }, (_unused, i) => ({
        traceId: traceId(batch + i),
        startNano: 1_700_000_000_000_000_000n + BigInt(((batch * 25 + i) * 7919) % 1009) * 1000n,
        name: `op${i % 3}`,
        service: `service-${batch % 5}`,
        attributes: [
          ['user.id', text(`user-${batch * 25 + i}`)],
          ['code', int(i % 4)],
          ['size', int(batch * 1_000_003 + i)],
        ] as const,
      })),
    ),
  );
  const rows = await expectRoundTrip(batches);
  const shapes = rows.map((row) => `${String(row['service'])} ${String(row['name'])}`);
  const runs = shapes.filter((shape, i) => shape !== shapes[i - 1]);
  expect(runs).toHaveLength(new Set(shapes).size);
  // Forth in one run and back in the next.
  const starts = rows.map((row) => row['start_nano'] as bigint);
  const turns = starts.filter((start, i) => {
    const [before, after] = [starts[i - 1], starts[i + 1]];
    return before !== undefined && after !== undefined && start > before !== after > start;
  });
  expect(turns.length).toBeLessThan(2 * runs.length);
});

test('UUIDs and addresses have columns beside that of other strings of their key', async () => {
  const random = new Random(6);
  const value = (i: number) => (i % 3 === 0 ? `no-uuid-${i}` : random.uuid());
  const rows = await expectRoundTrip([
    spans(
      't',
      Array.from({ length: 90 }, (_, i) => ({
        attributes: [
          ['mixed', text(value(i))],
          ['three', text(['no', random.uuid(), `${i}.255.0.${255 - i}`][i % 3] ?? '')],
          ['few', text(i === 0 ? random.uuid() : 'no')],
          ['all', text(random.uuid())],
          ['repeated', text(`00000000-0000-0000-0000-00000000000${i % 7}`)],
        ] as const,
      })),
    ),
  ]);
  const columns = rows.flatMap((row) => Object.keys(row)).filter((name) => name.includes('span.'));
  expect(new Set(columns)).toEqual(
    new Set([
      'span.mixed',
      'span.mixed:uuid:string',
      'span.three',
      'span.three:uuid:string',
      'span.three:ipv4:string',
      'span.few',
      'span.all:uuid:string',
      'span.repeated:uuid:string',
    ]),
  );
});

test('parents come back from the place they stand at, or by their id', async () => {
  const random = new Random(5);
  const id = () => `000000000000000${random.between(1, 9)}`;
  const batches = Array.from({ length: 5 }, () =>
    spans(
      't',
      Array.from({ length: 60 }, () => ({
        traceId: random.hex(1).repeat(32),
        // Ids are few: a span may be its own parent, its parent's parent, or there twice.
        spanId: id(),
        parentSpanId: random.chance(0.9) ? id() : '',
        startNano: 1_700_000_000_000_000_000n + BigInt(random.below(4)),
        name: random.pick(['a', 'b', 'c']),
      })),
    ),
  );
  const rows = await expectRoundTrip(batches);
  const placed = rows.filter((row) => row['parent_at'] !== undefined);
  expect(placed.length).toBeGreaterThan(100);
  expect(rows.some((row) => row['parent_at'] === 0)).toBe(true);
  expect(rows.some((row) => Number(row['parent_at']) < 0)).toBe(true);
  expect(rows.some((row) => row['parent_id'] !== undefined && !placed.includes(row))).toBe(true);
  expect(rows.some((row) => row['parent_id'] === undefined)).toBe(true);
});

test('encoding again after more rows, and after a reset', async () => {
  const rows = new RowCollector(1);
  const encoder = new RowGroupEncoder(rows);
  const batch = spans('t', [{ name: 'a', attributes: EVERY_VALUE }]);
  const names = async (): Promise<unknown[]> => {
    const { chunks } = encoder.encode();
    const read_ = await read(writeFile(chunks, rows.count, {}).slice());
    return read_.map((row) => row['span.text']);
  };
  rows.add(batch, 1);
  expect(await names()).toEqual(['plain']);
  rows.add(batch, 1);
  rows.add(spans('t', [{ name: 'b' }]), 2);
  expect(await names()).toEqual(['plain', 'plain', undefined]);
  rows.reset();
  rows.add(spans('t', [{ name: 'c', attributes: [['text', text('new')]] }]), 3);
  expect(await names()).toEqual(['new']);
});

test('random attributes on every owner', async () => {
  const value: fc.Arbitrary<AttributeValue> = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 6 }).map(text),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(int),
    fc.double().map(double),
    fc.boolean().map(bool),
    fc.uint8Array({ maxLength: 5 }).map((value) => ({ type: 'bytes' as const, value })),
    fc.constant({ type: 'empty' as const }),
    fc
      .array(fc.string().map(text), { maxLength: 3 })
      .map((v) => ({ type: 'array' as const, value: v })),
  );
  const key = fc.oneof(
    fc.constantFrom('a', 'A', 'a:int', 'a~1', 'b', 'B:double', 'service.name'),
    fc.string({ maxLength: 4 }),
  );
  const attributes = fc.array(fc.tuple(key, value), { maxLength: 6 });
  const span = fc.record({
    attributes,
    resource: fc.record({ attributes }),
    scope: fc.record({ attributes }),
    events: fc.array(fc.record({ name: fc.string(), attributes }), { maxLength: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(span, { minLength: 1, maxLength: 8 }), async (plain) => {
      await expectRoundTrip([spans('t', plain)]);
    }),
    { numRuns: 150 },
  );
});

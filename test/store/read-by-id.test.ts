/** Traces by id: what was sent, whichever way it is read, and less of it only when that was asked
 *  for or a file is damaged. */

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SpanBatchBuilder } from '../../src/model/batch/builder.ts';
import type { SpanBatch } from '../../src/model/batch/span-batch.ts';
import { encodeTraceColumns, traceColumns } from '../../src/model/trace/columns.ts';
import {
  type PlainSpan,
  spans,
  storedSpans,
  text,
  texts,
} from '../../src/storage/conformance/plain-spans.ts';
import { Chance, randomSpans } from '../../src/storage/conformance/random-spans.ts';
import type { DataFile } from '../../src/storage/embedded/manifest.ts';
import { ParquetFile } from '../../src/storage/embedded/parquet/parquet-file.ts';
import { makeParentsWhole } from '../../src/storage/embedded/parquet/whole-parents.ts';
import { randomSpan, Random } from '../../src/storage/embedded/query/random-spans.fixture.ts';
import type { ReadContext } from '../../src/storage/embedded/query/read-context.ts';
import { readTraces } from '../../src/storage/embedded/query/read-traces.ts';
import { attributeColumn, columnOfName } from '../../src/storage/embedded/schema.ts';
import { StoredTenant } from '../../src/storage/embedded/query/stored-tenant.fixture.ts';
import { readRowGroup } from '../../src/storage/embedded/read/row-group-batch.ts';
import {
  KnownOwners,
  namedColumns,
  RowReader,
} from '../../src/storage/embedded/read/rows-to-batch.ts';

type Sent = PlainSpan & { readonly traceId: string };

const START = 1_731_000_000_000_000_000n;

async function read(
  context: ReadContext,
  ids: readonly string[],
  columns: 'all' | 'waterfall' = 'all',
): Promise<SpanBatch[]> {
  const refs = ids.map((traceId) => ({ traceId, columns }));
  const batches: SpanBatch[] = [];
  for await (const batch of readTraces(context, refs)) batches.push(batch);
  return batches;
}

const PACKED = /:uuid:string$/;
const quoted = (name: string) => name.replaceAll('"', '""');

function textName(name: string): string {
  const column = PACKED.test(name) ? columnOfName(name) : undefined;
  if (column?.kind !== 'attribute') return name;
  return attributeColumn(column.scope, column.key, 'string')?.name ?? name;
}

const sent = (all: readonly Sent[], id: string) =>
  storedSpans(
    spans(
      't',
      all.filter(({ traceId }) => traceId === id),
    ),
  );

describe('random traces', () => {
  let store: StoredTenant;
  let all: Sent[];
  let ids: string[];
  let context: ReadContext;

  /** Parts cut through traces; some spans come twice, in two files. */
  beforeAll(async () => {
    store = new StoredTenant();
    const random = new Random(11);
    const made = randomSpans(new Chance(9), {
      traces: 80,
      startNano: START,
      spreadNano: 600_000_000_000n,
    });
    const others = Array.from({ length: 400 }, (): Sent => {
      const span = randomSpan(random);
      const traceId = (random.below(30) + 1000).toString(16).padStart(32, '0');
      return { ...span, traceId };
    });
    all = [...made, ...others].toSorted(() => random.next() - 0.5);
    const size = Math.ceil(all.length / 8);
    for (let part = 0; part < 8; part++) {
      store.add(spans('t', all.slice(part * size, (part + 1) * size)));
      if (part === 3) store.add(spans('t', all.slice(0, 60)));
      if (part < 7) await store.flush();
      if (part === 5) await store.stitch(2);
    }
    ids = [...new Set(all.map(({ traceId }) => traceId))];
    context = await store.context();
  }, 60_000);
  afterAll(() => store.close());

  test('are what was sent, each span once, by start', async () => {
    expect(store.files.map(({ rowGroups }) => rowGroups)).toEqual([1, 2, 2, 2]);
    const found = await read(context, ids);
    expect(found).toHaveLength(ids.length);
    for (const [i, batch] of found.entries()) {
      const rows = storedSpans(batch);
      expect(texts(rows)).toEqual([...new Set(texts(sent(all, ids[i]!)))]);
      const starts = rows.map(({ startNano }) => startNano);
      expect(starts).toEqual(starts.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    }
    expect(store.warnings).toEqual([]);
  }, 60_000);

  test('have the waterfall of the whole trace when only that is read', async () => {
    const whole = await read(context, ids);
    const some = await read(context, ids, 'waterfall');
    for (const [i, batch] of some.entries()) {
      expect(encodeTraceColumns(traceColumns(batch))).toEqual(
        encodeTraceColumns(traceColumns(whole[i]!)),
      );
    }
    // It is less that was read: of a trace whose spans came once.
    const once = some.filter((batch) => batch.spans.attributes.keys.length === 0);
    expect(once.length).toBeGreaterThan(10);
  }, 60_000);

  test('are found when no file has an index, and unknown ones are not', async () => {
    const files = context.manifest.files.map((file): DataFile => ({ ...file, index: undefined }));
    const without = { ...context, manifest: { ...context.manifest, files } };
    const expected = await read(context, ids);
    const found = await read(without, [...ids, 'f'.repeat(32), 'no id']);
    expect(found.map((batch) => texts(storedSpans(batch)))).toEqual(
      expected.map((batch) => texts(storedSpans(batch))),
    );
  }, 60_000);

  test('stop when the caller leaves', async () => {
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(read({ ...context, signal }, ids)).rejects.toThrow('gone');
    const leaving = new AbortController();
    const reading = read({ ...context, signal: leaving.signal }, ids);
    leaving.abort(new Error('gone too'));
    await expect(reading).rejects.toThrow('gone too');
  });

  test('row groups are what the query engine reads', async () => {
    for (const { path } of store.files) {
      const file = ParquetFile.open(path);
      let first = 0;
      for (const [rowGroup, { rows }] of file.footer.rowGroups.entries()) {
        const own = storedSpans(readRowGroup(file, rowGroup));
        // Texts that are packed as UUIDs are read as the texts they are.
        const select = file.footer.columns.map((name) =>
          PACKED.test(name)
            ? `CAST("${quoted(name)}" AS VARCHAR) AS "${quoted(name)}"`
            : `"${quoted(name)}"`,
        );
        const sql = `SELECT ${select.join(', ')} FROM read_parquet('${path}', file_row_number = true)
          WHERE file_row_number >= ${first} AND file_row_number < ${first + rows}
          ORDER BY file_row_number`;
        const { columns } = await store.port.run({ sql, params: [] }, { lane: 't' });
        const byName = new Map(columns.map((column) => [column.name, column]));
        makeParentsWhole(byName);
        const asText = [...byName.values()].map((column) => ({
          ...column,
          name: textName(column.name),
        }));
        const builder = new SpanBatchBuilder();
        const batch = { builder, owners: new KnownOwners(), choice: 'all', rows } as const;
        const reader = new RowReader(batch, namedColumns(asText));
        for (let row = 0; row < rows; row++) reader.add(row);
        expect(own).toEqual(storedSpans(builder.seal('t')));
        first += rows;
      }
      file.close();
    }
  }, 60_000);
});

describe('a damaged page', () => {
  const traceId = 'ab'.padStart(32, '0');
  const span = (n: number): Sent => ({
    traceId,
    spanId: n.toString(16).padStart(16, '0'),
    startNano: START + BigInt(n),
    name: `span ${n}`,
    attributes: [['user', text(`user ${n}`)]],
  });
  let store: StoredTenant;
  let context: ReadContext;

  beforeAll(async () => {
    store = new StoredTenant();
    for (const part of [0, 1]) {
      store.add(
        spans(
          't',
          Array.from({ length: 50 }, (_, i) => span(part * 50 + i + 1)),
        ),
      );
      await store.flush();
    }
    await store.stitch();
    context = await store.context();
    const [{ path } = { path: '' }] = store.files;
    const bytes = readFileSync(path);
    const { chunks } = ParquetFile.of(path, bytes).footer.rowGroups[1]!;
    const { start, bytes: length } = chunks.get('span.user')!;
    bytes[start + length - 2]! ^= 1;
    writeFileSync(path, bytes);
  }, 60_000);
  afterAll(() => store.close());

  test('costs its row group, and says so', async () => {
    const [batch] = await read(context, [traceId]);
    expect(storedSpans(batch)).toEqual(
      storedSpans(
        spans(
          't',
          Array.from({ length: 50 }, (_, i) => span(i + 1)),
        ),
      ),
    );
    expect(store.warnings).toEqual(
      expect.arrayContaining([expect.stringMatching(/row group 1, column "span\.user".*checksum/)]),
    );
  });

  test('costs nothing who does not look at it', async () => {
    store.warnings.length = 0;
    const [batch] = await read(context, [traceId], 'waterfall');
    expect(batch?.count).toBe(100);
    expect(store.warnings).toEqual([]);
  });
});

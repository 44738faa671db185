/** Makes data files and their indices: from collected rows, and from files that become one. Speaks
 *  of bytes; data-file.ts puts them where they belong. */

import { writeFile } from '../parquet/file.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import { Stitcher, type Write } from '../parquet/stitch.ts';
import { mergeRed, withEdges } from '../red/merge.ts';
import type { MissingCall } from '../red/missing-calls.ts';
import type { RedPartial } from '../red/partial.ts';
import { columnOfName } from '../schema.ts';
import type { SegmentHeader } from '../segment-index.ts';
import type { TraceEntry } from '../summary-block.ts';
import { headerJson, type IndexExtras, IndexWriter } from './index-writer.ts';
import type { RowGroupEncoder } from './row-group.ts';
import type { RowCollector } from './rows.ts';
import { MissingParents, type Orphans } from './missing-parents.ts';
import { redOfRows } from './red-rows.ts';
import { countRepeated } from './repeated-rows.ts';
import { valueFilterOf } from './row-group-values.ts';
import { joinTextKeys } from './text-keys.ts';
import { mergeEntries, traceEntries } from './trace-entries.ts';
import { bigNanoFromWords } from '../../../model/time.ts';

/** A file before it is one of several row groups, or of a stitch. */
export interface FileInput {
  readonly header: SegmentHeader;
  /** In the order of trace ids; may be walked more than once. */
  readonly entries: () => Iterable<TraceEntry>;
  /** Traces that miss parents; for who can tell for less than entries cost. */
  readonly orphans?: () => Iterable<Orphans>;
  readonly parquet: () => Promise<Uint8Array>;
  /** Undefined when the file does not say: then that of the whole is not known either. */
  readonly red: () => RedPartial | undefined;
  /** Value filters of its row groups; undefined when the file does not say. */
  readonly values?: () => readonly Uint8Array[] | undefined;
  /** Identity hashes of its rows, as far as they are known. */
  readonly hashes?: () => BigUint64Array;
  /** Calls that it misses, as far as it says. */
  readonly calls?: () => readonly MissingCall[] | undefined;
}

/** What the header says that rows do not. */
export type FileFacts = Pick<SegmentHeader, 'tenant' | 'from' | 'to' | 'walTo' | 'writtenAtMs'>;

interface EncodedFile {
  readonly header: SegmentHeader;
  readonly entries: TraceEntry[];
  readonly parquet: Uint8Array;
  readonly red: RedPartial;
  /** Of the one row group. */
  readonly values: Uint8Array;
}

/** One row group. Nothing of the result is shared with what is encoded next. */
export function encodeRows(
  rows: RowCollector,
  encoder: RowGroupEncoder,
  facts: FileFacts,
): EncodedFile {
  const { chunks, columns, traces, parents } = encoder.encode();
  const header: SegmentHeader = {
    ...facts,
    rows: rows.count,
    rowGroups: 1,
    rowGroupRows: [rows.count],
    ...startRange(rows),
    columns: columns.map(({ name }) => name),
    textKeys: rows.textKeys.finish(),
  };
  const entries = traceEntries(rows, traces, parents);
  const red = redOfRows(rows, parents);
  const values = valueFilterOf(rows);
  const parquet = writeFile(chunks, rows.count, metadataOf(header));
  return { header, entries, parquet, red, values };
}

/** Key of the file's metadata under which its header stands as JSON. */
export const METADATA_KEY = 'spoor';
/** Key under which the columns stand whose names do not show scope, key and type as they are. */
const COLUMNS_KEY = 'spoor.columns';

export function metadataOf(header: SegmentHeader): Record<string, string> {
  checkRowGroups(header);
  const { columns, textKeys: _, ...facts } = headerJson(header);
  const odd = columns.flatMap((name) => {
    const column = columnOfName(name);
    if (column?.kind !== 'attribute' || name === `${column.scope}.${column.key}`) return [];
    return [[name, { scope: column.scope, key: column.key, type: column.type }] as const];
  });
  return {
    [METADATA_KEY]: JSON.stringify(facts),
    [COLUMNS_KEY]: JSON.stringify(Object.fromEntries(odd)),
  };
}

/** Without the size of each row group no query finds parents that are places in them. */
function checkRowGroups({ rows, rowGroups, rowGroupRows = [] }: SegmentHeader): void {
  const sum = rowGroupRows.reduce((all, one) => all + one, 0);
  if (sum !== rows || rowGroupRows.length !== rowGroups) {
    throw new Error(`a file of ${rows} rows with row groups of ${rowGroupRows.join(', ')}`);
  }
}

/** Several files as one: writes the Parquet file through `write` and returns header and index. */
export async function joinFiles(
  inputs: readonly FileInput[],
  write: Write,
  hashes?: Uint32Array,
): Promise<{ header: SegmentHeader; index: Uint8Array }> {
  const stitcher = new Stitcher(write);
  const parents = new MissingParents(orphansIn(inputs));
  for (const input of inputs) {
    const bytes = await input.parquet();
    const footer = await stitcher.add(bytes);
    parents.lookIn(ParquetFile.of('a file to join', bytes, footer), knownCalls(input));
  }
  const header = joinHeaders(inputs, stitcher);
  await stitcher.finish(metadataOf(header));
  const writer = new IndexWriter();
  for (const same of joinEntries(inputs)) {
    writer.add(mergeEntries(same, parents));
  }
  const extras = { hashes, ...joinRed(inputs, parents), values: joinValues(inputs) };
  return { header, index: writer.finish(header, extras) };
}

export function* orphansIn(
  inputs: readonly Pick<FileInput, 'entries' | 'orphans'>[],
): Generator<Orphans> {
  for (const { orphans, entries } of inputs) {
    if (orphans !== undefined) yield* orphans();
    else for (const { summary } of entries()) yield summary;
  }
}

/** The rows tell where a file has one row group, and its parents are places in it. */
function knownCalls({ header, calls }: FileInput): readonly MissingCall[] | 'rows' | undefined {
  const isOne = header.rowGroups === 1 && header.rowGroupRows !== undefined;
  return calls?.() ?? (isOne ? 'rows' : undefined);
}

function joinValues(inputs: readonly FileInput[]): Uint8Array[] | undefined {
  const all: Uint8Array[] = [];
  for (const input of inputs) {
    const values = input.values?.();
    if (values === undefined) return undefined;
    all.push(...values);
  }
  return all;
}

function joinRed(inputs: readonly FileInput[], parents: MissingParents): IndexExtras {
  const partials: RedPartial[] = [];
  for (const input of inputs) {
    const red = input.red();
    if (red === undefined) return {};
    partials.push(red);
  }
  const { edges, missing } = parents.countCalls();
  return { red: withEdges(mergeRed(partials), edges), calls: missing };
}

function joinHeaders(
  inputs: readonly FileInput[],
  { columns, rowGroupRows }: Stitcher,
): SegmentHeader {
  const headers = inputs.map(({ header }) => header);
  const repeatedRows = repeatedIn(inputs);
  const [first] = headers;
  if (first === undefined) throw new Error('nothing to join');
  return headers.slice(1).reduce(
    (all, header) => ({
      tenant: all.tenant,
      from: Math.min(all.from, header.from),
      to: Math.max(all.to, header.to),
      walTo: Math.max(all.walTo, header.walTo),
      rows: all.rows + header.rows,
      rowGroups: all.rowGroups + header.rowGroups,
      rowGroupRows,
      ...repeatedRows,
      minStartNano: all.minStartNano < header.minStartNano ? all.minStartNano : header.minStartNano,
      maxStartNano: all.maxStartNano > header.maxStartNano ? all.maxStartNano : header.maxStartNano,
      writtenAtMs: Math.max(all.writtenAtMs, header.writtenAtMs),
      columns,
      textKeys: joinTextKeys([all.textKeys, header.textKeys]),
    }),
    { ...first, columns, rowGroupRows },
  );
}

function repeatedIn(inputs: readonly FileInput[]): Pick<SegmentHeader, 'repeatedRows'> {
  const known = inputs.reduce((sum, { header }) => sum + (header.repeatedRows ?? 0), 0);
  const repeatedRows = known + countRepeated(inputs.flatMap(({ hashes }) => hashes?.() ?? []));
  return repeatedRows === 0 ? {} : { repeatedRows };
}

/** Walks the inputs' traces side by side, in the order of their ids: the entries of each trace, with
 *  row groups counted over all inputs. */
export function* joinEntries(
  inputs: readonly Pick<FileInput, 'header' | 'entries'>[],
): Generator<TraceEntry[]> {
  let rowGroups = 0;
  const cursors = inputs.map(({ entries, header }) => {
    const firstRowGroup = rowGroups;
    rowGroups += header.rowGroups;
    const iterator = entries()[Symbol.iterator]();
    return { iterator, head: iterator.next(), firstRowGroup };
  });
  for (;;) {
    let least: string | undefined;
    for (const { head } of cursors) {
      if (head.done === true) continue;
      const { traceId } = head.value.summary;
      if (least === undefined || traceId < least) least = traceId;
    }
    if (least === undefined) return;
    const same: TraceEntry[] = [];
    for (const cursor of cursors) {
      const { head, firstRowGroup } = cursor;
      if (head.done === true || head.value.summary.traceId !== least) continue;
      const { summary } = head.value;
      same.push({ summary, rowGroups: head.value.rowGroups.map((one) => one + firstRowGroup) });
      cursor.head = cursor.iterator.next();
    }
    yield same;
  }
}

function startRange({ dense, count }: RowCollector): {
  minStartNano: bigint;
  maxStartNano: bigint;
} {
  const { startNano } = dense;
  const nanoAt = (row: number): bigint =>
    bigNanoFromWords(startNano[row * 2] ?? 0, startNano[row * 2 + 1] ?? 0);
  let min = 0;
  let max = 0;
  for (let row = 1; row < count; row++) {
    if (isLess(startNano, row, min)) min = row;
    if (isLess(startNano, max, row)) max = row;
  }
  return { minStartNano: nanoAt(min), maxStartNano: nanoAt(max) };
}

function isLess(words: Uint32Array, a: number, b: number): boolean {
  const high = (words[a * 2 + 1] ?? 0) - (words[b * 2 + 1] ?? 0);
  return high < 0 || (high === 0 && (words[a * 2] ?? 0) < (words[b * 2] ?? 0));
}

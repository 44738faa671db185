/** The index of a data file from the Parquet file alone: everything that an index says can be found
 *  in the rows again, so a damaged one costs some work and no answer. Row group by row group, as it
 *  was made, with a pause behind each for who shares the thread. Identity hashes are made anew where
 *  somebody says with what seed, or taken as given. */

import { setImmediate } from 'node:timers/promises';
import { StorageError } from '../../contract.ts';
import { type HashSeed, identityHashes } from '../identity.ts';
import { headerOf } from '../index-file.ts';
import type { ParquetFile } from '../parquet/parquet-file.ts';
import type { ReadColumn } from '../parquet/read-column.ts';
import { readRowGroup } from '../read/row-group-batch.ts';
import { mergeRed, withEdges } from '../red/merge.ts';
import type { RedPartial } from '../red/partial.ts';
import type { SegmentHeader, TextColumn, TextKeys } from '../segment-index.ts';
import type { TraceEntry } from '../summary-block.ts';
import { keysOfTaggedText } from '../tagged-text.ts';
import { joinEntries, orphansIn, METADATA_KEY } from './file-builder.ts';
import { IndexWriter } from './index-writer.ts';
import { MissingParents } from './missing-parents.ts';
import { redOfRows } from './red-rows.ts';
import { valueFilterOf } from './row-group-values.ts';
import { orderRows } from './row-order.ts';
import { RowCollector } from './rows.ts';
import { SpanTable } from './span-table.ts';
import { TextKeyCollector } from './text-keys.ts';
import { mergeEntries, traceEntries } from './trace-entries.ts';
import { rowsByTrace } from './trace-groups.ts';

export interface RebuildOptions {
  /** Two words a row. */
  readonly hashes?: Uint32Array | undefined;
  /** What identity hashes of the tenant are made with, for a file whose index had them. */
  readonly seed?: HashSeed | undefined;
}

/** Seed of hash tables that live no longer than a rebuild of rows that are stored already. */
const TABLE_SEED = 0x5b0a7;

/** Throws StorageError 'damaged' when the Parquet file is. */
export async function rebuildIndex(
  file: ParquetFile,
  options: RebuildOptions = {},
): Promise<Uint8Array> {
  const header = { ...headerInFile(file), textKeys: textKeysOf(file) };
  const groups = [];
  for (const rowGroup of file.footer.rowGroups.keys()) {
    const { entries, red, values } = readGroup(file, rowGroup);
    groups.push({ header: { ...header, rowGroups: 1 }, entries: () => entries, red, values });
    await setImmediate();
  }
  const parents = new MissingParents(orphansIn(groups));
  parents.lookIn(file, header.rowGroupRows === undefined ? undefined : 'rows');
  const writer = new IndexWriter();
  for (const same of joinEntries(groups)) writer.add(mergeEntries(same, parents));
  const hashes = options.hashes ?? (options.seed && hashesOf(file, options.seed));
  const { edges, missing: calls } = parents.countCalls();
  const red = withEdges(mergeRed(groups.map((group) => group.red)), edges);
  const values = groups.map((group) => group.values);
  return writer.finish(header, { hashes, red, values, ...(groups.length > 1 ? { calls } : {}) });
}

/** What the file's metadata says of it; which keys its tagged text has is not known. */
export function headerInFile({ path, footer }: ParquetFile): SegmentHeader {
  const facts = footer.metadata[METADATA_KEY];
  if (facts === undefined) {
    throw new StorageError('damaged', `${path} does not say what it is`, {
      hint: 'it was not written by this program: move it away',
    });
  }
  const json = { columns: footer.columns, textKeys: {}, traces: 0, sections: {} };
  return headerOf({ ...JSON.parse(facts), ...json });
}

function readGroup(
  file: ParquetFile,
  rowGroup: number,
): { entries: TraceEntry[]; red: RedPartial; values: Uint8Array } {
  const rows = new RowCollector(TABLE_SEED);
  rows.add(readRowGroup(file, rowGroup), 0);
  const parents = new SpanTable(rows.ids);
  const traces = rowsByTrace(rows.traces, orderRows(rows).byStart);
  const entries = traceEntries(rows, traces, parents);
  const values = valueFilterOf(rows);
  return { entries, red: redOfRows(rows, parents), values };
}

const TEXT_COLUMNS: readonly TextColumn[] = [
  'events',
  'links',
  'span_rest',
  'resource_rest',
  'scope_rest',
];

/** From the texts themselves: which attributes found no column is decided when rows are encoded. */
function textKeysOf(file: ParquetFile): TextKeys {
  const keys = new TextKeyCollector();
  for (const rowGroup of file.footer.rowGroups.keys()) {
    for (const name of TEXT_COLUMNS) {
      const column = file.readColumns(rowGroup, [name]).get(name);
      for (const key of keysIn(column)) keys.addKey(name, key);
    }
  }
  return keys.finish();
}

function* keysIn(column: ReadColumn | undefined): Generator<string> {
  if (column?.kind !== 'bytes') return;
  const { bytes, offsets } = column;
  for (let entry = 0; entry + 1 < offsets.length; entry++) {
    yield* keysOfTaggedText(bytes.subarray(offsets[entry], offsets[entry + 1]));
  }
}

function hashesOf(file: ParquetFile, seed: HashSeed): Uint32Array {
  const parts = [...file.footer.rowGroups.keys()].map((rowGroup) =>
    identityHashes(readRowGroup(file, rowGroup), seed),
  );
  const all = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const words of parts) {
    all.set(words, at);
    at += words.length;
  }
  return all;
}

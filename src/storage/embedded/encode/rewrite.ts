/** A data file without the rows of some traces. Row groups that have none of them are copied byte for
 *  byte; the others are taken apart and encoded again, so that no value, dictionary or statistic of a
 *  removed row is left. All rows of these traces go, so what the index says of the others stays true
 *  and is copied; where the index is damaged everything is encoded again and the index made anew. */

import { gather } from '../../../model/batch/gather.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { TRACE_ID_BYTES } from '../../../model/ids.ts';
import { StorageError } from '../../contract.ts';
import { TraceIdSet } from '../deletion/trace-id-set.ts';
import { indexPathOf } from '../manifest.ts';
import type { FileSystem } from '../file-system.ts';
import { type HashSeed, identityHashes } from '../identity.ts';
import { headerOf, openIndex } from '../index-file.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import { Stitcher, type Write } from '../parquet/stitch.ts';
import { readRowGroup, walSeqsOf } from '../read/row-group-batch.ts';
import { mergeRed } from '../red/merge.ts';
import type { RedPartial } from '../red/partial.ts';
import type { SegmentHeader, SegmentIndex } from '../segment-index.ts';
import { publishDataFile } from './data-file.ts';
import { encodeRows, joinFiles, METADATA_KEY, metadataOf } from './file-builder.ts';
import { IndexWriter } from './index-writer.ts';
import type { Request } from './messages.ts';
import { redOfBatch } from './red-rows.ts';
import { RowGroupEncoder } from './row-group.ts';
import { RowCollector } from './rows.ts';

type Rewrite = Extract<Request, { kind: 'rewrite' }>;

/** False when no row is left: then there is no file. `tableSeed` is that of hash tables. */
export async function rewriteFile(
  order: Rewrite,
  { files, tableSeed }: { readonly files: FileSystem; readonly tableSeed: number },
): Promise<boolean> {
  const rewriting = new Rewriting(order, await files.read(order.input), tableSeed);
  if (rewriting.isEmpty) return false;
  const options = { files, path: order.path, isDurable: true };
  await publishDataFile(options, (write) => rewriting.write(write));
  return true;
}

type Encoded = ReturnType<typeof encodeRows>;

type RowGroup =
  | { readonly kind: 'copied'; readonly number: number }
  | { readonly kind: 'encoded'; readonly number: number; readonly file: Encoded };

class Rewriting {
  readonly #bytes: Uint8Array;
  readonly #file: ParquetFile;
  readonly #dead: TraceIdSet;
  readonly #index: SegmentIndex | undefined;
  readonly #header: SegmentHeader;
  readonly #gone: GoneRows;
  readonly #groups: readonly RowGroup[];

  constructor({ input, traceIds, seed }: Rewrite, bytes: Uint8Array, tableSeed: number) {
    this.#bytes = bytes;
    this.#file = ParquetFile.of(input, bytes);
    this.#dead = new TraceIdSet(traceIds);
    this.#index = soundIndex(indexPathOf(input));
    this.#header = this.#index?.header ?? headerIn(this.#file);
    this.#gone = new GoneRows(this.#dead, seed);
    this.#groups = this.#file.footer.rowGroups.flatMap(({ rows }, number): RowGroup[] => {
      const kept = keptRows(this.#file, number, this.#dead);
      if (kept.length === rows && this.#index !== undefined) return [{ kind: 'copied', number }];
      const batch = readRowGroup(this.#file, number);
      this.#gone.add(batch);
      if (kept.length === 0) return [];
      const seqs = walSeqsOf(this.#file, number);
      const rest = { batch, kept, seqs, header: this.#header, tableSeed };
      return [{ kind: 'encoded', number, file: encodeAgain(rest) }];
    });
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  /** Writes the Parquet file and returns its index. */
  async write(write: Write): Promise<Uint8Array> {
    if (this.#index !== undefined) return this.#writeWith(this.#index, write);
    const inputs = this.#groups.flatMap((group) => {
      if (group.kind === 'copied') return [];
      const { header, entries, parquet, red, values } = group.file;
      return [
        {
          header,
          entries: () => entries,
          parquet: async () => parquet,
          red: () => red,
          values: () => [values],
        },
      ];
    });
    return (await joinFiles(inputs, write)).index;
  }

  async #writeWith(index: SegmentIndex, write: Write): Promise<Uint8Array> {
    const stitcher = new Stitcher(write);
    for (const group of this.#groups) {
      if (group.kind === 'copied') await stitcher.add(this.#bytes, group.number);
      else await stitcher.add(group.file.parquet);
    }
    const { columns, rowGroupRows } = stitcher;
    const header: SegmentHeader = {
      ...this.#header,
      columns,
      rowGroupRows,
      rows: rowGroupRows.reduce((sum, rows) => sum + rows, 0),
      rowGroups: this.#groups.length,
    };
    await stitcher.finish(metadataOf(header));
    const writer = new IndexWriter();
    this.#copyEntries(index, writer);
    const hashes = this.#gone.leftOf(index);
    return writer.finish(header, { hashes, red: this.#red(), values: this.#values(index) });
  }

  /** Row groups of which nothing is left do not count any more. */
  #copyEntries(index: SegmentIndex, writer: IndexWriter): void {
    const places = new Map(this.#groups.map(({ number }, place) => [number, place]));
    for (let position = 0; position < index.traceCount; position++) {
      if (this.#dead.hex.has(index.traceIdAt(position))) continue;
      const rowGroups = index.rowGroupsAt(position).map((number) => places.get(number));
      writer.add({
        summary: index.summaryAt(position),
        rowGroups: rowGroups.filter((place) => place !== undefined),
      });
    }
  }

  /** Undefined when a row group that is copied has none. */
  #values(index: SegmentIndex): Uint8Array[] | undefined {
    const known = index.values()?.records;
    const all: Uint8Array[] = [];
    for (const group of this.#groups) {
      const values = group.kind === 'encoded' ? group.file.values : known?.[group.number];
      if (values === undefined) return undefined;
      all.push(values);
    }
    return all;
  }

  #red(): RedPartial {
    return mergeRed(
      this.#groups.map((group) =>
        group.kind === 'encoded'
          ? group.file.red
          : redOfBatch(readRowGroup(this.#file, group.number, { columns: 'waterfall' })),
      ),
    );
  }
}

/** Read to its end, because half an index cannot be copied. */
function soundIndex(path: string): SegmentIndex | undefined {
  try {
    const index = openIndex(path);
    for (let position = 0; position < index.traceCount; position++) index.summaryAt(position);
    index.hashes();
    index.values();
    return index;
  } catch (error) {
    if (error instanceof StorageError && error.code === 'damaged') return undefined;
    throw error;
  }
}

function headerIn(file: ParquetFile): SegmentHeader {
  const facts = file.footer.metadata[METADATA_KEY];
  if (facts === undefined)
    throw new StorageError('damaged', `${file.path} does not say what it is`);
  const { columns } = file.footer;
  return headerOf({ ...JSON.parse(facts), columns, textKeys: {}, traces: 0, sections: {} });
}

/** Rows of one group whose trace stays, ascending. */
function keptRows(file: ParquetFile, rowGroup: number, dead: TraceIdSet): Uint32Array {
  const ids = file.readColumns(rowGroup, ['trace_id']).get('trace_id');
  if (ids?.kind !== 'bytes') throw new StorageError('damaged', `${file.path} has no trace ids`);
  const rows = file.rowsOf(rowGroup);
  const kept = new Uint32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const at = ids.offsets[ids.codes?.[row] ?? row] ?? 0;
    if (!dead.hasAt(ids.bytes, at)) kept[count++] = row;
  }
  return kept.subarray(0, count);
}

interface Rest {
  readonly batch: SpanBatch;
  readonly kept: Uint32Array;
  readonly seqs: BigUint64Array;
  readonly header: SegmentHeader;
  readonly tableSeed: number;
}

/** A file of one row group. Rows go in with the record of the log they came in. */
function encodeAgain({ batch, kept, seqs, header, tableSeed }: Rest): Encoded {
  const bySeq = new Map<bigint, number[]>();
  for (const row of kept) {
    const seq = seqs[row] ?? 0n;
    const rows = bySeq.get(seq);
    if (rows === undefined) bySeq.set(seq, [row]);
    else rows.push(row);
  }
  const collector = new RowCollector(tableSeed);
  for (const [seq, rows] of [...bySeq].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    collector.add(gather(batch, Uint32Array.from(rows)), Number(seq));
  }
  // What is known of all row groups is of none of them.
  const facts = { ...header, repeatedRows: undefined };
  return encodeRows(collector, new RowGroupEncoder(collector), facts);
}

/** Identity hashes of removed rows: the index of a young file keeps those of the others. */
class GoneRows {
  readonly #dead: TraceIdSet;
  readonly #seed: HashSeed;
  readonly #hashes = new Set<bigint>();

  constructor(dead: TraceIdSet, seed: HashSeed) {
    this.#dead = dead;
    this.#seed = seed;
  }

  add(batch: SpanBatch): void {
    const words = identityHashes(batch, this.#seed);
    const hashes = new BigUint64Array(words.buffer, words.byteOffset, batch.count);
    const { traceIds } = batch.spans.columns;
    for (const [row, hash] of hashes.entries()) {
      if (this.#dead.hasAt(traceIds, row * TRACE_ID_BYTES)) this.#hashes.add(hash);
    }
  }

  /** Two words each. */
  leftOf(index: SegmentIndex): Uint32Array {
    const left = index.hashes().filter((hash) => !this.#hashes.has(hash));
    return new Uint32Array(left.buffer, left.byteOffset, left.length * 2);
  }
}

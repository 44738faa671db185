/** What the sidecar of a Parquet file knows (index-file.ts reads it): which rows are of a trace, each
 *  trace in a line, and the identity hashes of young rows. */

import type { ServiceCount } from '../contract.ts';
import type { MissingCall } from './red/missing-calls.ts';
import type { RedPartial } from './red/partial.ts';
import type { ValueFilters } from './value-filter.ts';

/** Columns of tagged text. */
export type TextColumn = 'events' | 'links' | 'span_rest' | 'resource_rest' | 'scope_rest';

/** The attribute keys that occur in each; a column that is left out may have any. */
export type TextKeys = Readonly<Partial<Record<TextColumn, readonly string[]>>>;

/** What a file says of itself; the Parquet file's metadata repeats it. */
export interface SegmentHeader {
  readonly tenant: string;
  /** Flush sequence numbers the file covers. */
  readonly from: number;
  readonly to: number;
  /** Every WAL record of the tenant up to here is in this file or an older one. */
  readonly walTo: number;
  readonly rows: number;
  readonly rowGroups: number;
  /** Rows of each; absent in older files, which do not place parents. */
  readonly rowGroupRows?: readonly number[] | undefined;
  /** Rows that repeat others of the file, as was found when it was stitched; absent when none was. */
  readonly repeatedRows?: number | undefined;
  readonly minStartNano: bigint;
  readonly maxStartNano: bigint;
  readonly writtenAtMs: number;
  /** Names of the Parquet file's columns. */
  readonly columns: readonly string[];
  readonly textKeys: TextKeys;
}

export interface RootSpan {
  readonly startNano: bigint;
  readonly service: string;
  readonly name: string;
}

/** What searches order traces by. */
export interface TraceKeys {
  readonly startNano: bigint;
  readonly endNano: bigint;
  readonly spanCount: number;
  readonly errorCount: number;
}

/** How far the traces of a block reach. */
export interface BlockBounds {
  /** Least and greatest duration. */
  readonly shortest: bigint;
  readonly longest: bigint;
  readonly mostSpans: bigint;
  readonly mostErrors: bigint;
}

/** What one file knows of a trace. Those of several files merge into a TraceSummary. */
export interface PartialSummary extends TraceKeys {
  readonly traceId: string;
  /** The earliest span without a parent, when there is one. */
  readonly root: RootSpan | undefined;
  /** The earliest span of all. */
  readonly first: RootSpan;
  /** Parent ids that no span of this file's part has, one for each span that names it. */
  readonly missingParents: readonly bigint[];
  /** By name. */
  readonly services: readonly ServiceCount[];
}

export interface SegmentIndex {
  readonly header: SegmentHeader;
  readonly traceCount: number;
  /** Of the index file. */
  readonly bytes: number;
  /** The position of a trace, by its 16 bytes; -1 when the file does not have it. */
  find(traceId: Uint8Array): number;
  /** Whether it has one of these: 16 bytes each, ascending. */
  hasAny(traceIds: Uint8Array): boolean;
  /** Positions are in the order of trace ids. */
  traceIdAt(position: number): string;
  /** Which row groups of the file have rows of the trace, ascending. */
  rowGroupsAt(position: number): readonly number[];
  summaryAt(position: number): PartialSummary;
  /** Parts of the summary, at a part of its cost. */
  keysAt(position: number): TraceKeys;
  missingParentsAt(position: number): readonly bigint[];
  /** The root, else the first span. */
  rootAt(position: number): RootSpan;
  /** Of all traces, or those of a block: 16 bytes each, ascending. */
  ids(block?: number): Uint8Array;
  /** The first 8 bytes of a block's first trace id. */
  idPrefix(block: number): Uint8Array;
  /** Of each block of BLOCK_TRACES traces; undefined when an older version wrote the file. Kept. */
  bounds(): readonly BlockBounds[] | undefined;
  /** One a row, in no order; empty when the file is too old to need them. */
  hashes(): BigUint64Array;
  /** Rates, errors and durations of all its rows; undefined when an older version wrote the file. */
  red(): RedPartial | undefined;
  /** The same with all its minutes as one; undefined for short files and those of older versions. */
  sums(): RedPartial | undefined;
  /** Calls of its spans to parents that are not in the file, by trace id: then all others are in the
   *  edges of `red`. Undefined when edges are counted within row groups only. */
  calls(): readonly MissingCall[] | undefined;
  /** Which values its row groups do not have; undefined when the file is too old to say. */
  values(): ValueFilters | undefined;
}

/** The sidecar of a Parquet file (docs/formats/index.md): which row groups hold a trace, each
 *  trace in a line, and the identity hashes of young rows. Read as views over its bytes: looking
 *  up an id is a binary search and parses nothing else. */

import type { ServiceCount } from '../contract.ts';

export interface SegmentHeader {
  readonly tenant: string;
  /** Flush sequence numbers the file covers. */
  readonly from: number;
  readonly to: number;
  /** Every WAL record of the tenant up to here is in this file or an older one. */
  readonly walTo: number;
  readonly rows: number;
  readonly minStartNano: bigint;
  readonly maxStartNano: bigint;
  readonly writtenAtMs: number;
}

/** The rows of a trace in one row group: consecutive, sorted by start. */
export interface TracePart {
  readonly rowGroup: number;
  readonly firstRow: number;
  readonly rows: number;
}

export interface RootSpan {
  readonly startNano: bigint;
  readonly service: string;
  readonly name: string;
}

/** What one file knows of a trace. Those of several files merge into a TraceSummary. */
export interface PartialSummary {
  readonly traceId: string;
  readonly startNano: bigint;
  readonly endNano: bigint;
  readonly spanCount: number;
  readonly errorCount: number;
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
  /** The position of a trace, by its 16 bytes; -1 when the file does not have it. */
  find(traceId: Uint8Array): number;
  /** Positions are in the order of trace ids. */
  traceIdAt(position: number): string;
  partsAt(position: number): readonly TracePart[];
  summaryAt(position: number): PartialSummary;
  /** One a row, in no order; empty when the file is too old to need them. */
  hashes(): BigUint64Array;
}

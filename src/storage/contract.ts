/** What a storage backend promises. Writers and readers speak SpanBatch and filters, never SQL, and
 *  every call names its tenant: no result mixes two. The conformance suite beside this file states
 *  each promise as a test; a backend passes it or lists excuses with reasons.
 *
 *  Times are ns since 1970 as bigint, ranges include their start and exclude their end, and speak
 *  of span start times. Ids are lower-case hex. Every call takes an AbortSignal and, once aborted,
 *  rejects with its reason and stops working. */

import { SpoorError, type SpoorErrorOptions } from '../lib/errors.ts';
import type { SpanKind } from '../model/attribute.ts';
import type { SpanBatch } from '../model/batch/span-batch.ts';
import type { Histogram } from '../model/duration-histogram.ts';
import type { Field, Filter, Scalar } from '../filter/ast.ts';

export type StorageErrorCode =
  /** The store cannot take or give data now; try again. */
  | 'unavailable'
  /** No space, or a queue at its bound: try again later. */
  | 'full'
  /** The query cannot be answered by this backend, or its arguments are bad. */
  | 'invalid'
  /** The query took longer than its limit. */
  | 'timeout'
  /** The directory belongs to another process, a newer format, or cannot be used. */
  | 'unusable'
  /** Bytes on disk do not match their checksum. */
  | 'damaged';

export class StorageError extends SpoorError<StorageErrorCode> {
  constructor(code: StorageErrorCode, message: string, options?: SpoorErrorOptions) {
    super(code, message, options);
    this.name = 'StorageError';
  }
}

export interface TimeRange {
  readonly startNano: bigint;
  readonly endNano: bigint;
}

export interface TraceWriter {
  /** Resolves when every span of the batch is durable and will be found. A span that is there
   *  already (same ids, same content) is stored once. Rejects with a StorageError otherwise;
   *  then none, some or all of the batch may be stored, and it may be sent again. */
  write(batch: SpanBatch, signal?: AbortSignal): Promise<void>;
}

/** How one service takes part in a trace. */
export interface ServiceCount {
  readonly name: string;
  readonly spans: number;
  readonly errors: number;
}

/** One trace in a line. Counts are over all its spans, not only the matching ones. */
export interface TraceSummary {
  readonly traceId: string;
  /** Earliest start and latest end of its spans. */
  readonly startNano: bigint;
  readonly endNano: bigint;
  readonly spanCount: number;
  readonly errorCount: number;
  /** Spans whose parent is named but not there. */
  readonly orphanCount: number;
  /** The earliest span without a parent, else the earliest span. */
  readonly rootService: string;
  readonly rootName: string;
  /** By name. */
  readonly services: readonly ServiceCount[];
}

/** newest: by the start of the newest matching span, latest first; oldest: the reverse.
 *  The others by the trace's summary within the time range. Ties by trace id, ascending. */
export type TraceOrder = 'newest' | 'oldest' | 'longest' | 'shortest' | 'mostSpans' | 'mostErrors';

export interface TraceQuery {
  readonly tenant: string;
  readonly range: TimeRange;
  /** All conditions are of one span, or of the trace it is in. Absent = every span. */
  readonly filter?: Filter | undefined;
  readonly order?: TraceOrder | undefined;
  /** At least 1. */
  readonly limit: number;
  /** From the page before: what arrived since then shifts nothing. */
  readonly cursor?: string | undefined;
}

export interface TracePage {
  readonly traces: readonly TraceSummary[];
  /** Present when there may be more. */
  readonly cursor?: string | undefined;
  /** What the answer leaves out, for people (a damaged block, say). Empty when it is whole. */
  readonly warnings: readonly string[];
}

export interface TraceRef {
  readonly traceId: string;
  /** Where to look; without it everywhere. A hint only: all spans of the trace are returned. */
  readonly range?: TimeRange | undefined;
  /** About how many spans it has: small ones are read together. A hint as well. */
  readonly spanCount?: number | undefined;
  /** What will be looked at, everything unless said. `waterfall`: ids, times, service, name, kind,
   *  status, links, times of events, and whether attributes or events were dropped; a store need not
   *  read the rest, and whatever else the batch says then is not to be believed. */
  readonly columns?: 'all' | 'waterfall' | undefined;
  /** Told, for people, what the answer may lack. */
  readonly onWarning?: ((warning: string) => void) | undefined;
}

export interface Operation {
  readonly name: string;
  readonly kind: SpanKind;
}

export interface AttributeKey {
  readonly scope: 'span' | 'resource' | 'scope' | 'event' | 'link';
  readonly key: string;
  readonly types: readonly ('string' | 'bool' | 'int' | 'double' | 'array' | 'kvlist' | 'bytes')[];
}

export interface AttributeValuesQuery {
  readonly tenant: string;
  readonly scope: AttributeKey['scope'];
  readonly key: string;
  /** Of a value's text form. */
  readonly prefix?: string | undefined;
  /** At least 1. */
  readonly limit: number;
}

export interface ValueCount {
  readonly value: Scalar;
  /** How often it was seen. */
  readonly count: number;
}

export interface DependencyLink {
  readonly parent: string;
  readonly child: string;
  readonly callCount: number;
}

/** Numbers of many spans at once: how many, how many in error, and how a value of theirs spreads. */
export interface AggregateQuery {
  readonly tenant: string;
  readonly range: TimeRange;
  /** Absent = every span. Conditions on the trace as a whole are 'invalid'. */
  readonly filter?: Filter | undefined;
  /** What is measured: the duration, or an attribute's numbers. A duration below zero (an end before
   *  the start) counts as zero; an attribute that is no finite number is not measured. */
  readonly value?: Field | undefined;
  /** Text intrinsics, kind, status, and attributes of span, resource and scope; one of `any` scope
   *  is the span's, else the resource's, else the scope's. Others are 'invalid'. */
  readonly groupBy: readonly Field[];
  /** Groups beyond so many, those with the fewest spans, are counted as one. */
  readonly groupsMax: number;
  /** Width of buckets of time, which begin at its multiples since 1970; the first and the last hold
   *  only what is in the range. Absent = one bucket, at the start of the range. */
  readonly stepNano?: bigint | undefined;
  /** Each from 0 to 1. */
  readonly quantiles?: readonly number[] | undefined;
  readonly histogram?: boolean | undefined;
}

export interface AggregatePoint {
  readonly startNano: bigint;
  readonly spans: number;
  readonly errors: number;
  /** Spans that have the value. The rest is of these. */
  readonly values: number;
  readonly sum: number;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** As asked for, of each the least value that so many do not exceed; empty without values. */
  readonly quantiles: readonly number[];
  /** By bucket of model/duration-histogram.ts; values below zero count as zero here. */
  readonly histogram?: Histogram | undefined;
  /** Traces worth a look, slowest first; only where the backend has them at hand. */
  readonly exemplars: readonly Exemplar[];
}

export interface Exemplar {
  readonly traceId: string;
  readonly isError: boolean;
}

export interface AggregateSeries {
  /** A value for each field, undefined where spans have none. Numbers of kinds and status codes are
   *  their names, as in filters. */
  readonly group: readonly (Scalar | undefined)[];
  /** The spans of all groups beyond `groupsMax`; its group is undefined throughout. */
  readonly isRest: boolean;
  /** By time; buckets without spans are left out. */
  readonly points: readonly AggregatePoint[];
}

export interface AggregateResult {
  /** Most spans first, the rest last. */
  readonly series: readonly AggregateSeries[];
  /** By how much a quantile may differ, as a part of it; 0 when they are exact. Counts always are. */
  readonly quantileError: number;
  readonly from: 'rollups' | 'spans';
  readonly warnings: readonly string[];
}

export interface TraceReader {
  /** All spans of the trace in one batch, ordered by start; undefined when there are none.
   *  Resent spans appear once; spans with the same ids and other content all appear. */
  getTrace(tenant: string, ref: TraceRef, signal?: AbortSignal): Promise<SpanBatch | undefined>;
  /** One batch a trace, in the order asked for; unknown ids are left out. */
  getTraces(
    tenant: string,
    refs: readonly TraceRef[],
    signal?: AbortSignal,
  ): AsyncIterable<SpanBatch>;
  /** At most `limit` traces that have a matching span, in the order asked for. */
  findTraces(query: TraceQuery, signal?: AbortSignal): Promise<TracePage>;
  /** Sorted names. */
  getServices(tenant: string, signal?: AbortSignal): Promise<readonly string[]>;
  /** Sorted by name, then kind. An unknown service has none. */
  getOperations(
    tenant: string,
    query: { readonly service: string; readonly kind?: SpanKind | undefined },
    signal?: AbortSignal,
  ): Promise<readonly Operation[]>;
  /** Sorted by scope, then key. */
  getAttributeKeys(tenant: string, signal?: AbortSignal): Promise<readonly AttributeKey[]>;
  /** Values of a key that begin with the prefix, most frequent first, then by text. Of strings,
   *  numbers and bools; counted over as many of the spans stored last as a suggestion may cost. */
  getAttributeValues(
    query: AttributeValuesQuery,
    signal?: AbortSignal,
  ): Promise<readonly ValueCount[]>;
  /** Calls between services whose child span starts in the range, sorted by parent, then child. */
  getDependencies(
    tenant: string,
    range: TimeRange,
    signal?: AbortSignal,
  ): Promise<readonly DependencyLink[]>;
  /** There when `capabilities.aggregates` says so. */
  aggregate?(query: AggregateQuery, signal?: AbortSignal): Promise<AggregateResult>;
}

/** What a backend can do. The zero value is the least capable. */
export interface Capabilities {
  /** findTraces without a service condition. */
  readonly searchWithoutService: boolean;
  /** Filter nodes it evaluates itself; the query layer evaluates the rest on candidates. */
  readonly filterOps: readonly Filter['op'][];
  readonly orders: readonly TraceOrder[];
  readonly durableOnAck: boolean;
  /** Its reader has `aggregate`. */
  readonly aggregates?: boolean | undefined;
  /** It has `maintenance`. */
  readonly deletes?: boolean | undefined;
}

export interface StorageHealth {
  readonly ok: boolean;
  /** Why not, for people. */
  readonly problems: readonly string[];
  /** What has happened since the store was opened. */
  readonly counts?: StorageCounts | undefined;
}

export interface StorageCounts {
  /** Files and parts of files that were found damaged. */
  readonly damaged: number;
  /** Of these, what could be made again from what is whole, so that nothing is missing. */
  readonly repaired: number;
  /** Spans that came again too late to be recognised, as far as they have been found: reads by id show
   *  them once, counts have them twice. */
  readonly repeatedSpans: number;
}

/** Which traces to delete: these, or every trace that has a matching span in the range. Always whole
 *  traces: a trace of which only some spans went would tell a story that did not happen. */
export type TracesToDelete =
  | { readonly traceIds: readonly string[] }
  | { readonly range: TimeRange; readonly filter?: Filter | undefined };

export interface DeletedCounts {
  readonly traces: number;
  readonly spans: number;
}

export interface DeletionProgress extends DeletedCounts {
  /** Hidden: no read finds them any more, also after a crash. Purged: their bytes are gone too. */
  readonly stage: 'hidden' | 'purged';
}

export interface DeletionOptions {
  /** Ends the waiting and, for a filter, the search for more; what is hidden is purged all the same. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DeletionProgress) => void) | undefined;
}

export interface ImportedCounts {
  readonly stored: number;
  /** Were there already, with the same content. */
  readonly known: number;
}

/** What operators do with stored traces, beside writing and reading them. */
export interface TraceMaintenance {
  /** Resolves when no byte of them is left in the store: until then they are hidden. Spans of the
   *  same traces that are written later are stored again. Rejects with 'unavailable' when they are
   *  hidden but could not be purged yet: that is tried again by itself. */
  deleteTraces(
    tenant: string,
    which: TracesToDelete,
    options?: DeletionOptions,
  ): Promise<DeletedCounts>;
  /** Like TraceWriter.write, but tells a span that is there already however long ago it came. */
  importTraces(batch: SpanBatch, signal?: AbortSignal): Promise<ImportedCounts>;
  /** The tools' way in: where they find the running server. Whoever can read the store's directory
   *  learns the secret; nobody else does. */
  readonly door?: MaintenanceDoor | undefined;
}

export interface MaintenanceDoor {
  readonly secret: string;
  /** Says at which address the API of this process listens. */
  announce(address: string): Promise<void>;
}

/** A backend that is open. */
export interface StorageBackend {
  readonly capabilities: Capabilities;
  readonly writer: TraceWriter;
  readonly reader: TraceReader;
  /** Absent when the backend cannot. */
  readonly maintenance?: TraceMaintenance | undefined;
  health(): StorageHealth;
  /** Stops taking writes, makes what was acknowledged durable, frees everything. */
  close(): Promise<void>;
}

/** What an extension lends for each backend that a configuration names. */
export interface TraceStorage {
  /** Opens the backend on the first call, then returns the open one. The lender closes it. */
  open(): Promise<StorageBackend>;
}

/** The capability under which trace storage is lent, by the backend's name. */
export const traceStorage: { readonly name: string; readonly lends?: TraceStorage } = {
  name: 'trace storage',
};

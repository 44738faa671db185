/** Calls from one row group of a file into another, counted while files are joined. When a row group is
 *  written it counts the calls whose parent it has; a trace that a flush has cut leaves some over, a
 *  tenth of all perhaps, and most parents lie a row group or two away. What is left then is named. */

import { hexAt, TRACE_ID_BYTES } from '../../../model/ids.ts';
import { bytesAt, isNullAt, type ReadColumn } from '../parquet/read-column.ts';
import { CALLS_MAX, type MissingCall } from '../red/missing-calls.ts';
import { MINUTE_NANO, type RedEdge } from '../red/partial.ts';

/** What is read of rows that call, or may be called, across row groups. */
export const CALL_COLUMNS = [
  'trace_id',
  'span_id',
  'parent_id',
  'service',
  'kind',
  'status',
  'start_nano',
] as const;

/** Of more children than these, none is looked for. */
const CHILDREN_MAX = 1_000_000;
/** Texts kept decoded. */
const TEXTS_MAX = 10_000;
const SERVER = 2;
const ERROR = 2;

type Columns = ReadonlyMap<string, ReadColumn>;

export interface Parent {
  readonly service: string;
  readonly isServer: boolean;
}

export interface CountedCalls {
  readonly edges: readonly RedEdge[];
  /** By trace id; undefined when they are too many. */
  readonly missing: readonly MissingCall[] | undefined;
}

export class CallsAcross {
  #children: MissingCall[] | undefined = [];
  readonly #services = new Texts();

  /** The rows of a row group that name a parent outside of it. */
  addRows(columns: Columns): void {
    const parents = columns.get('parent_id');
    const starts = columns.get('start_nano');
    const traces = columns.get('trace_id');
    if (parents?.kind !== 'bigint' || starts?.kind !== 'bigint' || traces?.kind !== 'bytes') return;
    const statuses = columns.get('status');
    const children: MissingCall[] = [];
    for (let row = 0; row < parents.values.length; row++) {
      if (isNullAt(parents, row)) continue;
      children.push({
        traceId: hexAt(bytesAt(traces, row), 0, TRACE_ID_BYTES),
        parentId: BigInt.asUintN(64, parents.values[row] ?? 0n),
        child: this.#services.at(columns.get('service'), row),
        minute: Number(BigInt.asUintN(64, starts.values[row] ?? 0n) / MINUTE_NANO),
        isError: numberAt(statuses, row) === ERROR,
      });
    }
    this.add(children);
  }

  /** Those that a file has named; undefined when it does not know. */
  add(children: readonly MissingCall[] | undefined): void {
    if (children === undefined || this.#children === undefined) this.#children = undefined;
    else if (this.#children.length + children.length > CHILDREN_MAX) this.#children = undefined;
    else for (const child of children) this.#children.push(child);
  }

  /** What a row says that may be the parent of such a one. */
  parentAt(columns: Columns, row: number): Parent {
    const isServer = numberAt(columns.get('kind'), row) === SERVER;
    return { service: this.#services.at(columns.get('service'), row), isServer };
  }

  /** `parentOf`: the row with these ids, if any. */
  finish(parentOf: (traceId: string, spanId: bigint) => Parent | undefined): CountedCalls {
    if (this.#children === undefined) return { edges: [], missing: undefined };
    const edges: RedEdge[] = [];
    const missing: MissingCall[] = [];
    for (const call of this.#children) {
      const parent = parentOf(call.traceId, call.parentId);
      if (parent === undefined) missing.push(call);
      else {
        const { child, minute, isError } = call;
        edges.push({ parent: parent.service, child, minute, calls: 1, errors: Number(isError) });
      }
    }
    if (missing.length > CALLS_MAX) return { edges: [], missing: undefined };
    missing.sort((a, b) => Number(a.traceId > b.traceId) - Number(a.traceId < b.traceId));
    return { edges, missing };
  }
}

function numberAt(column: ReadColumn | undefined, row: number): number {
  return column?.kind === 'number' ? (column.values[row] ?? 0) : 0;
}

/** Few texts, each of many rows: each is decoded once. */
class Texts {
  readonly #known = new Map<string, string>();

  at(column: ReadColumn | undefined, row: number): string {
    if (column?.kind !== 'bytes' || isNullAt(column, row)) return '';
    const { buffer, byteOffset, length } = bytesAt(column, row);
    const bytes = Buffer.from(buffer, byteOffset, length);
    const key = bytes.toString('latin1');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const text = decoder.decode(bytes);
    if (this.#known.size < TEXTS_MAX) this.#known.set(key, text);
    return text;
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

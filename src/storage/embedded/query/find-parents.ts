/** Whose calls they are: spans whose parent is in another file look for it there. Most parents lie in
 *  the file before or behind, since a trace is cut where one file ends, so these are looked into first
 *  and all others only for what is left. Which row groups have rows of a trace its index says. */

import { hexAt } from '../../../model/ids.ts';
import type { DependencyLink, TimeRange } from '../../contract.ts';
import type { DataFile, RowRange } from '../manifest.ts';
import type { MissingCall } from '../red/missing-calls.ts';
import { askIndex } from './ask-index.ts';
import { partsOf, rowRangeSql } from './file-parts.ts';
import { rangeSql, rowsOf } from './file-rows.ts';
import type { FileShape } from './file-shape.ts';
import type { QueryColumn, QueryPlan } from './messages.ts';
import { rangesOf } from './narrow-files.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import { allTrue, SqlBuilder } from './sql-builder.ts';

/** A call that nobody has found the parent of. */
export interface OpenCall extends Pick<MissingCall, 'traceId' | 'parentId' | 'child'> {
  readonly calls: number;
  /** Where the span is. */
  readonly home: DataFile;
  /** The parent may be there too. */
  readonly isHomeOpen: boolean;
}

/** Looked for at once. */
const CALLS_AT_ONCE = 50_000;
/** Rows on either side of a file that are near. */
const NEAR_ROWS = 200_000;
/** Look-ups before others get a turn. */
const LOOKUPS_A_TURN = 2000;

/** Where traces are; undefined stands for all of the file. */
type Places = Map<DataFile, readonly RowRange[] | undefined>;

export class ParentSearch {
  readonly links: DependencyLink[] = [];
  readonly #context: ReadContext;
  readonly #files: readonly DataFile[];
  readonly #reach: TimeRange;
  #open: OpenCall[] = [];

  /** `files` in the order they were written; a parent starts in `reach`. */
  constructor(context: ReadContext, files: readonly DataFile[], reach: TimeRange) {
    this.#context = context;
    this.#files = files;
    this.#reach = reach;
  }

  async add(calls: readonly OpenCall[]): Promise<void> {
    for (let at = 0; at < calls.length; at += CALLS_AT_ONCE) {
      this.#open.push(...calls.slice(at, at + CALLS_AT_ONCE));
      if (this.#open.length >= CALLS_AT_ONCE) await this.finish();
    }
  }

  /** Then `links` has all that was found. */
  async finish(): Promise<void> {
    const open = this.#open;
    this.#open = [];
    const near = new Map<DataFile, ReadonlySet<DataFile>>();
    for (const { home } of open) near.set(home, near.get(home) ?? this.#near(home));
    const left = await this.#look(open, ({ home, isHomeOpen }, file) =>
      file === home ? isHomeOpen : near.get(home)?.has(file) === true,
    );
    await this.#look(left, ({ home }, file) => file !== home && near.get(home)?.has(file) !== true);
  }

  #near(home: DataFile): ReadonlySet<DataFile> {
    const at = this.#files.indexOf(home);
    const found = new Set<DataFile>();
    for (const step of [-1, 1]) {
      let rows = 0;
      for (let i = at + step; rows < NEAR_ROWS; i += step) {
        const file = this.#files[i];
        if (file === undefined) break;
        found.add(file);
        rows += file.rows;
      }
    }
    return found;
  }

  /** Returns those whose parent is not there. */
  async #look(
    calls: readonly OpenCall[],
    mayBeIn: (call: OpenCall, file: DataFile) => boolean,
  ): Promise<readonly OpenCall[]> {
    const groups = [true, false].flatMap((isOpen) => {
      const some = calls.filter(({ isHomeOpen }) => isHomeOpen === isOpen);
      return [...Map.groupBy(some, ({ home }) => home).values()];
    });
    const places: Places = new Map();
    for (const file of this.#files) {
      const some = groups.filter(([call]) => call !== undefined && mayBeIn(call, file));
      const found = await this.#placesIn(file, some.flat());
      if (found !== 'nowhere') places.set(file, found);
    }
    if (places.size === 0) return calls;
    const found = await this.#parentsOf(calls, places);
    for (const [number, parent] of found) {
      const call = calls[number];
      if (call !== undefined) {
        this.links.push({ parent, child: call.child, callCount: call.calls });
      }
    }
    return calls.filter((_, i) => !found.has(i));
  }

  /** The parent's service by the number of the call. */
  async #parentsOf(calls: readonly OpenCall[], places: Places): Promise<Map<number, string>> {
    const result = await askFiles(this.#context, [...places.keys()], (some) =>
      parentsPlan(calls, partsOf(some, places), this.#reach),
    );
    const [numbers, parents] = result?.columns ?? [];
    if (numbers?.kind !== 'number') return new Map();
    return new Map([...numbers.values].map((number, row) => [number, textAt(parents, row)]));
  }

  /** Ranges of rows that have rows of the traces. */
  async #placesIn(
    file: DataFile,
    calls: readonly OpenCall[],
  ): Promise<readonly RowRange[] | undefined | 'nowhere'> {
    const rowGroups = new Set<number>();
    let last = '';
    for (const [i, { traceId }] of calls.entries()) {
      if (i % LOOKUPS_A_TURN === LOOKUPS_A_TURN - 1) await new Promise(setImmediate);
      if (traceId === last) continue;
      last = traceId;
      const found = askIndex(this.#context, file, Buffer.from(traceId, 'hex'));
      if (found === 'damaged') return undefined;
      if (found !== 'absent') for (const rowGroup of found.rowGroups) rowGroups.add(rowGroup);
    }
    return rowGroups.size === 0 ? 'nowhere' : rangesOf(file, rowGroups);
  }
}

function parentsPlan(
  calls: readonly OpenCall[],
  parts: ReadonlyMap<DataFile, RowRange | undefined>,
  reach: TimeRange,
): QueryPlan | undefined {
  const sql = new SqlBuilder();
  const parents = rowsOf([...parts.keys()], {
    select: (shape) => `trace_id, span_id, kind, ${serviceSql(shape)}`,
    where: (_, file) => allTrue([...rangeSql(sql, reach, file), ...rowRangeSql(parts.get(file))]),
  });
  if (parents === undefined) return undefined;
  const list = calls.map(({ traceId, parentId }, i) => `${traceId} ${parentId} ${i}`);
  // Spans may share an id (Zipkin's client and server): the server's side is the one that calls on.
  return sql.plan(`
    WITH calls AS (
      SELECT unhex(split_part(call, ' ', 1)) AS trace_id,
        split_part(call, ' ', 2)::UBIGINT AS parent_id,
        split_part(call, ' ', 3)::INTEGER AS number
      FROM unnest(string_split(${sql.text(list.join())}, ',')) AS list(call)
    )
    SELECT number, arg_max(parents.service, parents.kind = 2) AS parent
    FROM calls JOIN ${parents} AS parents
      ON calls.trace_id = parents.trace_id AND calls.parent_id = parents.span_id
    GROUP BY number`);
}

export function serviceSql(shape: FileShape): string {
  return shape.has('service') ? `coalesce(service, '') AS service` : `'' AS service`;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function textAt(column: QueryColumn | undefined, row: number): string {
  if (column?.kind !== 'bytes') return '';
  return decoder.decode(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]));
}

export function traceIdAt(column: QueryColumn | undefined, row: number): string {
  return column?.kind === 'bytes' ? hexAt(column.bytes, column.offsets[row] ?? 0, 16) : '';
}

/** Who calls whom: each span that starts in the range, by the service of its parent. Calls of a
 *  service to itself count too. From the spans, because a parent may lie in any file; of spans that
 *  are gone, from what was counted of them.
 *
 *  Over many spans, those whose parent is in their own row group are taken from what was counted when
 *  it was written, and only the others look for their parents. That differs in one case: where spans
 *  of different row groups share an id (Zipkin's client and server at the edge of a flush), the one
 *  in the child's row group counts as its parent. */

import type { DependencyLink, TimeRange } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import { overlaps, rangeSql, rowsOf } from './file-rows.ts';
import type { RedPartial } from '../red/partial.ts';
import type { FileShape } from './file-shape.ts';
import type { QueryColumn, QueryPlan, QueryResult } from './messages.ts';
import { hasParents, isRoot, parentId } from './parent-sql.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import { visibleFiles } from './snapshot.ts';
import { allTrue, FALSE, SqlBuilder } from './sql-builder.ts';
import { notCounted } from '../red/rollups.ts';
import type { PastDependencies } from './past-dependencies.ts';

/** Up to so many spans every one looks for its parent. */
const ROWS_ASKED_MAX = 500_000;
/** How far from the range a parent of a span in it is looked for. */
const PARENT_REACH_NANO = 24n * 3600n * 1_000_000_000n;

export async function findDependencies(
  context: ReadContext,
  range: TimeRange,
  { past = NO_PAST, rowsAskedMax = ROWS_ASKED_MAX }: DependencyOptions = {},
): Promise<DependencyLink[]> {
  const reach = {
    startNano: range.startNano - PARENT_REACH_NANO,
    endNano: range.endNano + PARENT_REACH_NANO,
  };
  const files = visibleFiles(context.manifest, undefined).files.filter((file) =>
    overlaps(file, reach),
  );
  const isCounted = ({ from, to }: DataFile) => notCounted(past.rollups, [from, to]) !== undefined;
  const rows = files.reduce((sum, file) => sum + (overlaps(file, range) ? file.rows : 0), 0);
  const edges = rows <= rowsAskedMax ? new Map() : countedEdges(files, range, isCounted);
  const asked = { range, reach, isCounted, hasEdges: (file: DataFile) => edges.has(file) };
  const result = await askFiles(context, files, (some) => dependencyPlan(some, asked));
  const links = [...edges.values()].flat();
  return summed([...past.links, ...links, ...(result === undefined ? [] : readLinks(result))]);
}

interface DependencyOptions {
  readonly past?: PastDependencies | undefined;
  readonly rowsAskedMax?: number | undefined;
}

/** By file, the calls within its row groups, of files that lie in the range as a whole and know. */
function countedEdges(
  files: readonly DataFile[],
  range: TimeRange,
  isCounted: (file: DataFile) => boolean,
): Map<DataFile, DependencyLink[]> {
  const edges = new Map<DataFile, DependencyLink[]>();
  for (const file of files) {
    const isInside = file.minStartNano >= range.startNano && file.maxStartNano < range.endNano;
    // Without places a parent's id does not say that it is in no row of the row group.
    const hasPlaces = file.rowGroupRows !== undefined;
    if (!isInside || !hasPlaces || isCounted(file) || file.deleted !== undefined) continue;
    const red = redOf(file);
    if (red === undefined) continue;
    const links = red.edges.map(({ parent, child, calls }) => ({
      parent,
      child,
      callCount: calls,
    }));
    edges.set(file, summed(links));
  }
  return edges;
}

/** A damaged index is met, told and made again by those who cannot do without: spans are asked. */
function redOf({ index }: DataFile): RedPartial | undefined {
  try {
    return index?.red();
  } catch {
    return undefined;
  }
}

const NO_PAST: PastDependencies = { links: [], rollups: { days: new Map(), waiting: [] } };

function summed(links: readonly DependencyLink[]): DependencyLink[] {
  const byPair = new Map<string, DependencyLink>();
  for (const { parent, child, callCount } of links) {
    const key = JSON.stringify([parent, child]);
    const known = byPair.get(key)?.callCount ?? 0;
    byPair.set(key, { parent, child, callCount: known + callCount });
  }
  return [...byPair.values()].toSorted(
    (a, b) => order(a.parent, b.parent) || order(a.child, b.child),
  );
}

interface Asked {
  readonly range: TimeRange;
  /** Where parents are looked for. */
  readonly reach: TimeRange;
  /** Calls of the file's spans are known already. */
  readonly isCounted: (file: DataFile) => boolean;
  /** Those within its row groups are. */
  readonly hasEdges: (file: DataFile) => boolean;
}

function dependencyPlan(
  files: readonly DataFile[],
  { range, reach, isCounted, hasEdges }: Asked,
): QueryPlan | undefined {
  const sql = new SqlBuilder();
  const service = (shape: FileShape) =>
    shape.has('service') ? `coalesce(service, '') AS service` : `'' AS service`;
  const isAsked = (file: DataFile) => overlaps(file, range) && !isCounted(file);
  const whole = files.filter((file) => isAsked(file) && !hasEdges(file));
  const children = union([
    rowsOf(whole, {
      select: (shape) => `trace_id, ${parentId(shape)} AS parent_id, ${service(shape)}`,
      where: (shape, file) =>
        hasParents(shape)
          ? allTrue([...rangeSql(sql, range, file), `NOT (${isRoot(shape)})`])
          : FALSE,
    }),
    rowsOf(
      files.filter((file) => isAsked(file) && hasEdges(file)),
      {
        select: (shape) => `trace_id, parent_id, ${service(shape)}`,
        where: (shape) => (shape.has('parent_id') ? 'parent_id IS NOT NULL' : FALSE),
      },
    ),
  ]);
  const parents = rowsOf(files, {
    select: (shape) => `trace_id, span_id, kind, ${service(shape)}`,
    where: (_, file) => allTrue(rangeSql(sql, reach, file)),
  });
  if (children === undefined || parents === undefined) return undefined;
  // Spans may share an id (Zipkin's client and server): the server's side is the one that calls on.
  return sql.plan(`
    WITH calls AS (
      SELECT trace_id, parent_id, service, count(*) AS calls
      FROM ${children} AS children GROUP BY ALL
    ), called AS (
      SELECT arg_max(parents.service, parents.kind = 2) AS parent,
        calls.service AS child, any_value(calls.calls) AS calls
      FROM calls JOIN ${parents} AS parents
        ON calls.trace_id = parents.trace_id AND calls.parent_id = parents.span_id
      GROUP BY calls.trace_id, calls.parent_id, calls.service
    )
    SELECT parent, child, sum(calls)::BIGINT AS calls FROM called GROUP BY parent, child`);
}

function union(sources: readonly (string | undefined)[]): string | undefined {
  const some = sources.filter((source) => source !== undefined);
  if (some.length < 2) return some[0];
  return `(${some.map((source) => `SELECT * FROM ${source}`).join(' UNION ALL ')})`;
}

function readLinks({ rows, columns }: QueryResult): DependencyLink[] {
  const [parents, children, calls] = columns;
  if (calls?.kind !== 'bigint') return [];
  const links: DependencyLink[] = [];
  for (let row = 0; row < rows; row++) {
    links.push({
      parent: textAt(parents, row),
      child: textAt(children, row),
      callCount: Number(calls.values[row] ?? 0n),
    });
  }
  return links;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function textAt(column: QueryColumn | undefined, row: number): string {
  if (column?.kind !== 'bytes') return '';
  return decoder.decode(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]));
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Who calls whom: each span that starts in the range, by the service of its parent. Calls of a
 *  service to itself count too. From the spans, because a parent may lie in any file; of spans that
 *  are gone, from what was counted of them. */

import type { DependencyLink, TimeRange } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import { overlaps, rangeSql, rowsOf } from './file-rows.ts';
import type { FileShape } from './file-shape.ts';
import type { QueryColumn, QueryPlan, QueryResult } from './messages.ts';
import { hasParents, isRoot, parentId } from './parent-sql.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import { visibleFiles } from './snapshot.ts';
import { allTrue, FALSE, SqlBuilder } from './sql-builder.ts';
import { notCounted } from '../red/rollups.ts';
import type { PastDependencies } from './past-dependencies.ts';

/** How far from the range a parent of a span in it is looked for. */
const PARENT_REACH_NANO = 24n * 3600n * 1_000_000_000n;

export async function findDependencies(
  context: ReadContext,
  range: TimeRange,
  past: PastDependencies = NO_PAST,
): Promise<DependencyLink[]> {
  const reach = {
    startNano: range.startNano - PARENT_REACH_NANO,
    endNano: range.endNano + PARENT_REACH_NANO,
  };
  const files = visibleFiles(context.manifest, undefined).files.filter((file) =>
    overlaps(file, reach),
  );
  const isCounted = ({ from, to }: DataFile) => notCounted(past.rollups, [from, to]) !== undefined;
  const result = await askFiles(context, files, (some) =>
    dependencyPlan(some, { range, reach, isCounted }),
  );
  return summed([...past.links, ...(result === undefined ? [] : readLinks(result))]);
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
}

function dependencyPlan(
  files: readonly DataFile[],
  { range, reach, isCounted }: Asked,
): QueryPlan | undefined {
  const sql = new SqlBuilder();
  const service = (shape: FileShape) =>
    shape.has('service') ? `coalesce(service, '') AS service` : `'' AS service`;
  const children = rowsOf(files, {
    select: (shape) => `trace_id, ${parentId(shape)} AS parent_id, ${service(shape)}`,
    where: (shape, file) =>
      hasParents(shape) && overlaps(file, range) && !isCounted(file)
        ? allTrue([...rangeSql(sql, range, file), `NOT (${isRoot(shape)})`])
        : FALSE,
  });
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

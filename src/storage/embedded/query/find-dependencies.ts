/** Who calls whom: each span that starts in the range, by the service of its parent. Calls of a
 *  service to itself count too. From the spans, because a parent may lie in any file; of spans that
 *  are gone, from what was counted of them.
 *
 *  Over many spans, those whose parent is in their own file, or in their own row group while that is
 *  not stitched, are taken from what was counted when it was written, and only the others look for
 *  their parents. That differs in one case: where spans of different files share an id (Zipkin's client
 *  and server at the edge of a flush), the one in the child's file counts as its parent. */

import type { DependencyLink, TimeRange } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import { notCounted } from '../red/rollups.ts';
import { type CountedCalls, countedCalls } from './counted-calls.ts';
import { overlaps, rangeSql, rowsOf } from './file-rows.ts';
import { ParentSearch, serviceSql, textAt } from './find-parents.ts';
import type { QueryPlan, QueryResult } from './messages.ts';
import { type Asked, childrenPlan, childrenSql, openRows, readCalls } from './open-calls.ts';
import type { PastDependencies } from './past-dependencies.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import { visibleFiles } from './snapshot.ts';
import { allTrue, SqlBuilder } from './sql-builder.ts';

/** Up to so many spans every one looks for its parent. */
const ROWS_ASKED_MAX = 500_000;
/** Of so many spans the query engine does not say which they are: it finds their parents itself. */
const CHILDREN_MAX = 300_000;
/** How far from the range a parent of a span in it is looked for. */
const PARENT_REACH_NANO = 24n * 3600n * 1_000_000_000n;

interface DependencyOptions {
  readonly past?: PastDependencies | undefined;
  /** The defaults are good but for tests. */
  readonly rowsAskedMax?: number | undefined;
  readonly childrenMax?: number | undefined;
}

const NO_PAST: PastDependencies = { links: [], rollups: { days: new Map(), waiting: [] } };

export async function findDependencies(
  context: ReadContext,
  range: TimeRange,
  options: DependencyOptions = {},
): Promise<DependencyLink[]> {
  const { past = NO_PAST, rowsAskedMax = ROWS_ASKED_MAX, childrenMax = CHILDREN_MAX } = options;
  const reach = {
    startNano: range.startNano - PARENT_REACH_NANO,
    endNano: range.endNano + PARENT_REACH_NANO,
  };
  const files = visibleFiles(context.manifest, undefined).files.filter((file) =>
    overlaps(file, reach),
  );
  const inRange = files.filter(
    (file) => overlaps(file, range) && notCounted(past.rollups, [file.from, file.to]) === undefined,
  );
  const rows = inRange.reduce((sum, file) => sum + file.rows, 0);
  const counted = await countAll(rows <= rowsAskedMax ? [] : inRange, range);
  const asked: Asked = { range, reach, counted, children: new Set(inRange) };
  const isJoined = counted.size === 0 || openRows(asked) > childrenMax;
  const rest = isJoined ? await joined(context, files, asked) : [];
  const search = new ParentSearch(context, files, reach);
  await findOpen(context, search, { ...asked, children: new Set(isJoined ? [] : inRange) });
  const links = [...counted.values()].flatMap((one) => one.links);
  return summed([...past.links, ...links, ...rest, ...search.links]);
}

async function joined(
  context: ReadContext,
  files: readonly DataFile[],
  asked: Asked,
): Promise<DependencyLink[]> {
  const result = await askFiles(context, files, (some) => joinedPlan(some, asked));
  return result === undefined ? [] : readLinks(result);
}

async function findOpen(context: ReadContext, search: ParentSearch, asked: Asked): Promise<void> {
  for (const [home, { missing = [] }] of asked.counted) {
    await search.add(missing.map((call) => ({ ...call, calls: 1, home, isHomeOpen: false })));
  }
  const result = await askFiles(context, [...asked.children], (some) => childrenPlan(some, asked));
  if (result !== undefined) await search.add(readCalls(result, asked));
  await search.finish();
}

/** In turns: each file takes a millisecond or a few. */
async function countAll(
  files: readonly DataFile[],
  range: TimeRange,
): Promise<Map<DataFile, CountedCalls>> {
  const counted = new Map<DataFile, CountedCalls>();
  for (const file of files) {
    const calls = countedCalls(file, range);
    if (calls !== undefined) counted.set(file, calls);
    await new Promise(setImmediate);
  }
  return counted;
}

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

/** Children and parents in one statement. */
function joinedPlan(files: readonly DataFile[], asked: Asked): QueryPlan | undefined {
  const sql = new SqlBuilder();
  const children = childrenSql(sql, files, asked);
  const parents = rowsOf(files, {
    select: (shape) => `trace_id, span_id, kind, ${serviceSql(shape)}`,
    where: (_, file) => allTrue(rangeSql(sql, asked.reach, file)),
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

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

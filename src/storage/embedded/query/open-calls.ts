/** Calls that nobody has counted, by the rows of the spans that were called. */

import type { TimeRange } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import type { CountedCalls } from './counted-calls.ts';
import { rangeSql, rowsOf } from './file-rows.ts';
import { shapeOf } from './file-shape.ts';
import { type OpenCall, serviceSql, textAt, traceIdAt } from './find-parents.ts';
import type { QueryPlan, QueryResult } from './messages.ts';
import { hasParents, isRoot, parentId, sourceWithParents } from './parent-sql.ts';
import { allTrue, FALSE, quoteText, SqlBuilder } from './sql-builder.ts';

export interface Asked {
  readonly range: TimeRange;
  /** Where parents are looked for. */
  readonly reach: TimeRange;
  readonly counted: ReadonlyMap<DataFile, CountedCalls>;
  /** Files whose rows are asked for what is not counted. */
  readonly children: ReadonlySet<DataFile>;
}

/** Calls that only rows can tell of, at most. */
export function openRows({ children, counted }: Asked): number {
  return [...children].reduce((sum, file) => {
    const calls = counted.get(file);
    if (calls === undefined) return sum + file.rows;
    return calls.missing === undefined ? sum + calls.unresolved : sum;
  }, 0);
}

/** Spans whose calls are not counted: trace, parent, service, and the number of their file. */
export function childrenSql(
  sql: SqlBuilder,
  files: readonly DataFile[],
  { range, counted, children }: Asked,
): string | undefined {
  const numbers = new Map([...children].map((file, i) => [file, i]));
  const home = (file: DataFile) => `${numbers.get(file) ?? 0} AS home`;
  const asked = files.filter((file) => children.has(file));
  const whole = rowsOf(
    asked.filter((file) => !counted.has(file)),
    {
      select: (shape, file) =>
        `trace_id, ${parentId(shape)} AS parent_id, ${serviceSql(shape)}, ${home(file)}`,
      where: (shape, file) =>
        hasParents(shape)
          ? allTrue([...rangeSql(sql, range, file), `NOT (${isRoot(shape)})`])
          : FALSE,
    },
  );
  const named = asked.filter((file) => {
    const calls = counted.get(file);
    return calls !== undefined && calls.missing === undefined;
  });
  const others = rowsOf(named, {
    select: (shape, file) => `trace_id, parent_id, ${serviceSql(shape)}, ${home(file)}`,
    where: (shape) => (shape.has('parent_id') ? 'parent_id IS NOT NULL' : FALSE),
  });
  const cut = asked.flatMap((file) =>
    (counted.get(file)?.cut ?? []).map((part) => cutRows(sql, file, { part, home: home(file) })),
  );
  return union([whole, others, ...cut]);
}

/** Of a part of a minute: parents are made whole for its traces only. Files with damage have none. */
function cutRows(
  sql: SqlBuilder,
  file: DataFile,
  { part, home }: { part: TimeRange; home: string },
): string | undefined {
  const shape = shapeOf(file);
  if (!hasParents(shape)) return undefined;
  const inPart = allTrue(
    rangeSql(sql, part, { ...file, minStartNano: -1n, maxStartNano: part.endNano }),
  );
  const traces = `trace_id IN (SELECT trace_id FROM read_parquet(${quoteText(file.path)}) WHERE ${inPart})`;
  return `(SELECT trace_id, ${parentId(shape)} AS parent_id, ${serviceSql(shape)}, ${home}
    FROM ${sourceWithParents(file, shape, { where: traces })} WHERE ${inPart} AND NOT (${isRoot(shape)}))`;
}

/** As open calls, to be read by `readCalls`. */
export function childrenPlan(files: readonly DataFile[], asked: Asked): QueryPlan | undefined {
  const sql = new SqlBuilder();
  const children = childrenSql(sql, files, asked);
  if (children === undefined) return undefined;
  return sql.plan(`SELECT trace_id, parent_id, service, home::INTEGER AS home, count(*) AS calls
    FROM ${children} AS children GROUP BY ALL ORDER BY home, trace_id`);
}

export function readCalls({ rows, columns }: QueryResult, { children }: Asked): OpenCall[] {
  const files = [...children];
  const [traces, parents, services, homes, counts] = columns;
  const calls: OpenCall[] = [];
  for (let row = 0; row < rows; row++) {
    const home = files[homes?.kind === 'number' ? (homes.values[row] ?? 0) : 0];
    if (home === undefined || parents?.kind !== 'bigint' || counts?.kind !== 'bigint') continue;
    calls.push({
      traceId: traceIdAt(traces, row),
      parentId: BigInt.asUintN(64, parents.values[row] ?? 0n),
      child: textAt(services, row),
      calls: Number(counts.values[row] ?? 0n),
      home,
      isHomeOpen: true,
    });
  }
  return calls;
}

function union(sources: readonly (string | undefined)[]): string | undefined {
  const some = sources.filter((source) => source !== undefined);
  if (some.length < 2) return some[0];
  return `(${some.map((source) => `SELECT * FROM ${source}`).join(' UNION ALL ')})`;
}

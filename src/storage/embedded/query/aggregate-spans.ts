/** Aggregates from the spans themselves, for every filter and grouping. One statement counts and
 *  measures; when it finds more groups than are wanted, a second one counts those with the fewest
 *  spans as one. Quantiles are those of the values; of more values than fit in memory together they
 *  are those of histograms. */

import type { Field } from '../../../filter/ast.ts';
import { intrinsic } from '../../../filter/ast.ts';
import { HISTOGRAM_ERROR, quantileOf, ZERO_BUCKET } from '../../../model/duration-histogram.ts';
import type { AggregateQuery, AggregateResult, AggregateSeries } from '../../contract.ts';
import type { DataFile, RowRange } from '../manifest.ts';
import { AggregateRows, type MeasuredPoint } from './aggregate-rows.ts';
import { partsOf, rowRangeSql } from './file-parts.ts';
import { overlaps, rangeSql, rowsOf } from './file-rows.ts';
import { filterSql } from './filter-sql.ts';
import { groupSql, valueSql } from './group-sql.ts';
import type { QueryPlan } from './messages.ts';
import { narrowFiles } from './narrow-files.ts';
import { namedParents } from './parent-sql.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import { visibleFiles } from './snapshot.ts';
import { allTrue, SqlBuilder, TRUE } from './sql-builder.ts';

/** Values whose quantiles are taken from all of them; DuckDB keeps them in memory for that. */
const EXACT_VALUES_MAX = 10_000_000;
/** Groups and buckets of time of the first statement's answer. */
const ROWS_MAX = 200_000;

type Answer = Pick<AggregateResult, 'series' | 'quantileError'>;

export async function aggregateSpans(
  context: ReadContext,
  query: AggregateQuery,
  exactValuesMax: number = EXACT_VALUES_MAX,
): Promise<Answer> {
  const files = visibleFiles(context.manifest, undefined).files.filter((file) =>
    overlaps(file, query.range),
  );
  const places = await placesOf(files, query);
  const rows = [...places.keys()].reduce((sum, file) => sum + file.rows, 0);
  return new SpanAggregate(context, query, places).run(rows <= exactValuesMax);
}

/** Counts, and histograms when these or quantiles are asked for, of the spans of some files, for whoever
 *  adds them to others; undefined when there are too many groups to be told apart. */
export async function spanSeries(
  context: ReadContext,
  query: AggregateQuery,
  files: readonly DataFile[],
): Promise<readonly AggregateSeries[] | undefined> {
  const { quantiles = [], histogram = false } = query;
  const asked = { ...query, quantiles: [], histogram: histogram || quantiles.length > 0 };
  return new SpanAggregate(context, asked, await placesOf(files, query)).all();
}

type Places = ReadonlyMap<DataFile, readonly RowRange[] | undefined>;

/** Files that may have a matching span, and where in them. */
async function placesOf(files: readonly DataFile[], { filter }: AggregateQuery): Promise<Places> {
  const narrowed = await narrowFiles(files, filter);
  return new Map(narrowed.map(({ file, rows }) => [file, rows]));
}

class SpanAggregate {
  readonly #context: ReadContext;
  readonly #query: AggregateQuery;
  readonly #places: Places;
  readonly #value: Field;

  // oxlint-disable-next-line max-params -- what a read is made of
  constructor(context: ReadContext, query: AggregateQuery, places: Places) {
    this.#context = context;
    this.#query = query;
    this.#places = places;
    this.#value = query.value ?? intrinsic('durationNano');
  }

  async run(mayBeExact: boolean): Promise<Answer> {
    const { quantiles = [], histogram = false } = this.#query;
    // Of values below zero a histogram says nothing: only durations have none.
    const isExact = mayBeExact || quantiles.length === 0 || this.#value.kind === 'attribute';
    const wanted = isExact ? quantiles : [];
    let isFolded = false;
    let rows = await this.#ask((files) => this.#measure(files, { wanted, isFolded }));
    if (rows.count > ROWS_MAX || rows.groups > this.#query.groupsMax) {
      isFolded = true;
      rows = await this.#ask((files) => this.#measure(files, { wanted, isFolded }));
    }
    if (histogram || !isExact) {
      const buckets = await this.#ask((files) => this.#buckets(files, isFolded));
      rows.addBuckets(buckets);
    }
    const series = rows.series((point) => this.#finish(point, isExact));
    return { series, quantileError: isExact ? 0 : HISTOGRAM_ERROR };
  }

  /** Every group; undefined when they are too many. */
  async all(): Promise<readonly AggregateSeries[] | undefined> {
    const isFolded = false;
    const rows = await this.#ask((files) => this.#measure(files, { wanted: [], isFolded }));
    if (rows.count > ROWS_MAX) return undefined;
    if (this.#query.histogram === true) {
      rows.addBuckets(await this.#ask((files) => this.#buckets(files, isFolded)));
    }
    return rows.series((point) => this.#finish(point, true));
  }

  #finish({ buckets, point }: MeasuredPoint, isExact: boolean) {
    const { quantiles = [], histogram = false } = this.#query;
    const { min = 0, max = 0 } = point;
    const found = quantiles.map((q) => quantileOf(buckets, q, { min, max }));
    return {
      ...point,
      ...(isExact ? {} : { quantiles: found.filter((value) => value !== undefined) }),
      ...(histogram ? { histogram: buckets } : {}),
    };
  }

  async #ask(plan: (files: readonly DataFile[]) => QueryPlan | undefined): Promise<AggregateRows> {
    const result = await askFiles(this.#context, [...this.#places.keys()], plan);
    return new AggregateRows(this.#query, result);
  }

  #measure(
    files: readonly DataFile[],
    { wanted, isFolded }: { wanted: readonly number[]; isFolded: boolean },
  ): QueryPlan | undefined {
    const sql = new SqlBuilder();
    const list = wanted.map((quantile) => sql.bind(quantile, 'DOUBLE')).join(', ');
    const quantiles = wanted.length === 0 ? '' : `, quantile_disc(v, [${list}]) AS q`;
    const statement = this.#grouped(sql, files, {
      isFolded,
      select: `count(*) AS spans, count(*) FILTER (status = 2) AS errors, count(v) AS n,
        coalesce(sum(v), 0) AS total, min(v) AS least, max(v) AS most${quantiles}`,
    });
    if (statement === undefined) return undefined;
    const each = wanted.map((_, i) => `, q[${i + 1}] AS q${i}`).join('');
    return sql.plan(`SELECT * ${wanted.length > 0 ? 'EXCLUDE (q)' : ''}${each}
      FROM (${statement}) LIMIT ${isFolded ? ROWS_MAX * 10 : ROWS_MAX + 1}`);
  }

  #buckets(files: readonly DataFile[], isFolded: boolean): QueryPlan | undefined {
    const sql = new SqlBuilder();
    const select = `${BUCKET} AS bucket, count(v) AS n`;
    const statement = this.#grouped(sql, files, { isFolded, select, where: 'v IS NOT NULL' });
    return statement === undefined ? undefined : sql.plan(statement);
  }

  /** Groups are g0, g1, …; `rest` says of the ones that are counted as one. */
  #grouped(
    sql: SqlBuilder,
    files: readonly DataFile[],
    { isFolded, select, where }: { isFolded: boolean; select: string; where?: string },
  ): string | undefined {
    const { groupBy, groupsMax } = this.#query;
    const spans = this.#spans(sql, files);
    if (spans === undefined) return undefined;
    const names = groupBy.map((_, i) => `g${i}`);
    const condition = where === undefined ? '' : ` WHERE ${where}`;
    if (!isFolded || names.length === 0) {
      const groups = names.map((name) => `${name}, `).join('');
      return `SELECT ${groups}false AS rest, t, ${select} FROM ${spans} AS spans${condition} GROUP BY ALL`;
    }
    const same = names.map((name) => `chosen.${name} IS NOT DISTINCT FROM spans.${name}`);
    const groups = names.map((name) => `chosen.${name} AS ${name}`).join(', ');
    return `WITH spans AS ${spans}, chosen AS (
        SELECT ${names.join(', ')}, true AS is_chosen FROM spans GROUP BY ${names.join(', ')}
        ORDER BY count(*) DESC, ${names.join(', ')} LIMIT ${groupsMax})
      SELECT ${groups}, is_chosen IS NULL AS rest, t, ${select}
      FROM spans LEFT JOIN chosen ON ${same.join(' AND ')}${condition} GROUP BY ALL`;
  }

  /** Group, bucket of time, value and status of each span. */
  #spans(sql: SqlBuilder, files: readonly DataFile[]): string | undefined {
    const { groupBy, range, stepNano, filter } = this.#query;
    const time =
      stepNano === undefined ? '0::UBIGINT' : `start_nano // ${sql.bind(stepNano, 'UBIGINT')}`;
    const parts = partsOf(files, this.#places);
    return rowsOf([...parts.keys()], {
      parents: namedParents(filter),
      select: (shape) =>
        [
          ...groupBy.map((field, i) => `${groupSql(field, sql, shape)} AS g${i}`),
          `${time} AS t`,
          `${valueSql(this.#value, sql, shape)} AS v`,
          'status',
        ].join(', '),
      where: (shape, file) =>
        allTrue([
          ...rangeSql(sql, range, file),
          ...rowRangeSql(parts.get(file)),
          filter === undefined ? TRUE : filterSql(filter, sql, shape),
        ]),
    });
  }
}

/** The bucket of `v` as model/duration-histogram.ts has it. A logarithm may be off by one beside a
 *  power of two. */
const BUCKET = (() => {
  const rough = 'floor(log2(v))';
  const exponent = `(${rough} + (v >= pow(2, ${rough} + 1))::INTEGER - (v < pow(2, ${rough}))::INTEGER)`;
  const bucket = `${exponent} * 32 + floor(v * pow(2, 5 - ${exponent})) - 32`;
  return `(CASE WHEN v > 0 THEN ${bucket} ELSE ${ZERO_BUCKET} END)::INTEGER`;
})();

/** The rows of an aggregate's statement as series. */

import { compareText } from '../../../filter/compare.ts';
import type { Scalar } from '../../../filter/ast.ts';
import type { AggregatePoint, AggregateQuery, AggregateSeries } from '../../contract.ts';
import { groupValue } from './group-sql.ts';
import type { QueryColumn, QueryResult } from './messages.ts';

export interface MeasuredPoint {
  readonly point: AggregatePoint;
  readonly buckets: Map<number, number>;
}

interface Group {
  readonly texts: readonly (string | undefined)[];
  readonly isRest: boolean;
  readonly points: Map<bigint, MeasuredPoint>;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class AggregateRows {
  readonly count: number;
  readonly #query: AggregateQuery;
  readonly #columns: ReadonlyMap<string, QueryColumn>;
  readonly #groups = new Map<string, Group>();

  constructor(query: AggregateQuery, result: QueryResult | undefined) {
    this.#query = query;
    this.count = result?.rows ?? 0;
    this.#columns = new Map(result?.columns.map((column) => [column.name, column]));
    for (let row = 0; row < this.count; row++) this.#add(row);
  }

  get groups(): number {
    return this.#groups.size;
  }

  /** Rows of buckets, of the same groups. */
  addBuckets(other: AggregateRows): void {
    for (const [key, group] of other.#groups) {
      for (const [time, { buckets }] of group.points) {
        const own = this.#groups.get(key)?.points.get(time)?.buckets;
        for (const [bucket, count] of buckets) own?.set(bucket, count);
      }
    }
  }

  series(finish: (point: MeasuredPoint) => AggregatePoint): AggregateSeries[] {
    const found = [...this.#groups.values()].map(({ texts, isRest, points }) => ({
      group: texts.map(groupValue),
      isRest,
      points: [...points.values()]
        .map((point) => finish(point))
        .toSorted((a, b) => (a.startNano < b.startNano ? -1 : 1)),
    }));
    return inOrder(found);
  }

  #add(row: number): void {
    const texts = this.#query.groupBy.map((_, i) => this.#text(`g${i}`, row));
    const isRest = this.#number('rest', row) === 1;
    const key = JSON.stringify([isRest, ...texts.map((text) => text ?? null)]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { texts, isRest, points: new Map() };
      this.#groups.set(key, group);
    }
    const time = BigInt.asUintN(64, this.#bigint('t', row));
    const known = group.points.get(time);
    const measured = known ?? { point: this.#point(row, time), buckets: new Map() };
    if (known === undefined) group.points.set(time, measured);
    if (this.#columns.has('bucket')) {
      measured.buckets.set(this.#number('bucket', row), this.#number('n', row));
    }
  }

  #point(row: number, time: bigint): AggregatePoint {
    const { stepNano, range, quantiles = [] } = this.#query;
    const values = this.#number('n', row);
    const bounds =
      values > 0 ? { min: this.#number('least', row), max: this.#number('most', row) } : {};
    return {
      startNano: stepNano === undefined ? range.startNano : time * stepNano,
      spans: this.#number('spans', row),
      errors: this.#number('errors', row),
      values,
      sum: this.#number('total', row),
      ...bounds,
      quantiles: values === 0 ? [] : quantiles.map((_, i) => this.#number(`q${i}`, row)),
      exemplars: [],
    };
  }

  #text(name: string, row: number): string | undefined {
    const column = this.#columns.get(name);
    if (column?.kind !== 'bytes' || column.isNull?.[row] === 1) return undefined;
    return decoder.decode(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]));
  }

  #number(name: string, row: number): number {
    const column = this.#columns.get(name);
    if (column === undefined || column.kind === 'bytes') return 0;
    return Number(column.values[row] ?? 0);
  }

  #bigint(name: string, row: number): bigint {
    const column = this.#columns.get(name);
    return column?.kind === 'bigint' ? (column.values[row] ?? 0n) : 0n;
  }
}

/** Most spans first, the rest last; ties by the values of the group. */
export function inOrder(series: readonly AggregateSeries[]): AggregateSeries[] {
  const counted = series.map((one) => ({
    one,
    spans: one.points.reduce((sum, { spans }) => sum + spans, 0),
    key: one.group.map(orderText),
  }));
  counted.sort(
    (a, b) =>
      Number(a.one.isRest) - Number(b.one.isRest) || b.spans - a.spans || compareKeys(a.key, b.key),
  );
  return counted.map(({ one }) => one);
}

function orderText(value: Scalar | undefined): string {
  return value === undefined ? '' : `${typeof value} ${String(value)}`;
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (const [i, text] of a.entries()) {
    const order = compareText(text, b[i] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

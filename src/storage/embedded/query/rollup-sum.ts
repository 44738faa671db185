/** Adds the cells of partials up to the points of an aggregate. */

import { HISTOGRAM_ERROR } from '../../../model/duration-histogram.ts';
import { hexAt } from '../../../model/ids.ts';
import type { AggregatePoint, AggregateSeries, Exemplar } from '../../contract.ts';
import {
  isFolded,
  MINUTE_NANO,
  type RedCells,
  type RedPartial,
  SLOWEST,
  SLOWEST_ERROR,
} from '../red/partial.ts';
import { BucketRun } from '../red/bucket-run.ts';
import { inOrder } from './aggregate-rows.ts';
import { operationValue } from './operation-filter.ts';
import type { RollupQuestion } from './rollup-question.ts';

interface Point {
  spans: number;
  errors: number;
  sum: number;
  min: number;
  max: number;
  readonly buckets: BucketRun;
  /** Where the ids of exemplars stand, by their bits. */
  readonly exemplars: Map<number, FoundExemplar>;
}

interface FoundExemplar {
  readonly slowest: number;
  readonly ids: Uint8Array;
  readonly at: number;
}

interface Group {
  readonly values: readonly string[];
  readonly points: Map<number, Point>;
  spans: number;
}

/** Which minutes of a partial count. */
export type MinuteTest = (minute: number) => boolean;

export class RollupSum {
  readonly #question: RollupQuestion;
  readonly #groups = new Map<string, Group>();

  constructor(question: RollupQuestion) {
    this.#question = question;
  }

  /** False when the partial cannot tell apart what was asked for: then the sum is no answer. */
  add(partial: RedPartial, counts: MinuteTest = () => true): boolean {
    if (this.#question.asksName && isFolded(partial)) return false;
    const { cells, operations } = partial;
    const { test, minutes } = this.#question;
    const groups = operations.map((operation) =>
      test(operation)
        ? this.#groupOf(this.#question.groupBy.map((field) => operationValue(operation, field)))
        : undefined,
    );
    for (let i = 0; i < cells.count; i++) {
      const minute = cells.minutes[i] ?? 0;
      const group = groups[cells.operations[i] ?? 0];
      if (group === undefined || minute < minutes[0] || minute >= minutes[1] || !counts(minute)) {
        continue;
      }
      group.spans += cells.calls[i] ?? 0;
      this.#addCell(this.#pointOf(group, minute), cells, i);
    }
    return true;
  }

  /** What was counted elsewhere, by the same fields and in the same buckets of time. */
  addSeries(series: readonly AggregateSeries[]): void {
    const { stepMinutes } = this.#question;
    for (const { group: values, points } of series) {
      const group = this.#groupOf(values.map(String));
      for (const point of points) {
        const minute = Number(point.startNano / MINUTE_NANO);
        group.spans += point.spans;
        const time = stepMinutes === undefined ? 0 : Math.floor(minute / stepMinutes);
        addMeasured(pointAt(group.points, time), point);
      }
    }
  }

  series(): { series: AggregateSeries[]; quantileError: number } {
    const { query } = this.#question;
    const found = [...this.#groups.values()].filter(({ spans }) => spans > 0);
    const all = inOrder(
      found.map(({ values, points }) => ({
        group: values,
        isRest: false,
        points: this.#points(points),
      })),
    );
    const series = all.length <= query.groupsMax ? all : this.#folded(found, all);
    return { series, quantileError: query.quantiles?.length ? HISTOGRAM_ERROR : 0 };
  }

  #folded(found: readonly Group[], all: readonly AggregateSeries[]): AggregateSeries[] {
    const { query } = this.#question;
    const kept = all.slice(0, query.groupsMax);
    const keys = new Set(kept.map(({ group }) => JSON.stringify(group)));
    const rest = new Map<number, Point>();
    for (const { values, points } of found) {
      if (keys.has(JSON.stringify(values))) continue;
      for (const [time, point] of points) addPoint(pointAt(rest, time), point);
    }
    const group = query.groupBy.map(() => undefined);
    return [...kept, { group, isRest: true, points: this.#points(rest) }];
  }

  #groupOf(values: readonly string[]): Group {
    const key = JSON.stringify(values);
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group: Group = { values, points: new Map(), spans: 0 };
    this.#groups.set(key, group);
    return group;
  }

  #addCell(point: Point, cells: RedCells, i: number): void {
    addCell(point, cells, i);
    if (this.#question.needsBuckets) point.buckets.addCell(cells, i);
  }

  #pointOf({ points }: Group, minute: number): Point {
    const { stepMinutes } = this.#question;
    return pointAt(points, stepMinutes === undefined ? 0 : Math.floor(minute / stepMinutes));
  }

  #points(points: ReadonlyMap<number, Point>): AggregatePoint[] {
    const inTime = [...points].toSorted(([a], [b]) => a - b);
    return inTime.map(([time, point]) => this.#finish(time, point));
  }

  #finish(time: number, point: Point): AggregatePoint {
    const { query, stepMinutes } = this.#question;
    const { spans, errors, sum, min, max, buckets } = point;
    const quantiles = (query.quantiles ?? []).flatMap((q) => {
      const middle = buckets.quantile(q);
      return middle === undefined ? [] : [Math.min(Math.max(middle, min), max)];
    });
    return {
      startNano:
        stepMinutes === undefined
          ? query.range.startNano
          : BigInt(time) * BigInt(stepMinutes) * MINUTE_NANO,
      spans,
      errors,
      values: spans,
      sum,
      min,
      max,
      quantiles,
      ...(query.histogram === true ? { histogram: buckets.histogram() } : {}),
      exemplars: exemplarsOf(point),
    };
  }
}

function pointAt(points: Map<number, Point>, time: number): Point {
  const known = points.get(time);
  if (known !== undefined) return known;
  const point: Point = {
    spans: 0,
    errors: 0,
    sum: 0,
    min: Infinity,
    max: -Infinity,
    buckets: new BucketRun(),
    exemplars: new Map(),
  };
  points.set(time, point);
  return point;
}

function addCell(point: Point, cells: RedCells, i: number): void {
  point.spans += cells.calls[i] ?? 0;
  point.errors += cells.errors[i] ?? 0;
  point.sum += cells.sums[i] ?? 0;
  point.min = Math.min(point.min, cells.mins[i] ?? Infinity);
  point.max = Math.max(point.max, cells.maxs[i] ?? 0);
  addExemplars(point, cells, i);
}

function addExemplars({ exemplars }: Point, cells: RedCells, i: number): void {
  const slowest = cells.maxs[i] ?? 0;
  for (const [bit, at] of EXEMPLARS) {
    const isThere = ((cells.exemplars[i] ?? 0) & bit) !== 0;
    if (!isThere || slowest <= (exemplars.get(bit)?.slowest ?? -1)) continue;
    exemplars.set(bit, { slowest, ids: cells.exemplarIds, at: i * 32 + at });
  }
}

/** Of an exemplar: its bit, and where its id stands in the cell's. */
const EXEMPLARS = [
  [SLOWEST, 0],
  [SLOWEST_ERROR, 16],
] as const;

function addMeasured(to: Point, point: AggregatePoint): void {
  to.spans += point.spans;
  to.errors += point.errors;
  to.sum += point.sum;
  to.min = Math.min(to.min, point.min ?? Infinity);
  to.max = Math.max(to.max, point.max ?? -Infinity);
  if (point.histogram !== undefined) to.buckets.addHistogram(point.histogram);
}

function addPoint(to: Point, from: Point): void {
  to.spans += from.spans;
  to.errors += from.errors;
  to.sum += from.sum;
  to.min = Math.min(to.min, from.min);
  to.max = Math.max(to.max, from.max);
  to.buckets.add(from.buckets);
  for (const [bit, exemplar] of from.exemplars) {
    if (exemplar.slowest > (to.exemplars.get(bit)?.slowest ?? -1)) to.exemplars.set(bit, exemplar);
  }
}

function exemplarsOf({ exemplars }: Point): Exemplar[] {
  const [slowest, error] = [SLOWEST, SLOWEST_ERROR].map((bit) => {
    const found = exemplars.get(bit);
    return found && hexAt(found.ids, found.at, 16);
  });
  if (slowest === undefined) return [];
  const first = { traceId: slowest, isError: slowest === error };
  if (error === undefined || error === slowest) return [first];
  return [first, { traceId: error, isError: true }];
}

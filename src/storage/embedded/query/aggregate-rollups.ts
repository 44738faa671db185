/** Aggregates from rollups: the days whose spans are gone, the indices of the data files, and the
 *  head, which is counted when it is asked for. In turns, so that years of minutes hold up nothing.
 *  Spans are asked for what rollups do not say: the minutes of which the range has only a part, and
 *  files whose rollup cannot be used. Each span lies in one of these, by its start and its file. */

import { setImmediate } from 'node:timers/promises';
import type { AggregateResult, AggregateSeries, TimeRange } from '../../contract.ts';
import { redOfBatch } from '../encode/red-rows.ts';
import type { Head } from '../head.ts';
import type { DataFile, Manifest } from '../manifest.ts';
import { DAY_MINUTES, type DayFile, type DayReader, hoursOf } from '../red/day-file.ts';
import { MINUTE_NANO, type RedPartial } from '../red/partial.ts';
import { notCounted, type RollupsNow } from '../red/rollups.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { overlaps } from './file-rows.ts';
import type { RedCache } from './red-cache.ts';
import { innerRange, type RollupQuestion } from './rollup-question.ts';
import { RollupSum } from './rollup-sum.ts';

export interface RollupContext {
  /** With a fresh file where the spans can be asked; the head is counted here all the same. */
  readonly manifest: Manifest;
  /** Of the same moment. */
  readonly rollups: RollupsNow;
  readonly cache: RedCache;
  readonly signal?: AbortSignal | undefined;
  readonly onWarning: (warning: string) => void;
  /** Counts the spans of some files; undefined when they are too many to be told apart. */
  readonly askSpans: (
    range: TimeRange,
    files: readonly DataFile[],
  ) => Promise<readonly AggregateSeries[] | undefined>;
}

/** undefined when only the spans can tell. Throws DayFileReplaced when a day has changed meanwhile:
 *  take both anew. */
export async function aggregateRollups(
  context: RollupContext,
  question: RollupQuestion,
): Promise<Pick<AggregateResult, 'series' | 'quantileError'> | undefined> {
  const { manifest, askSpans, signal } = context;
  const sum = new RollupSum(question);
  const rest: DataFile[] = [];
  for await (const { red, counts, file } of partials(context, question)) {
    signal?.throwIfAborted();
    if (red !== undefined) {
      if (!sum.add(red, counts)) return undefined;
    } else if (file === undefined || counts !== undefined) return undefined;
    else rest.push(file);
  }
  if (isMost(rest, manifest.files)) return undefined;
  const all = manifest.fresh === undefined ? manifest.files : [...manifest.files, manifest.fresh];
  const pieces = [
    ...question.edges.map((range) => ({ range, files: all })),
    { range: innerRange(question), files: rest },
  ];
  for (const { range, files } of pieces) {
    const some = files.filter((file) => overlaps(file, range));
    const series = some.length === 0 ? [] : await askSpans(range, some);
    if (series === undefined) return undefined;
    sum.addSeries(series);
  }
  return sum.series();
}

/** Then the spans may as well be asked for everything, and exactly. */
function isMost(some: readonly DataFile[], all: readonly DataFile[]): boolean {
  const rowsOf = (files: readonly DataFile[]) => files.reduce((sum, { rows }) => sum + rows, 0);
  return rowsOf(some) * 2 > rowsOf(all);
}

interface Part {
  readonly red: RedPartial | undefined;
  readonly counts?: ((minute: number) => boolean) | undefined;
  /** That it is of, where its spans are there. */
  readonly file?: DataFile | undefined;
}

async function* partials(
  { manifest, rollups, cache, onWarning }: RollupContext,
  question: RollupQuestion,
): AsyncGenerator<Part> {
  const inner = innerRange(question);
  for (const { red, range } of rollups.waiting) yield { red, counts: notCounted(rollups, range) };
  for (const file of manifest.files) {
    if (!overlaps(file, inner)) continue;
    const counts = notCounted(rollups, [file.from, file.to]);
    const isSummed = counts === undefined && isOnePoint(file, inner, question);
    const red = cache.of(file, { isSummed, withBuckets: question.needsBuckets });
    yield { red, counts, file };
    await setImmediate();
  }
  yield* ofHead(manifest.head);
  for (const day of rollups.days.values()) yield* ofDay(day, question, onWarning);
}

/** All spans of the file are in the range, and in one bucket of time. */
function isOnePoint(
  { minStartNano, maxStartNano }: DataFile,
  { startNano, endNano }: TimeRange,
  { query: { stepNano } }: RollupQuestion,
): boolean {
  if (minStartNano < startNano || maxStartNano >= endNano) return false;
  return stepNano === undefined || minStartNano / stepNano === maxStartNano / stepNano;
}

const countedBatches = new WeakMap<SpanBatch, RedPartial>();

async function* ofHead({ entries }: Head): AsyncGenerator<Part> {
  for (const { batch } of entries) {
    let red = countedBatches.get(batch);
    if (red === undefined) {
      red = redOfBatch(batch);
      countedBatches.set(batch, red);
      await setImmediate();
    }
    yield { red };
  }
}

async function* ofDay(
  file: DayFile,
  { minutes: [from, to], edges }: RollupQuestion,
  onWarning: (warning: string) => void,
): AsyncGenerator<Part> {
  const first = file.day * DAY_MINUTES;
  const cut = edges.map(({ startNano }) => Number(startNano / MINUTE_NANO));
  const isCut = cut.some((minute) =>
    file.hours.some(({ hour }) => isIn(minute, first + hour * 60)),
  );
  if (isCut) onWarning('of minutes whose spans are gone, the range has only whole ones');
  if (first + DAY_MINUTES <= from || first >= to) return;
  const read = (reader: DayReader, hour: number): Part | undefined => {
    const start = first + hour * 60;
    return start + 60 <= from || start >= to ? undefined : { red: reader.hour(hour) };
  };
  for await (const part of hoursOf(file, read, onWarning)) if (part !== undefined) yield part;
}

function isIn(minute: number, hourStart: number): boolean {
  return minute >= hourStart && minute < hourStart + 60;
}

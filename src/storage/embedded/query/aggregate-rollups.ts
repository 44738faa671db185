/** Aggregates from rollups: the days whose spans are gone, the indices of the data files, and the
 *  head, which is counted when it is asked for. In turns, so that years of minutes hold up nothing. */

import { setImmediate } from 'node:timers/promises';
import type { AggregateResult } from '../../contract.ts';
import { redOfBatch } from '../encode/red-rows.ts';
import type { Head } from '../head.ts';
import type { Manifest } from '../manifest.ts';
import { DAY_MINUTES, type DayFile, type DayReader, hoursOf } from '../red/day-file.ts';
import type { RedPartial } from '../red/partial.ts';
import { notCounted, type RollupsNow } from '../red/rollups.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import type { RedCache } from './red-cache.ts';
import type { RollupQuestion } from './rollup-question.ts';
import { RollupSum } from './rollup-sum.ts';

export interface RollupContext {
  /** Without a fresh file: the head is counted here. */
  readonly manifest: Manifest;
  /** Of the same moment. */
  readonly rollups: RollupsNow;
  readonly cache: RedCache;
  readonly signal?: AbortSignal | undefined;
  readonly onWarning: (warning: string) => void;
}

/** undefined when a file has no rollup, or its rollup does not tell apart what was asked for. Throws
 *  DayFileReplaced when a day has changed meanwhile: take both anew. */
export async function aggregateRollups(
  context: RollupContext,
  question: RollupQuestion,
): Promise<Pick<AggregateResult, 'series' | 'quantileError'> | undefined> {
  const sum = new RollupSum(question);
  for await (const { red, counts } of partials(context, question)) {
    context.signal?.throwIfAborted();
    if (red === undefined || !sum.add(red, counts)) return undefined;
  }
  return sum.series();
}

interface Part {
  readonly red: RedPartial | undefined;
  readonly counts?: ((minute: number) => boolean) | undefined;
}

async function* partials(
  { manifest, rollups, cache, onWarning }: RollupContext,
  { minutes }: RollupQuestion,
): AsyncGenerator<Part> {
  for (const { red, range } of rollups.waiting) yield { red, counts: notCounted(rollups, range) };
  for (const file of manifest.files) {
    const red = cache.of(file);
    yield { red, counts: notCounted(rollups, [file.from, file.to]) };
    await setImmediate();
  }
  yield* ofHead(manifest.head);
  for (const day of rollups.days.values()) yield* ofDay(day, minutes, onWarning);
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
  [from, to]: readonly [number, number],
  onWarning: (warning: string) => void,
): AsyncGenerator<Part> {
  const first = file.day * DAY_MINUTES;
  if (first + DAY_MINUTES <= from || first >= to) return;
  const read = (reader: DayReader, hour: number): Part | undefined => {
    const start = first + hour * 60;
    return start + 60 <= from || start >= to ? undefined : { red: reader.hour(hour) };
  };
  for await (const part of hoursOf(file, read, onWarning)) if (part !== undefined) yield part;
}

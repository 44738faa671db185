/** The last value of every series, by metric family, until nobody has heard of it for
 *  `metric_expiration`. Bounded by the bytes it takes: what is new and does not fit is dropped and
 *  counted, while what is known goes on. */
import type { Clock } from '../../lib/clock.ts';
import { added, readingBytes, type FamilyType, type Reading } from './reading.ts';
import type { Labels } from './labels.ts';

const STORE_BYTES_MAX = 256 * 1024 * 1024;
const SERIES_BYTES = 300;

export interface Series {
  readonly labels: Labels;
  reading: Reading;
  heardMs: number;
  bytes: number;
}

export interface Family {
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
  readonly series: Map<string, Series>;
}

export type FamilyHead = Omit<Family, 'series'>;

/** Why a point was not taken. */
export type Dropped = 'out_of_order' | 'type_conflict' | 'full';

export interface SeriesPoint {
  readonly labels: Labels;
  readonly reading: Reading;
  /** The reading is a change since the last one. */
  readonly isDelta: boolean;
}

export class SeriesStore {
  readonly #families = new Map<string, Family>();
  readonly #clock: Clock;
  readonly #expireMs: number;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(clock: Clock, expireMs: number, bytesMax = STORE_BYTES_MAX) {
    this.#clock = clock;
    this.#expireMs = expireMs;
    this.#bytesMax = bytesMax;
  }

  get seriesCount(): number {
    let count = 0;
    for (const { series } of this.#families.values()) count += series.size;
    return count;
  }

  /** Undefined when it was taken. */
  put(head: FamilyHead, point: SeriesPoint): Dropped | undefined {
    const family = this.#families.get(head.name) ?? { ...head, series: new Map<string, Series>() };
    if (family.type !== head.type) return 'type_conflict';
    const key = keyOf(point.labels);
    const known = family.series.get(key);
    if (known === undefined) return this.#add(family, key, point);
    const reading = following(known.reading, point);
    if (reading === undefined) return 'out_of_order';
    known.reading = reading;
    known.heardMs = this.#clock.monotonicMs();
    this.#bytes -= known.bytes;
    known.bytes = seriesBytes(key, reading);
    this.#bytes += known.bytes;
    return undefined;
  }

  /** The series has ended. */
  delete(name: string, labels: Labels): void {
    const family = this.#families.get(name);
    const key = keyOf(labels);
    const series = family?.series.get(key);
    if (family !== undefined && series !== undefined) this.#remove(family, key, series);
  }

  expire(): void {
    const before = this.#clock.monotonicMs() - this.#expireMs;
    for (const family of this.#families.values()) {
      for (const [key, series] of family.series) {
        if (series.heardMs <= before) this.#remove(family, key, series);
      }
    }
  }

  /** By name. */
  families(): Family[] {
    return [...this.#families.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #add(family: Family, key: string, { labels, reading }: SeriesPoint): Dropped | undefined {
    const bytes = seriesBytes(key, reading);
    if (this.#bytes + bytes > this.#bytesMax) return 'full';
    this.#bytes += bytes;
    this.#families.set(family.name, family);
    family.series.set(key, { labels, reading, heardMs: this.#clock.monotonicMs(), bytes });
    return undefined;
  }

  #remove(family: Family, key: string, series: Series): void {
    this.#bytes -= series.bytes;
    family.series.delete(key);
    if (family.series.size === 0) this.#families.delete(family.name);
  }
}

/** The reading after `last`; undefined when the point is older than what is known. */
function following(last: Reading, { reading, isDelta }: SeriesPoint): Reading | undefined {
  if (reading.timeNano < last.timeNano) return undefined;
  if (!isDelta || reading.startNano > last.timeNano) return reading;
  return reading.startNano === last.timeNano ? added(last, reading) : undefined;
}

function seriesBytes(key: string, reading: Reading): number {
  // The labels stand there twice: as they are and in the key.
  return SERIES_BYTES + key.length * 4 + readingBytes(reading);
}

function keyOf(labels: Labels): string {
  return labels.map(([name, value]) => `${name}\u0000${value}`).join('\u0001');
}

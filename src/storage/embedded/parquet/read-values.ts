/** Chosen rows of a column chunk, from its pages. Values are picked where they stand; what is not
 *  asked for is stepped over. Throws RangeError where a page is not what this writer writes. */

import { Encoding, Physical } from './column-chunk.ts';
import {
  findInHybrid,
  type Levels,
  plainStarts,
  readDeltas,
  readHybrid,
  readLevels,
  startsOfLengths,
} from './decodings.ts';
import { type ChunkPages, type ChunkPlace, readPages } from './pages.ts';
import type { BytesColumn, ReadColumn } from './read-column.ts';

type Values =
  | BytesColumn
  | { readonly kind: 'bigint'; readonly values: BigInt64Array }
  | { readonly kind: 'number'; readonly values: Float64Array };

/** What is wanted of a page: values at `places`, which ascend, of `count` that are there. */
interface Wanted {
  readonly chunk: ChunkPlace;
  readonly pages: ChunkPages;
  /** Where the values begin, behind the levels. */
  readonly start: number;
  readonly count: number;
  readonly places: Uint32Array;
}

/** `bytes` are those of the chunk; `rows` ascend, undefined = all. Undefined when all are null. */
export function readValues(
  bytes: Uint8Array,
  chunk: ChunkPlace,
  rows: Uint32Array | undefined,
): ReadColumn | undefined {
  const pages = readPages(bytes, chunk);
  const { name } = chunk;
  if (!chunk.isNullable) {
    const places = rows ?? upTo(chunk.rows);
    const wanted = { chunk, pages, start: 0, count: chunk.rows, places };
    return { name, ...valuesOf(wanted) };
  }
  const levels = readLevels(pages.data.bytes, chunk.rows, rows);
  if (levels.present !== chunk.rows - chunk.nulls) {
    throw new RangeError(`${levels.present} values, not ${chunk.rows - chunk.nulls}`);
  }
  const places = presentOf(levels.places);
  if (places.length === 0) return undefined;
  const wanted = {
    chunk,
    pages,
    start: levels.end,
    count: levels.present,
    places,
  };
  const values = valuesOf(wanted);
  if (places.length === levels.places.length) return { name, ...values };
  return { name, ...spread(values, levels) };
}

/** The rows whose value is one of `values`, in a column without nulls that has a dictionary of values
 *  of one length; of each row, which it is. */
export function findRows(
  bytes: Uint8Array,
  chunk: ChunkPlace,
  values: readonly Uint8Array[],
): { rows: Uint32Array; which: Uint32Array } {
  const pages = readPages(bytes, chunk);
  const width = chunk.fixedBytes ?? 0;
  if (pages.dictionary === undefined || width <= 0 || chunk.isNullable) {
    throw new RangeError('it has no dictionary of values of one length');
  }
  const { size, bytes: dictionary } = pages.dictionary;
  if (dictionary.length !== size * width) {
    throw new RangeError(`a dictionary of ${dictionary.length} B for ${size}`);
  }
  const isWanted = new Uint8Array(size);
  const whichOf = new Map<number, number>();
  values.forEach((value, which) => {
    const code = entryWith(dictionary, value);
    if (code < 0) return;
    isWanted[code] = 1;
    whichOf.set(code, which);
  });
  const data = pages.data.bytes;
  if (whichOf.size === 0 || data[0] === undefined) {
    return { rows: new Uint32Array(0), which: new Uint32Array(0) };
  }
  const shape = { width: data[0], count: chunk.rows };
  const found = findInHybrid(data, 1, shape, isWanted);
  if (found.end !== data.length) throw new RangeError('bytes behind the last code');
  const which = new Uint32Array(found.values.length);
  for (let i = 0; i < which.length; i++) which[i] = whichOf.get(found.values[i]!) ?? 0;
  return { rows: found.positions, which };
}

/** The place of a value among values of its length, -1 when it is not there. */
function entryWith(values: Uint8Array, value: Uint8Array): number {
  const buffer = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  for (let at = 0; ; at++) {
    at = buffer.indexOf(value, at);
    if (at < 0) return -1;
    if (at % value.length === 0) return at / value.length;
  }
}

/** Places of the rows that have a value. */
function presentOf(places: Int32Array): Uint32Array {
  const present = new Uint32Array(places.length);
  let count = 0;
  for (let i = 0; i < places.length; i++) if (places[i]! >= 0) present[count++] = places[i]!;
  return present.subarray(0, count);
}

function upTo(count: number): Uint32Array {
  const places = new Uint32Array(count);
  for (let i = 0; i < count; i++) places[i] = i;
  return places;
}

function valuesOf(wanted: Wanted): Values {
  const { physical } = wanted.chunk;
  switch (physical) {
    case Physical.boolean:
      return { kind: 'number', values: booleans(wanted) };
    case Physical.int32:
      return { kind: 'number', values: int32s(wanted) };
    case Physical.int64:
      return { kind: 'bigint', values: new BigInt64Array(longs(wanted).buffer) };
    case Physical.double:
      return { kind: 'number', values: new Float64Array(longs(wanted).buffer) };
    case Physical.bytes:
      return strings(wanted);
    case Physical.fixed:
      return fixed(wanted);
  }
}

function booleans({ pages, start, count, places }: Wanted): Float64Array {
  expectEncoding(pages, Encoding.rle);
  const { bytes } = pages.data;
  const length = start + 4 <= bytes.length ? viewOf(bytes).getUint32(start, true) : -1;
  if (start + 4 + length !== bytes.length) throw new RangeError('booleans are cut short');
  const { values } = readHybrid(bytes, start + 4, { width: 1, count }, places);
  return Float64Array.from(values);
}

function int32s(wanted: Wanted): Float64Array {
  const { isUnsigned } = wanted.chunk;
  if (wanted.pages.data.encoding === Encoding.delta) return lowWords(longs(wanted), isUnsigned);
  const { values, places } = plainOf(wanted, 4);
  const view = viewOf(values);
  const numbers = new Float64Array(places.length);
  for (let i = 0; i < places.length; i++) {
    const at = places[i]! * 4;
    numbers[i] = isUnsigned ? view.getUint32(at, true) : view.getInt32(at, true);
  }
  return numbers;
}

/** Deltas of 32-bit numbers go round where numbers end: what is above them says nothing. */
function lowWords(words: Uint32Array, isUnsigned: boolean): Float64Array {
  const numbers = new Float64Array(words.length / 2);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = isUnsigned ? words[i * 2]! : words[i * 2]! | 0;
  }
  return numbers;
}

/** 64-bit values as two words each. */
function longs(wanted: Wanted): Uint32Array<ArrayBuffer> {
  const { data } = wanted.pages;
  if (data.encoding === Encoding.delta) {
    return readDeltas(data.bytes, wanted.start, wanted.count, wanted.places).words;
  }
  const { values, places } = plainOf(wanted, 8);
  const view = viewOf(values);
  const words = new Uint32Array(places.length * 2);
  for (let i = 0; i < places.length; i++) {
    const at = places[i]! * 8;
    words[i * 2] = view.getUint32(at, true);
    words[i * 2 + 1] = view.getUint32(at + 4, true);
  }
  return words;
}

function fixed(wanted: Wanted): BytesColumn {
  const width = wanted.chunk.fixedBytes ?? 0;
  if (width <= 0) throw new RangeError(`values of ${width} bytes`);
  const { values, places, isDictionary } = plainOf(wanted, width);
  const entries = isDictionary ? distinct(places, values.length / width) : { places };
  const bytes = new Uint8Array(entries.places.length * width);
  entries.places.forEach((place, i) => {
    bytes.set(values.subarray(place * width, (place + 1) * width), i * width);
  });
  const offsets = upTo(entries.places.length + 1).map((i) => i * width);
  return { kind: 'bytes', bytes, offsets, ...codesOf(entries) };
}

function strings(wanted: Wanted): BytesColumn {
  const { pages, start, count, places } = wanted;
  const { bytes, encoding } = pages.data;
  if (encoding === Encoding.deltaLength) {
    const lengths = readDeltas(bytes, start, count);
    return picked(bytes, startsOfLengths(lengths, bytes.length), { places, gap: 0 });
  }
  if (pages.dictionary === undefined) {
    expectEncoding(pages, Encoding.plain);
    const starts = plainStarts(bytes, start, count);
    if (starts[count] !== bytes.length + 4) throw new RangeError('bytes behind the last string');
    return picked(bytes, starts, { places, gap: 4 });
  }
  const { size, bytes: dictionary } = pages.dictionary;
  const starts = plainStarts(dictionary, 0, size);
  if (starts[size] !== dictionary.length + 4) throw new RangeError('bytes behind the dictionary');
  const entries = distinct(codes(wanted, size), size);
  const column = picked(dictionary, starts, { places: entries.places, gap: 4 });
  return { ...column, ...codesOf(entries) };
}

/** String i is bytes[starts[i], starts[i + 1] - gap). */
function picked(
  bytes: Uint8Array,
  starts: Uint32Array,
  { places, gap }: { places: Uint32Array; gap: number },
): BytesColumn {
  const offsets = new Uint32Array(places.length + 1);
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!;
    offsets[i + 1] = offsets[i]! + starts[place + 1]! - gap - starts[place]!;
  }
  const out = new Uint8Array(offsets[places.length]!);
  for (let i = 0; i < places.length; i++) {
    const from = starts[places[i]!]!;
    const to = offsets[i]!;
    const length = offsets[i + 1]! - to;
    // A call for each short string costs more than its bytes.
    if (length > 32) out.set(bytes.subarray(from, from + length), to);
    else for (let j = 0; j < length; j++) out[to + j] = bytes[from + j]!;
  }
  return { kind: 'bytes', bytes: out, offsets };
}

/** PLAIN values of `width` bytes, and where those that are wanted stand in them: the page's own, or
 *  those of its dictionary. */
function plainOf(
  wanted: Wanted,
  width: number,
): { values: Uint8Array; places: Uint32Array; isDictionary: boolean } {
  const { pages, start, count, places } = wanted;
  const { dictionary, data } = pages;
  if (dictionary === undefined) {
    expectEncoding(pages, Encoding.plain);
    const values = data.bytes.subarray(start);
    if (values.length !== count * width) {
      throw new RangeError(`${values.length} B for ${count} values of ${width}`);
    }
    return { values, places, isDictionary: false };
  }
  if (dictionary.bytes.length !== dictionary.size * width) {
    throw new RangeError(`a dictionary of ${dictionary.bytes.length} B for ${dictionary.size}`);
  }
  const of = codes(wanted, dictionary.size);
  return { values: dictionary.bytes, places: of, isDictionary: true };
}

/** The dictionary's entry of each wanted value. */
function codes({ pages, start, count, places }: Wanted, size: number): Uint32Array {
  const { bytes } = pages.data;
  const width = bytes[start];
  if (width === undefined) throw new RangeError('codes are cut short');
  const { values, end } = readHybrid(bytes, start + 1, { width, count }, places);
  if (end !== bytes.length) throw new RangeError('bytes behind the last code');
  for (const code of values) if (code >= size) throw new RangeError(`code ${code} of ${size}`);
  return values;
}

interface Entries {
  /** Places of the entries that occur. */
  readonly places: Uint32Array;
  /** Of each value, which of those. */
  readonly codes?: Uint32Array;
}

/** Leaves out what no value refers to, and says what occurs once. */
function distinct(of: Uint32Array, size: number): Entries {
  const known = new Int32Array(size).fill(-1);
  const places = new Uint32Array(Math.min(size, of.length));
  const out = new Uint32Array(of.length);
  let count = 0;
  for (let i = 0; i < of.length; i++) {
    const entry = of[i]!;
    if (known[entry]! < 0) {
      known[entry] = count;
      places[count++] = entry;
    }
    out[i] = known[entry]!;
  }
  return { places: places.subarray(0, count), codes: out };
}

function codesOf({ codes: of }: Entries): { codes?: Uint32Array } {
  return of === undefined ? {} : { codes: of };
}

/** Values of the rows that have one, as those of all rows. */
function spread(values: Values, { places }: Levels): Values & { isNull: Uint8Array } {
  const rows = places.length;
  const isNull = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) isNull[row] = places[row]! < 0 ? 1 : 0;
  // Places of the rows that are not null ascend, as the values do.
  let next = 0;
  if (values.kind === 'bytes') {
    const of = new Uint32Array(rows);
    for (let row = 0; row < rows; row++) {
      if (isNull[row] === 1) continue;
      of[row] = values.codes === undefined ? next : values.codes[next]!;
      next++;
    }
    return { ...values, codes: of, isNull };
  }
  if (values.kind === 'bigint') {
    const all = new BigInt64Array(rows);
    for (let row = 0; row < rows; row++) if (isNull[row] === 0) all[row] = values.values[next++]!;
    return { kind: 'bigint', values: all, isNull };
  }
  const all = new Float64Array(rows);
  for (let row = 0; row < rows; row++) if (isNull[row] === 0) all[row] = values.values[next++]!;
  return { kind: 'number', values: all, isNull };
}

function expectEncoding({ data }: ChunkPages, expected: number): void {
  if (data.encoding !== expected) {
    throw new RangeError(`encoding ${data.encoding} instead of ${expected}`);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

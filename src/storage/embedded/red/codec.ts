/** A partial as bytes, drawn in docs/formats/red.md: texts once, then the cells column by column,
 *  since like numbers lie together then and zstd finds them. Histograms are nine tenths of it, and
 *  only quantiles ask for them: they are a frame of their own, read when somebody looks. */

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ByteSink } from '../parquet/byte-sink.ts';
import type { RedCells, RedEdge, RedOperation, RedPartial } from './partial.ts';

const VERSION = 2;
/** Of version 2: this byte, which no zstd frame begins with, and the bytes of the first frame. */
const PREFIX_BYTES = 5;
const REST = 8;
/** A whole number up to here is a varint. */
const EXACT_MAX = 2 ** 52;
/** More than any partial has; a damaged length must not reserve memory. */
const UNPACKED_BYTES_MAX = 512 * 1024 * 1024;

const encoder = new TextEncoder();
// A name may begin with U+FEFF.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

export function packRed(partial: RedPartial): Uint8Array {
  const main = zstdCompressSync(encodeRed(partial), zstdOptions);
  const histograms = zstdCompressSync(encodeHistograms(partial.cells), zstdOptions);
  const prefix = Buffer.alloc(PREFIX_BYTES, VERSION);
  prefix.writeUInt32LE(main.length, 1);
  return Buffer.concat([prefix, main, histograms]);
}

/** Throws RangeError, or what zstd throws, when the bytes are none. */
export function unpackRed(bytes: Uint8Array): RedPartial {
  if (bytes[0] !== VERSION) return decodeRed(new Reader(unpack(bytes)), 1);
  const length = new DataView(bytes.buffer, bytes.byteOffset, PREFIX_BYTES).getUint32(1, true);
  const histogramsAt = PREFIX_BYTES + length;
  if (histogramsAt > bytes.length) throw new RangeError('rollup: it is cut short');
  const main = new Reader(unpack(bytes.subarray(PREFIX_BYTES, histogramsAt)));
  return decodeRed(main, VERSION, bytes.subarray(histogramsAt));
}

function unpack(bytes: Uint8Array): Uint8Array {
  const plain = zstdDecompressSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
  return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
}

function encodeRed({ operations, cells, edges, unresolved }: RedPartial): Uint8Array {
  const texts = new Map<string, number>();
  const numberOf = (text: string): number => {
    const known = texts.get(text) ?? texts.size;
    texts.set(text, known);
    return known;
  };
  const body = new ByteSink(64 * 1024);
  body.varint(operations.length);
  for (const { service, name, kind, isRest } of operations) {
    body.varint(numberOf(service));
    body.varint(numberOf(name));
    body.u8(kind + (isRest ? REST : 0));
  }
  writeCells(body, cells);
  writeEdges(body, edges, numberOf);
  body.varint(unresolved);
  const out = new ByteSink(body.length + 4096);
  out.u8(VERSION);
  out.varint(texts.size);
  for (const text of texts.keys()) {
    const bytes = encoder.encode(text);
    out.varint(bytes.length);
    out.append(bytes);
  }
  out.append(body.view());
  return out.view();
}

function writeCells(sink: ByteSink, cells: RedCells): void {
  const { count, minutes } = cells;
  const base = minutes.reduce((least, minute) => Math.min(least, minute), minutes[0] ?? 0);
  sink.varint(count);
  sink.varint(base);
  for (let i = 0; i < count; i++) {
    sink.varint(cells.operations[i]! - (i > 0 ? cells.operations[i - 1]! : 0));
  }
  for (let i = 0; i < count; i++) sink.varint(minutes[i]! - base);
  for (let i = 0; i < count; i++) sink.varint(cells.calls[i]!);
  for (let i = 0; i < count; i++) sink.varint(cells.errors[i]!);
  for (const column of [cells.sums, cells.mins, cells.maxs]) {
    for (let i = 0; i < count; i++) writeNumber(sink, column[i]!);
  }
  for (let i = 0; i < count; i++) sink.varint(cells.starts[i + 1]! - cells.starts[i]!);
  sink.append(cells.exemplars);
  for (let i = 0; i < count * 2; i++) {
    const isThere = (cells.exemplars[i >> 1]! >> (i & 1)) & 1;
    if (isThere) sink.copy(cells.exemplarIds, i * 16, i * 16 + 16);
  }
}

function encodeHistograms({ count, starts, codes, counts }: RedCells): Uint8Array {
  const sink = new ByteSink(64 * 1024);
  for (let i = 0; i < count; i++) {
    let last = 0;
    for (let j = starts[i]!; j < starts[i + 1]!; j++) {
      sink.varint(codes[j]! - last);
      last = codes[j]!;
    }
  }
  for (let j = 0; j < starts[count]!; j++) sink.varint(counts[j]!);
  return sink.view();
}

function writeEdges(
  sink: ByteSink,
  edges: readonly RedEdge[],
  numberOf: (text: string) => number,
): void {
  sink.varint(edges.length);
  for (const { parent, child, minute, calls, errors } of edges) {
    sink.varint(numberOf(parent));
    sink.varint(numberOf(child));
    for (const number of [minute, calls, errors]) sink.varint(number);
  }
}

/** Twice the number, or 1 and the double when that is none. */
function writeNumber(sink: ByteSink, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value < EXACT_MAX) {
    sink.varint(value * 2);
    return;
  }
  sink.u8(1);
  sink.append(new Uint8Array(Float64Array.of(value).buffer));
}

/** `histograms`: those of version 2. */
function decodeRed(reader: Reader, wanted: number, histograms?: Uint8Array): RedPartial {
  const version = reader.u8();
  if (version !== wanted) throw new RangeError(`rollup: version ${version} is not known`);
  const texts = reader.list(() => reader.text());
  const textAt = (): string => {
    const text = texts[reader.varint()];
    if (text === undefined) throw new RangeError('rollup: a text that is not in the table');
    return text;
  };
  const operations = reader.list((): RedOperation => {
    const service = textAt();
    const name = textAt();
    const kind = reader.u8();
    return { service, name, kind: kind & (REST - 1), isRest: (kind & REST) !== 0 };
  });
  const cells = readCells(reader, operations.length, histograms);
  const edges = reader.list((): RedEdge => {
    const parent = textAt();
    const child = textAt();
    const [minute, calls, errors] = [reader.varint(), reader.varint(), reader.varint()];
    return { parent, child, minute, calls, errors };
  });
  const unresolved = reader.varint();
  reader.end();
  return { operations, cells, edges, unresolved };
}

function readCells(reader: Reader, operationCount: number, packed?: Uint8Array): RedCells {
  const count = reader.count();
  const base = reader.varint();
  const words = (): Uint32Array => {
    const column = new Uint32Array(count);
    for (let i = 0; i < count; i++) column[i] = reader.varint();
    return column;
  };
  const numbers = (): Float64Array => {
    const column = new Float64Array(count);
    for (let i = 0; i < count; i++) column[i] = reader.number();
    return column;
  };
  const operations = words();
  for (let i = 1; i < count; i++) operations[i]! += operations[i - 1]!;
  if (count > 0 && operations[count - 1]! >= operationCount) {
    throw new RangeError('rollup: an operation that is not in the table');
  }
  const minutes = words().map((minute) => minute + base);
  const [calls, errors] = [words(), words()];
  const [sums, mins, maxs] = [numbers(), numbers(), numbers()];
  const starts = new Uint32Array(count + 1);
  for (let i = 0; i < count; i++) starts[i + 1] = starts[i]! + reader.varint();
  const read = packed === undefined ? readHistograms(reader, starts) : undefined;
  const exemplars = reader.bytes(count).slice();
  const exemplarIds = new Uint8Array(count * 32);
  for (let i = 0; i < count * 2; i++) {
    const isThere = (exemplars[i >> 1]! >> (i & 1)) & 1;
    if (isThere) exemplarIds.set(reader.bytes(16), i * 16);
  }
  const numbersOfCells = { count, operations, minutes, calls, errors, sums, mins, maxs, starts };
  const cells = { ...numbersOfCells, exemplars, exemplarIds };
  if (read !== undefined) return { ...cells, ...read };
  return withHistograms(cells, packed ?? new Uint8Array(0));
}

interface Histograms {
  readonly codes: Uint16Array;
  readonly counts: Uint32Array;
}

/** They are decoded when they are asked for. */
function withHistograms(cells: Omit<RedCells, keyof Histograms>, packed: Uint8Array): RedCells {
  let known: Histograms | undefined;
  const decoded = (): Histograms => {
    if (known !== undefined) return known;
    const reader = new Reader(unpack(packed));
    known = readHistograms(reader, cells.starts);
    reader.end();
    return known;
  };
  return {
    ...cells,
    get codes() {
      return decoded().codes;
    },
    get counts() {
      return decoded().counts;
    },
  };
}

function readHistograms(reader: Reader, starts: Uint32Array): Histograms {
  const total = starts.at(-1) ?? 0;
  if (total > reader.left) throw new RangeError('rollup: more buckets than bytes');
  const codes = new Uint16Array(total);
  for (let i = 0; i + 1 < starts.length; i++) {
    let code = 0;
    for (let j = starts[i]!; j < starts[i + 1]!; j++) codes[j] = code += reader.varint();
  }
  const counts = new Uint32Array(total);
  for (let j = 0; j < total; j++) counts[j] = reader.varint();
  return { codes, counts };
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError('rollup: it is cut short');
    return byte;
  }

  /** At most 2^53. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
      if (scale > EXACT_MAX) throw new RangeError('rollup: a number that is too long');
    }
  }

  /** Of things that take a byte each at least. */
  count(): number {
    const count = this.varint();
    if (count > this.left) throw new RangeError('rollup: a list that is too long');
    return count;
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.count() }, read);
  }

  number(): number {
    const value = this.varint();
    if (value % 2 === 0) return value / 2;
    return new DataView(this.bytes(8).slice().buffer).getFloat64(0, true);
  }

  text(): string {
    return decoder.decode(this.bytes(this.count()));
  }

  bytes(length: number): Uint8Array {
    if (length > this.left) throw new RangeError('rollup: it is cut short');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  end(): void {
    if (this.left > 0) throw new RangeError('rollup: bytes behind its end');
  }
}

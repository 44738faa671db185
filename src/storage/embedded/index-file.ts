/** Reads the index of a data file (docs/formats/index.md). A store has hundreds of them, so only the
 *  header and a directory of blocks stay in memory; a look-up reads one block of ids, or one of
 *  summaries, from the file. Each section and each block has its checksum. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32, zstdDecompressSync } from 'node:zlib';
import { hexAt } from '../../model/ids.ts';
import { messageOf } from '../../lib/errors.ts';
import { StorageError } from '../contract.ts';
import { unpackRed } from './red/codec.ts';
import type { RedPartial } from './red/partial.ts';
import type { PartialSummary, SegmentHeader, SegmentIndex } from './segment-index.ts';
import { SummaryBlock, type TraceEntry } from './summary-block.ts';
import { ValueFilters } from './value-filter.ts';

export const INDEX_MAGIC = 0x49525053; // "SPRI"
export const INDEX_VERSION = 1;
/** magic, version, header bytes, crc32 of the header. */
export const INDEX_PREFIX_BYTES = 16;
/** Traces a block. */
export const BLOCK_TRACES = 256;
export const ID_BYTES = 16;
/** Directory entry of a block: first 8 bytes of its first id (as two words, high first), crc32 of
 *  its ids, offset in the summaries section, length, crc32 of its summaries. */
export const BLOCK_WORDS = 6;

/** Where a section lies, from the first byte of the file. */
export interface Section {
  readonly at: number;
  readonly bytes: number;
  readonly crc: number;
}

export type SectionName = 'directory' | 'ids' | 'summaries' | 'hashes' | 'red' | 'sums' | 'values';

export interface IndexHeaderJson extends Omit<SegmentHeader, 'minStartNano' | 'maxStartNano'> {
  readonly minStartNano: string;
  readonly maxStartNano: string;
  readonly traces: number;
  readonly sections: Readonly<Partial<Record<SectionName, Section>>>;
}

/** Enough for the header and the directory of most files in one read. */
const FIRST_READ_BYTES = 64 * 1024;
const HEADER_BYTES_MAX = 16 * 1024 * 1024;

/** Opens an index by its path. Throws StorageError 'damaged'. */
export function openIndex(path: string): SegmentIndex {
  try {
    const fd = openSync(path, 'r');
    try {
      return readHead(path, fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw damaged(path, messageOf(cause), cause);
  }
}

function readHead(path: string, fd: number): SegmentIndex {
  const bytes = fstatSync(fd).size;
  const head = readAt(fd, 0, Math.min(bytes, FIRST_READ_BYTES));
  if (head.length < INDEX_PREFIX_BYTES) throw damaged(path, 'it is cut short');
  const [magic, version, headerBytes = 0, headerCrc] = wordsOf(head, 0, 4);
  if (magic !== INDEX_MAGIC) throw damaged(path, 'it is no index');
  if (version !== INDEX_VERSION) {
    throw new StorageError('unusable', `${path} has format ${version}, which is not known`, {
      hint: 'use the version of spoor that wrote it, or a newer one',
    });
  }
  if (headerBytes > HEADER_BYTES_MAX) throw damaged(path, 'its header is too long');
  const slice = (at: number, length: number): Uint8Array =>
    at + length <= head.length ? head.subarray(at, at + length) : readAt(fd, at, length);
  const json = slice(INDEX_PREFIX_BYTES, headerBytes);
  if (crc32(json) !== headerCrc) throw damaged(path, 'the checksum of its header differs');
  const header: IndexHeaderJson = JSON.parse(new TextDecoder().decode(json));
  const { directory } = header.sections;
  if (directory === undefined) throw damaged(path, 'it has no directory');
  const blocks = slice(directory.at, directory.bytes);
  if (crc32(blocks) !== directory.crc) throw damaged(path, 'the checksum of its directory differs');
  return new FileIndex({ path, bytes, header, blocks: wordsOf(blocks, 0, blocks.length / 4) });
}

/** The sections that a whole index file says it has; its header has been found good. */
export function sectionsOf(bytes: Uint8Array): IndexHeaderJson['sections'] {
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  const json = bytes.subarray(INDEX_PREFIX_BYTES, INDEX_PREFIX_BYTES + headerBytes);
  const { sections }: IndexHeaderJson = JSON.parse(new TextDecoder().decode(json));
  return sections;
}

/** The header without what only the index file needs. */
export function headerOf(json: IndexHeaderJson): SegmentHeader {
  const { traces: _, sections: __, minStartNano, maxStartNano, ...header } = json;
  return {
    ...header,
    minStartNano: BigInt(minStartNano),
    maxStartNano: BigInt(maxStartNano),
  };
}

interface FileIndexParts {
  readonly path: string;
  readonly bytes: number;
  readonly header: IndexHeaderJson;
  readonly blocks: Uint32Array;
}

class FileIndex implements SegmentIndex {
  readonly header: SegmentHeader;
  readonly traceCount: number;
  readonly bytes: number;
  readonly #path: string;
  readonly #sections: IndexHeaderJson['sections'];
  readonly #blocks: Uint32Array;
  /** The blocks read last: neighbours are asked for one after another. */
  #ids: { block: number; bytes: Uint8Array } | undefined;
  #summaries: { block: number; records: SummaryBlock } | undefined;
  /** Summary and row groups of a trace are often asked for one after the other. */
  #last: { position: number; entry: TraceEntry } | undefined;

  constructor({ path, bytes, header, blocks }: FileIndexParts) {
    this.#path = path;
    this.bytes = bytes;
    this.header = headerOf(header);
    this.traceCount = header.traces;
    this.#sections = header.sections;
    this.#blocks = blocks;
  }

  find(traceId: Uint8Array): number {
    const block = this.#blockFor(traceId);
    if (block < 0) return -1;
    const ids = this.#idsOf(block);
    let low = 0;
    let high = ids.length / ID_BYTES - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const order = compareIds(ids, middle * ID_BYTES, traceId);
      if (order === 0) return block * BLOCK_TRACES + middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Side by side when there are many, since each block is then read anyway. */
  hasAny(traceIds: Uint8Array): boolean {
    const count = traceIds.length / ID_BYTES;
    if (count * BLOCK_TRACES < this.traceCount) {
      for (let i = 0; i < count; i++) {
        if (this.find(traceIds.subarray(i * ID_BYTES, (i + 1) * ID_BYTES)) >= 0) return true;
      }
      return false;
    }
    let next = 0;
    for (let block = 0; block * BLOCK_TRACES < this.traceCount; block++) {
      const ids = this.#idsOf(block);
      for (let at = 0; at < ids.length && next < count;) {
        const wanted = traceIds.subarray(next * ID_BYTES, (next + 1) * ID_BYTES);
        const order = compareIds(ids, at, wanted);
        if (order === 0) return true;
        if (order < 0) at += ID_BYTES;
        else next++;
      }
    }
    return false;
  }

  traceIdAt(position: number): string {
    const ids = this.#idsOf(this.#checked(position));
    return hexAt(ids, (position % BLOCK_TRACES) * ID_BYTES, ID_BYTES);
  }

  rowGroupsAt(position: number): readonly number[] {
    return this.#entryAt(position).rowGroups;
  }

  summaryAt(position: number): PartialSummary {
    return this.#entryAt(position).summary;
  }

  hashes(): BigUint64Array {
    const section = this.#sections.hashes;
    if (section === undefined) return new BigUint64Array(0);
    const bytes = this.#read(section.at, section.bytes, section.crc);
    return new BigUint64Array(bytes.slice().buffer);
  }

  values(): ValueFilters | undefined {
    const section = this.#sections.values;
    if (section === undefined) return undefined;
    const bytes = this.#read(section.at, section.bytes, section.crc);
    return this.#guarded(() => new ValueFilters(bytes));
  }

  red(): RedPartial | undefined {
    return this.#partial('red');
  }

  sums(): RedPartial | undefined {
    return this.#partial('sums');
  }

  #partial(name: 'red' | 'sums'): RedPartial | undefined {
    const section = this.#sections[name];
    if (section === undefined) return undefined;
    const bytes = this.#read(section.at, section.bytes, section.crc);
    return this.#guarded(() => unpackRed(bytes));
  }

  /** The last block whose first id is not greater. First ids are known by their first 8 bytes: when
   *  two blocks begin alike, the id itself decides. */
  #blockFor(traceId: Uint8Array): number {
    const high = wordAt(traceId, 0);
    const low = wordAt(traceId, 4);
    let from = 0;
    let to = this.#blocks.length / BLOCK_WORDS;
    while (from < to) {
      const middle = (from + to) >> 1;
      const firstHigh = this.#word(middle, 0);
      const firstLow = this.#word(middle, 1);
      const isAfter = firstHigh > high || (firstHigh === high && firstLow > low);
      if (isAfter) to = middle;
      else from = middle + 1;
    }
    let block = from - 1;
    while (block > 0 && compareIds(this.#idsOf(block), 0, traceId) > 0) block--;
    return block;
  }

  #entryAt(position: number): TraceEntry {
    if (this.#last?.position === position) return this.#last.entry;
    const block = this.#checked(position);
    if (this.#summaries?.block !== block) {
      const section = this.#section('summaries');
      const at = section.at + this.#word(block, 3);
      const packed = this.#read(at, this.#word(block, 4), this.#word(block, 5));
      const records = this.#guarded(() => new SummaryBlock(zstdDecompressSync(packed)));
      this.#summaries = { block, records };
    }
    const { records } = this.#summaries;
    const traceId = this.traceIdAt(position);
    const entry = this.#guarded(() => records.entryAt(position % BLOCK_TRACES, traceId));
    this.#last = { position, entry };
    return entry;
  }

  #idsOf(block: number): Uint8Array {
    if (this.#ids?.block !== block) {
      const first = block * BLOCK_TRACES;
      const count = Math.min(BLOCK_TRACES, this.traceCount - first);
      const at = this.#section('ids').at + first * ID_BYTES;
      this.#ids = { block, bytes: this.#read(at, count * ID_BYTES, this.#word(block, 2)) };
    }
    return this.#ids.bytes;
  }

  #checked(position: number): number {
    if (position < 0 || position >= this.traceCount) {
      throw new RangeError(`an index of ${this.traceCount} traces has none at ${position}`);
    }
    return Math.floor(position / BLOCK_TRACES);
  }

  #word(block: number, word: number): number {
    return this.#blocks[block * BLOCK_WORDS + word] ?? 0;
  }

  #section(name: SectionName): Section {
    const section = this.#sections[name];
    if (section === undefined) throw damaged(this.#path, `it has no section ${name}`);
    return section;
  }

  #read(at: number, length: number, crc: number): Uint8Array {
    const bytes = this.#guarded(() => {
      const fd = openSync(this.#path, 'r');
      try {
        return readAt(fd, at, length);
      } finally {
        closeSync(fd);
      }
    });
    if (bytes.length < length) throw damaged(this.#path, 'it is cut short');
    if (crc32(bytes) !== crc) throw damaged(this.#path, `the checksum at byte ${at} differs`);
    return bytes;
  }

  #guarded<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw damaged(this.#path, messageOf(cause), cause);
    }
  }
}

function damaged(path: string, why: string, cause?: unknown): StorageError {
  return new StorageError('damaged', `${path} cannot be read: ${why}`, {
    cause,
    hint: 'check the disk; the index can be made again from the Parquet file beside it',
  });
}

/** At most `length` bytes: fewer where the file ends. */
function readAt(fd: number, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const read = readSync(fd, bytes, done, length - done, at + done);
    if (read === 0) break;
    done += read;
  }
  return bytes.subarray(0, done);
}

/** Little-endian words, copied. */
function wordsOf(bytes: Uint8Array, at: number, count: number): Uint32Array {
  return new Uint32Array(bytes.slice(at, at + count * 4).buffer);
}

/** Four bytes, the first highest: ids compare as numbers then. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
}

/** The id at `at` against another one: negative, 0 or positive. */
function compareIds(ids: Uint8Array, at: number, other: Uint8Array): number {
  for (let i = 0; i < ID_BYTES; i++) {
    const order = (ids[at + i] ?? 0) - (other[i] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

/** Reads the index of a data file (docs/formats/index.md). A store has hundreds of them, so only the
 *  header and a directory of blocks stay in memory; a look-up reads one block of ids, or one of
 *  summaries, from the file. Each section and each block has its checksum. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32, zstdDecompressSync } from 'node:zlib';
import { hexAt } from '../../model/ids.ts';
import { messageOf } from '../../lib/errors.ts';
import { StorageError } from '../contract.ts';
import { unpackBounds } from './block-bounds.ts';
import { BLOCK_TRACES, BLOCK_WORDS, ID_BYTES, IndexIds } from './index-ids.ts';
import { unpackRed } from './red/codec.ts';
import { type MissingCall, unpackCalls } from './red/missing-calls.ts';
import type { RedPartial } from './red/partial.ts';
import type {
  BlockBounds,
  PartialSummary,
  RootSpan,
  SegmentHeader,
  SegmentIndex,
  TraceKeys,
} from './segment-index.ts';
import { SummaryBlock, type TraceEntry } from './summary-block.ts';
import { ValueFilters } from './value-filter.ts';

export const INDEX_MAGIC = 0x49525053; // "SPRI"
export const INDEX_VERSION = 1;
/** magic, version, header bytes, crc32 of the header. */
export const INDEX_PREFIX_BYTES = 16;
/** Where a section lies, from the first byte of the file. */
export interface Section {
  readonly at: number;
  readonly bytes: number;
  readonly crc: number;
}

export type SectionName =
  | 'directory'
  | 'ids'
  | 'summaries'
  | 'hashes'
  | 'red'
  | 'sums'
  | 'calls'
  | 'values'
  | 'bounds';

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
  // Damage, and made again: a newer store says so in its format file and is not opened.
  if (version !== INDEX_VERSION) throw damaged(path, `format ${version} is not known`);
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
  readonly #ids: IndexIds;
  /** The block read last: neighbours are asked for one after another. */
  #summaries: { block: number; records: SummaryBlock } | undefined;
  #bounds: readonly BlockBounds[] | undefined;
  /** Summary and row groups of a trace are often asked for one after the other. */
  #last: { position: number; entry: TraceEntry } | undefined;

  constructor({ path, bytes, header, blocks }: FileIndexParts) {
    this.#path = path;
    this.bytes = bytes;
    this.header = headerOf(header);
    this.traceCount = header.traces;
    this.#sections = header.sections;
    this.#blocks = blocks;
    const { ids } = header.sections;
    if (ids === undefined) throw damaged(path, 'it has no section ids');
    this.#ids = new IndexIds({
      blocks,
      count: header.traces,
      section: ids,
      read: (at, length, crc) => this.#read(at, length, crc),
    });
  }

  find(traceId: Uint8Array): number {
    return this.#ids.find(traceId);
  }

  hasAny(traceIds: Uint8Array): boolean {
    return this.#ids.hasAny(traceIds);
  }

  traceIdAt(position: number): string {
    const ids = this.#ids.ofBlock(this.#checked(position));
    return hexAt(ids, (position % BLOCK_TRACES) * ID_BYTES, ID_BYTES);
  }

  ids(block?: number): Uint8Array {
    return block === undefined ? this.#ids.all() : this.#ids.ofBlock(block);
  }

  idPrefix(block: number): Uint8Array {
    return this.#ids.prefixOf(block);
  }

  rowGroupsAt(position: number): readonly number[] {
    return this.#entryAt(position).rowGroups;
  }

  summaryAt(position: number): PartialSummary {
    return this.#entryAt(position).summary;
  }

  keysAt(position: number): TraceKeys {
    const records = this.#recordsOf(this.#checked(position));
    return this.#guarded(() => records.keysAt(position % BLOCK_TRACES));
  }

  missingParentsAt(position: number): readonly bigint[] {
    const records = this.#recordsOf(this.#checked(position));
    return this.#guarded(() => records.missingParentsAt(position % BLOCK_TRACES));
  }

  rootAt(position: number): RootSpan {
    const records = this.#recordsOf(this.#checked(position));
    return this.#guarded(() => records.rootAt(position % BLOCK_TRACES));
  }

  bounds(): readonly BlockBounds[] | undefined {
    const section = this.#sections.bounds;
    if (section === undefined) return undefined;
    this.#bounds ??= unpackBounds(this.#read(section.at, section.bytes, section.crc));
    return this.#bounds;
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

  calls(): readonly MissingCall[] | undefined {
    const section = this.#sections.calls;
    if (section === undefined) return undefined;
    const bytes = this.#read(section.at, section.bytes, section.crc);
    return this.#guarded(() => unpackCalls(bytes));
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

  #entryAt(position: number): TraceEntry {
    if (this.#last?.position === position) return this.#last.entry;
    const records = this.#recordsOf(this.#checked(position));
    const traceId = this.traceIdAt(position);
    const entry = this.#guarded(() => records.entryAt(position % BLOCK_TRACES, traceId));
    this.#last = { position, entry };
    return entry;
  }

  #recordsOf(block: number): SummaryBlock {
    if (this.#summaries?.block !== block) {
      const section = this.#section('summaries');
      const at = section.at + this.#word(block, 3);
      const packed = this.#read(at, this.#word(block, 4), this.#word(block, 5));
      const records = this.#guarded(() => new SummaryBlock(zstdDecompressSync(packed)));
      this.#summaries = { block, records };
    }
    return this.#summaries.records;
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

/** Reads chosen columns of chosen row groups of our files, and of them chosen rows, without a query
 *  engine: only the chunks that are needed leave the disk, and each page is checked against its
 *  checksum. Whatever is not as this writer writes it is a StorageError 'damaged' that names file,
 *  row group and column: a wrong value is never returned. All of it is synchronous: large work
 *  belongs into a thread of its own. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf } from '../../../lib/errors.ts';
import { StorageError } from '../../contract.ts';
import { type Footer, footerBytes, readFooter, TRAILER_BYTES } from './file.ts';
import { describe, type FileFooter, type FileRowGroup } from './file-footer.ts';
import type { FooterCache } from './footer-cache.ts';
import { type ChunkPlace, checkPages } from './pages.ts';
import type { ReadColumn } from './read-column.ts';
import { findRows, readValues } from './read-values.ts';

/** Chunks this near to each other are read in one go. */
const GAP_BYTES = 64 * 1024;
/** One read is not larger, unless one chunk is. */
const READ_BYTES = 16 * 1024 * 1024;
/** Between two of them others have a turn, a millisecond or so apart. */
const CHECK_BYTES = 1024 * 1024;

/** Where bytes come from. */
interface Source {
  readonly bytes: number;
  /** Changes when the content does. */
  readonly version: string;
  /** Exactly that many. */
  read(at: number, length: number): Uint8Array;
  close(): void;
}

export class ParquetFile {
  readonly path: string;
  readonly footer: FileFooter;
  readonly #source: Source;

  /** Throws StorageError 'damaged'. To be closed. */
  static open(path: string, cache?: FooterCache): ParquetFile {
    const source = guarded(path, () => fileSource(path));
    try {
      const known = cache?.get(path, source.version);
      const footer = known ?? guarded(path, () => describe(readFooterOf(source), source.bytes));
      if (known === undefined) cache?.put(path, source.version, footer);
      return new ParquetFile(path, source, footer);
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /** A file that is in memory; `path` is for messages. */
  static of(path: string, bytes: Uint8Array, footer?: Footer): ParquetFile {
    const source = memorySource(bytes);
    const described = guarded(path, () => describe(footer ?? readFooterOf(source), bytes.length));
    return new ParquetFile(path, source, described);
  }

  private constructor(path: string, source: Source, footer: FileFooter) {
    this.path = path;
    this.#source = source;
    this.footer = footer;
  }

  get bytes(): number {
    return this.#source.bytes;
  }

  rowsOf(rowGroup: number): number {
    return this.#group(rowGroup).rows;
  }

  /** Columns that the file does not have, or that are null in all these rows, are left out. `rows`
   *  ascend; without it all. */
  readColumns(
    rowGroup: number,
    names: Iterable<string>,
    rows?: Uint32Array,
  ): Map<string, ReadColumn> {
    const { chunks } = this.#group(rowGroup);
    const wanted = [...names].map((name) => chunks.get(name)).filter(hasValues);
    const found = new Map<string, ReadColumn>();
    const where = `${this.path}, row group ${rowGroup}`;
    for (const span of spansOf(wanted, READ_BYTES)) {
      const bytes = guarded(where, () => this.#source.read(span.start, span.end - span.start));
      for (const chunk of span.chunks) {
        const at = chunk.start - span.start;
        const column = guarded(`${where}, column "${chunk.name}"`, () =>
          readValues(bytes.subarray(at, at + chunk.bytes), chunk, rows),
        );
        if (column !== undefined) found.set(chunk.name, column);
      }
    }
    return found;
  }

  /** The rows that have one of `values` in a column of byte strings of one length, and of each row
   *  which. Rows ascend. */
  findRows(
    rowGroup: number,
    name: string,
    values: readonly Uint8Array[],
  ): { rows: Uint32Array; which: Uint32Array } {
    const chunk = this.#group(rowGroup).chunks.get(name);
    if (!hasValues(chunk)) return { rows: new Uint32Array(0), which: new Uint32Array(0) };
    return guarded(`${this.path}, row group ${rowGroup}, column "${name}"`, () =>
      findRows(this.#source.read(chunk.start, chunk.bytes), chunk, values),
    );
  }

  /** Compares the pages of the columns, of those that the file has, with their checksums. In steps of
   *  a read: what is damaged in it. */
  *checkColumns(rowGroup: number, names: Iterable<string>): Generator<readonly StorageError[]> {
    const { chunks } = this.#group(rowGroup);
    const wanted = [...names].map((name) => chunks.get(name)).filter((one) => one !== undefined);
    const where = `${this.path}, row group ${rowGroup}`;
    for (const span of spansOf(wanted, CHECK_BYTES)) {
      const read = attempt(where, () => this.#source.read(span.start, span.end - span.start));
      if (read instanceof StorageError) {
        yield [read];
        continue;
      }
      const outcomes = span.chunks.map((chunk) => {
        const at = chunk.start - span.start;
        return attempt(`${where}, column "${chunk.name}"`, () =>
          checkPages(read.subarray(at, at + chunk.bytes), chunk),
        );
      });
      yield outcomes.filter((outcome) => outcome instanceof StorageError);
    }
  }

  close(): void {
    this.#source.close();
  }

  #group(rowGroup: number): FileRowGroup {
    const group = this.footer.rowGroups[rowGroup];
    if (group === undefined) throw damaged(this.path, new RangeError(`no row group ${rowGroup}`));
    return group;
  }
}

interface Span {
  readonly start: number;
  end: number;
  readonly chunks: ChunkPlace[];
}

function hasValues(chunk: ChunkPlace | undefined): chunk is ChunkPlace {
  return chunk !== undefined && chunk.nulls < chunk.rows;
}

/** Neighbours in the file are read together. */
function spansOf(chunks: readonly ChunkPlace[], bytesMax: number): Span[] {
  const spans: Span[] = [];
  for (const chunk of chunks.toSorted((a, b) => a.start - b.start)) {
    const last = spans.at(-1);
    const end = chunk.start + chunk.bytes;
    const isNear = last !== undefined && chunk.start - last.end <= GAP_BYTES;
    if (last !== undefined && isNear && end - last.start <= bytesMax) {
      last.end = Math.max(last.end, end);
      last.chunks.push(chunk);
    } else {
      spans.push({ start: chunk.start, end, chunks: [chunk] });
    }
  }
  return spans;
}

function readFooterOf(source: Source): Footer {
  const trailer = source.read(Math.max(0, source.bytes - TRAILER_BYTES), TRAILER_BYTES);
  const fromEnd = footerBytes(trailer);
  if (fromEnd === undefined || fromEnd > source.bytes) throw new RangeError('it has no footer');
  return readFooter(source.read(source.bytes - fromEnd, fromEnd));
}

function fileSource(path: string): Source {
  const fd = openSync(path, 'r');
  const { size, mtimeMs, ino } = fstatSync(fd);
  return {
    bytes: size,
    version: `${ino} ${size} ${mtimeMs}`,
    read: (at, length) => {
      // Not zero-filled: every byte is read, or it throws.
      const out = Buffer.allocUnsafeSlow(length);
      let done = 0;
      while (done < length) {
        const read = readSync(fd, out, done, length - done, at + done);
        if (read === 0) throw new RangeError('it is cut short');
        done += read;
      }
      return out;
    },
    close: () => closeSync(fd),
  };
}

function memorySource(bytes: Uint8Array): Source {
  return {
    bytes: bytes.length,
    version: '',
    read: (at, length) => {
      if (at + length > bytes.length) throw new RangeError('it is cut short');
      return bytes.subarray(at, at + length);
    },
    close: () => {},
  };
}

function guarded<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    // Those are mistakes of this program, which no byte of a file explains.
    const isOurs = cause instanceof TypeError || cause instanceof ReferenceError;
    throw isOurs || cause instanceof StorageError ? cause : damaged(where, cause);
  }
}

/** What is damaged is returned. */
function attempt<T>(where: string, read: () => T): T | StorageError {
  try {
    return guarded(where, read);
  } catch (error) {
    if (error instanceof StorageError && error.code === 'damaged') return error;
    throw error;
  }
}

function damaged(where: string, cause: unknown): StorageError {
  return new StorageError('damaged', `${where} cannot be read: ${messageOf(cause)}`, {
    cause,
    hint: 'check the disk; move the file away to go on without its spans',
  });
}

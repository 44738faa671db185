/** What is kept of a day when its spans are gone: partials by the hour, and of which flushes they are.
 *  Drawn in docs/formats/red.md. Written as a whole under a temporary name; hours that a change does
 *  not touch are copied as they are. */

import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { messageOf, systemCodeOf } from '../../../lib/errors.ts';
import { StorageError } from '../../contract.ts';
import { unpackRed } from './codec.ts';
import type { RedPartial } from './partial.ts';

export const DAY_MINUTES = 1440;

const MAGIC = 0x44525053; // "SPRD"
const VERSION = 1;
/** magic, version, header bytes, crc32 of the header. */
const PREFIX_BYTES = 16;
const HEADER_BYTES_MAX = 16 * 1024 * 1024;

/** First and last flush of a tenant. */
export type FlushRange = readonly [from: number, to: number];

const Header = z.object({
  /** Days since 1970. */
  day: z.int(),
  /** Ascending, none beside another. */
  sources: z.array(z.tuple([z.int(), z.int()])),
  hours: z.array(
    z.object({ hour: z.int().min(0).max(23), at: z.int(), bytes: z.int(), crc: z.int() }),
  ),
});
type Header = z.infer<typeof Header>;

/** A day file as it was when it was opened. */
export interface DayFile extends Header {
  readonly path: string;
  readonly bytes: number;
  /** Tells this version of the file from the next. */
  readonly headerCrc: number;
}

export interface PackedHour {
  readonly hour: number;
  readonly packed: Uint8Array;
}

/** Another version of the file has taken its place: begin again. */
export class DayFileReplaced extends Error {}

export function dayFileName(day: number): string {
  return `${new Date(day * 86_400_000).toISOString().slice(0, 10)}.red`;
}

/** undefined when it is no name of a day file. */
export function dayOfFileName(name: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d\.red$/.test(name)) return undefined;
  const day = Date.parse(`${name.slice(0, 10)}T00:00:00Z`) / 86_400_000;
  return Number.isInteger(day) ? day : undefined;
}

export function encodeDay(
  day: number,
  sources: readonly FlushRange[],
  hours: readonly PackedHour[],
): Uint8Array {
  let at = 0;
  const entries = hours.map(({ hour, packed }) => {
    const entry = { hour, at, bytes: packed.length, crc: crc32(packed) };
    at += packed.length;
    return entry;
  });
  const json = new TextEncoder().encode(JSON.stringify({ day, sources, hours: entries }));
  const prefix = Uint32Array.of(MAGIC, VERSION, json.length, crc32(json));
  return Buffer.concat([Buffer.from(prefix.buffer), json, ...hours.map(({ packed }) => packed)]);
}

/** Reads what a day file says of itself. Throws StorageError 'damaged' or 'unusable'. */
export function openDay(path: string, bytes: number): DayFile {
  return reading(path, (reader) => {
    const { header, headerCrc } = reader.head();
    return { ...header, path, bytes, headerCrc };
  });
}

/** Reads hours of a day, in any order, from one version of the file. */
export class DayReader {
  readonly #file: DayFile;
  readonly #fd: number;
  readonly #blocksAt: number;

  /** Throws DayFileReplaced, also when it has gone; StorageError 'damaged'. */
  constructor(file: DayFile) {
    this.#file = file;
    this.#fd = openThere(file.path);
    try {
      const [, , headerBytes = 0, headerCrc] = wordsOf(readAt(this.#fd, 0, PREFIX_BYTES));
      if (headerCrc !== file.headerCrc) throw new DayFileReplaced(file.path);
      this.#blocksAt = PREFIX_BYTES + headerBytes;
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** undefined when the day has none. Throws StorageError 'damaged'. */
  packedHour(hour: number): Uint8Array | undefined {
    const entry = this.#file.hours.find((one) => one.hour === hour);
    if (entry === undefined) return undefined;
    const bytes = guarded(this.#file.path, () =>
      readAt(this.#fd, this.#blocksAt + entry.at, entry.bytes),
    );
    if (crc32(bytes) !== entry.crc) {
      throw damaged(this.#file.path, `the checksum of hour ${hour} differs`);
    }
    return bytes;
  }

  hour(hour: number): RedPartial | undefined {
    const packed = this.packedHour(hour);
    return packed && guarded(this.#file.path, () => unpackRed(packed));
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function openThere(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') throw new DayFileReplaced(path);
    throw damaged(path, messageOf(cause), cause);
  }
}

/** What `read` says of each hour, in order. An hour that is damaged is left out, and told. */
export async function* hoursOf<T>(
  file: DayFile,
  read: (reader: DayReader, hour: number) => T,
  onWarning: (warning: string) => void,
): AsyncGenerator<T> {
  const reader = new DayReader(file);
  try {
    for (const { hour } of file.hours) {
      const found = orWarned(() => ({ it: read(reader, hour) }), onWarning);
      if (found !== undefined) yield found.it;
      await setImmediate();
    }
  } finally {
    reader.close();
  }
}

function orWarned<T>(read: () => T, onWarning: (warning: string) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    onWarning(error.message);
    return undefined;
  }
}

class HeadReader {
  readonly #path: string;
  readonly #fd: number;

  constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  head(): { header: Header; headerCrc: number } {
    const words = wordsOf(readAt(this.#fd, 0, PREFIX_BYTES));
    const [magic, version, headerBytes = 0, headerCrc = 0] = words;
    if (magic !== MAGIC) throw damaged(this.#path, 'it is no rollup of a day');
    if (version !== VERSION) {
      throw new StorageError('unusable', `${this.#path} has format ${version}, not known here`, {
        hint: 'use the version of spoor that wrote it, or a newer one',
      });
    }
    if (headerBytes > HEADER_BYTES_MAX) throw damaged(this.#path, 'its header is too long');
    const json = readAt(this.#fd, PREFIX_BYTES, headerBytes);
    if (crc32(json) !== headerCrc) throw damaged(this.#path, 'the checksum of its header differs');
    return { header: Header.parse(JSON.parse(new TextDecoder().decode(json))), headerCrc };
  }
}

function reading<T>(path: string, read: (reader: HeadReader) => T): T {
  return guarded(path, () => {
    const fd = openSync(path, 'r');
    try {
      return read(new HeadReader(path, fd));
    } finally {
      closeSync(fd);
    }
  });
}

function guarded<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw damaged(path, messageOf(cause), cause);
  }
}

function damaged(path: string, why: string, cause?: unknown): StorageError {
  return new StorageError('damaged', `${path} cannot be read: ${why}`, {
    cause,
    hint: 'check the disk; what the file counted is lost, the spans are not',
  });
}

/** Throws RangeError when the file ends before. */
function readAt(fd: number, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const read = readSync(fd, bytes, done, length - done, at + done);
    if (read === 0) throw new RangeError('it is cut short');
    done += read;
  }
  return bytes;
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

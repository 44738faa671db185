/** The write-ahead log: what was acknowledged and is in no segment yet. Records of all tenants go
 *  to one file, in groups: while one group is being made durable the next one gathers, and begins
 *  when the previous fdatasync returns. So a lone writer waits for one sync, many writers share
 *  one, and no timer is involved.
 *
 *  A file on which a write or a sync failed is never written again: after a failed fdatasync the
 *  kernel may have thrown the pages away while it calls them clean, so a later success on the same
 *  file would mean nothing. What was durable in it stays so. */

import { join } from 'node:path';
import { type FileSystem, writeAll, writeError } from '../file-system.ts';
import { FILE_HEADER_BYTES, fileHeader, RECORD_HEADER_BYTES, recordHeader } from './record.ts';

/** Called in the order of seq, once the record is durable or was refused. */
export type OnCommit = (error?: Error) => void;

export interface WalOptions {
  readonly files: FileSystem;
  readonly directory: string;
  /** A secret of the store. */
  readonly salt: number;
  /** Begin a new file when one is this long. */
  readonly fileBytesMax?: number;
}

interface Waiting {
  readonly seq: number;
  readonly tenant: string;
  /** Undefined for a barrier. */
  readonly frame: Uint8Array | undefined;
  readonly onCommit: OnCommit;
}

/** A file and, for each tenant, the last of its durable records. */
export interface WalFile {
  readonly path: string;
  bytes: number;
  readonly lastSeqs: Map<string, number>;
}

interface OpenFile extends WalFile {
  readonly fd: number;
}

const FILE_BYTES_MAX = 64 * 1024 * 1024;
const GROUP_BYTES_MAX = 16 * 1024 * 1024;
/** Two buffers a record; the kernel takes 1,024 in one call. */
const GROUP_RECORDS_MAX = 500;

export class Wal {
  readonly #options: WalOptions;
  #nextSeq = 1;
  #nextFile = 1;
  #waiting: Waiting[] = [];
  #open: OpenFile | undefined;
  #full: WalFile[] = [];
  #running: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(options: WalOptions) {
    this.#options = options;
  }

  /** Why the last group could not be made durable; undefined when it was. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Of all files. */
  get bytes(): number {
    return this.#files().reduce((sum, file) => sum + file.bytes, 0);
  }

  /** A file of an earlier run, whose records have been replayed. */
  adopt(file: WalFile, number: number): void {
    this.#full.push(file);
    this.#nextFile = Math.max(this.#nextFile, number + 1);
    for (const seq of file.lastSeqs.values()) this.continueAfter(seq);
  }

  /** Numbers up to this one have been used. */
  continueAfter(seq: number): void {
    this.#nextSeq = Math.max(this.#nextSeq, seq + 1);
  }

  /** The record's number. The frame must not change until `onCommit`. */
  append(tenant: string, frame: Uint8Array, onCommit: OnCommit): number {
    const seq = this.#nextSeq++;
    this.#waiting.push({ seq, tenant, frame, onCommit });
    this.#running ??= this.#run();
    return seq;
  }

  /** Runs `then` when everything appended before has been committed or refused. */
  barrier(then: () => void): void {
    if (this.#running === undefined) then();
    else this.#waiting.push({ seq: 0, tenant: '', frame: undefined, onCommit: () => then() });
  }

  /** Resolves when everything appended before has been committed or refused. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Unlinks files of which every record is in a data file. What cannot be unlinked now is tried
   *  again the next time. */
  async release(flushedTo: ReadonlyMap<string, number>): Promise<void> {
    for (const file of this.#full.filter((one) => isCovered(one, flushedTo))) {
      await this.#options.files.unlink(file.path);
      this.#full = this.#full.filter((one) => one !== file);
    }
  }

  /** Tenants that keep the oldest file from being unlinked. */
  oldestTenants(flushedTo: ReadonlyMap<string, number>): string[] {
    const [oldest] = this.#files();
    if (oldest === undefined) return [];
    return [...oldest.lastSeqs]
      .filter(([tenant, seq]) => (flushedTo.get(tenant) ?? 0) < seq)
      .map(([tenant]) => tenant);
  }

  /** The open file takes no more records, so that `release` may unlink it. */
  async rotate(): Promise<void> {
    await this.#running;
    await this.#endFile();
  }

  /** The same while records keep coming: every record so far is in a file that takes no more.
   *  Resolves with those files. */
  rotateNow(): Promise<readonly WalFile[]> {
    return new Promise((resolve, reject) => {
      this.barrier(() => {
        const ended = this.#endFile();
        const full = this.#full;
        ended.then(() => resolve(full), reject);
      });
    });
  }

  /** Files that have not been unlinked. */
  holds(file: WalFile): boolean {
    return this.#full.includes(file);
  }

  async close(): Promise<void> {
    await this.rotate();
  }

  #files(): WalFile[] {
    return this.#open === undefined ? this.#full : [...this.#full, this.#open];
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // One turn of the event loop, in which other requests that have arrived join the group.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const group = this.#takeGroup();
      const error = await this.#commit(group).then(
        () => undefined,
        (cause: unknown) => writeError('write-ahead log', cause),
      );
      if (group.some(({ frame }) => frame !== undefined)) this.#failure = error;
      for (const { onCommit } of group) onCommit(error);
    }
    this.#running = undefined;
  }

  #takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { frame } of this.#waiting) {
      const length = frame?.length ?? 0;
      if (count === GROUP_RECORDS_MAX || (count > 0 && bytes + length > GROUP_BYTES_MAX)) break;
      bytes += length + RECORD_HEADER_BYTES;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const { files, salt, fileBytesMax = FILE_BYTES_MAX } = this.#options;
    const parts = group.flatMap(({ seq, frame }) =>
      frame === undefined ? [] : [recordHeader(seq, frame, salt), frame],
    );
    if (parts.length === 0) return;
    this.#open ??= await this.#beginFile();
    const file = this.#open;
    try {
      const end = await writeAll(files, file.fd, { parts, position: file.bytes });
      await files.datasync(file.fd);
      file.bytes = end;
    } catch (error) {
      await this.#abandon(file);
      throw error;
    }
    for (const { seq, tenant, frame } of group) if (frame) file.lastSeqs.set(tenant, seq);
    if (file.bytes >= fileBytesMax) await this.#endFile();
  }

  async #beginFile(): Promise<OpenFile> {
    const { files, directory } = this.#options;
    const path = join(directory, `${this.#nextFile++}.wal`);
    const fd = await files.open(path, 'wx');
    const file = { path, fd, bytes: FILE_HEADER_BYTES, lastSeqs: new Map<string, number>() };
    try {
      await writeAll(files, fd, { parts: [fileHeader()], position: 0 });
      await files.syncDirectory(directory);
    } catch (error) {
      await this.#abandon(file);
      throw error;
    }
    return file;
  }

  async #endFile(): Promise<void> {
    const file = this.#open;
    if (file === undefined) return;
    this.#open = undefined;
    this.#full.push(file);
    // Everything in it is durable: a close that fails takes nothing back.
    await this.#options.files.close(file.fd).catch(() => {});
  }

  /** Ends a file that failed. Best effort: refused records that stay in it do no harm, they may be
   *  stored or not; and the failure that led here is the one to report. */
  async #abandon(file: OpenFile): Promise<void> {
    const { files } = this.#options;
    this.#open = undefined;
    await files.truncate(file.fd, file.bytes).catch(() => {});
    await files.close(file.fd).catch(() => {});
    if (file.lastSeqs.size > 0) this.#full.push(file);
    else await files.unlink(file.path).catch(() => {});
  }
}

function isCovered(file: WalFile, flushedTo: ReadonlyMap<string, number>): boolean {
  for (const [tenant, seq] of file.lastSeqs) {
    if ((flushedTo.get(tenant) ?? 0) < seq) return false;
  }
  return true;
}

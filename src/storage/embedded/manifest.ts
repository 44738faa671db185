/** Which files hold a tenant's spans. A reader pins a manifest and sees one unchanging state of the
 *  store for as long as it holds it: flush, stitch and retention only change what the next manifest
 *  says, and a file leaves the disk when no pinned manifest names it. Each row is in exactly one of
 *  `files` and `head`; a fresh file repeats the rows of `head`, for who can only read files. */

import type { Head } from './head.ts';
import type { StoredColumn } from './schema.ts';
import type { SegmentIndex, TextKeys } from './segment-index.ts';

export interface DataFile {
  /** Absolute path of the Parquet file; the index lies beside it. */
  readonly path: string;
  readonly kind: 'segment' | 'flush' | 'fresh';
  /** Flush sequence numbers it covers, of its tenant; a fresh file has those of the flush to come. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly rowGroups: number;
  /** Of each row group; absent in older files, which do not place parents. */
  readonly rowGroupRows?: readonly number[] | undefined;
  /** When its rows were stored; absent where nobody knows. */
  readonly writtenAtMs?: number | undefined;
  /** Parquet and index together. */
  readonly bytes: number;
  readonly minStartNano: bigint;
  readonly maxStartNano: bigint;
  /** Records of this tenant up to this number of the write-ahead log are in it or in older files. */
  readonly walTo: number;
  readonly columns: readonly StoredColumn[];
  /** Which attribute keys occur in its columns of tagged text, as far as that is known. */
  readonly textKeys?: TextKeys | undefined;
  /** Absent when the index file is damaged. */
  readonly index?: SegmentIndex | undefined;
  /** Traces whose rows in this file have been deleted and are still in it, until it is written anew:
   *  no read may show them. Ids as hex. */
  readonly deleted?: ReadonlySet<string> | undefined;
  /** What of it was found damaged: searches leave it out and say so. */
  readonly damage?: FileDamage | undefined;
}

/** Rows by their numbers in a file; the end is exclusive. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

export interface FileDamage {
  /** Whole row groups, ascending and apart. */
  readonly rows: readonly RowRange[];
  /** What is wrong with each, for people. */
  readonly problems: readonly string[];
}

/** Of the index beside a Parquet file. */
export function indexPathOf(parquetPath: string): string {
  return parquetPath.replace(/\.parquet$/, '.idx');
}

export interface Manifest {
  readonly tenant: string;
  /** Newest first; no fresh file among them. */
  readonly files: readonly DataFile[];
  /** The rows that are in none of `files`. */
  readonly head: Head;
  /** The rows of `head` as a file. Only in manifests for searches, and only when head has rows. */
  readonly fresh: DataFile | undefined;
  /** To be called once; afterwards its files may vanish. */
  release(): void;
}

/** Counts who uses a file, and unlinks it when it has been replaced and nobody does. */
export class FileUse {
  readonly #unlink: (file: DataFile) => void;
  readonly #users = new Map<string, number>();
  readonly #retired = new Map<string, DataFile>();

  constructor(unlink: (file: DataFile) => void) {
    this.#unlink = unlink;
  }

  /** The returned function gives them back; calling it again does nothing. */
  pin(files: readonly DataFile[]): () => void {
    for (const { path } of files) this.#users.set(path, (this.#users.get(path) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      for (const { path } of files) this.#drop(path);
    };
  }

  /** The file is in no manifest any more: unlink it as soon as nobody uses it. */
  retire(file: DataFile): void {
    if (this.#users.has(file.path)) this.#retired.set(file.path, file);
    else this.#unlink(file);
  }

  #drop(path: string): void {
    const users = (this.#users.get(path) ?? 1) - 1;
    if (users > 0) {
      this.#users.set(path, users);
      return;
    }
    this.#users.delete(path);
    const file = this.#retired.get(path);
    if (file === undefined) return;
    this.#retired.delete(path);
    this.#unlink(file);
  }
}

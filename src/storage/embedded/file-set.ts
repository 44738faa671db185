/** The data files of one tenant, and when they leave the disk. Files are replaced at once and
 *  unlinked later: when no reader has them pinned. The index of a flush that was stitched stays
 *  for the time in which its rows may be sent again: after a restart they are recognised by it. */

import type { FileSystem } from './file-system.ts';
import { type DataFile, type FileDamage, FileUse, indexPathOf } from './manifest.ts';

export interface FileSetDeps {
  readonly files: FileSystem;
  /** A file could not be removed. */
  readonly onError: (path: string, error: unknown) => void;
}

interface SpentIndex {
  readonly path: string;
  readonly rows: number;
  readonly writtenAtMs: number;
}

export class FileSet {
  readonly #deps: FileSetDeps;
  readonly #use: FileUse;
  #files: readonly DataFile[] = [];
  /** Paths of files whose index outlives them. */
  readonly #stitched = new Set<string>();
  #spent: readonly SpentIndex[] = [];
  readonly #onGone = new Map<string, () => void>();
  #unlinking: Promise<void> = Promise.resolve();

  constructor(deps: FileSetDeps) {
    this.#deps = deps;
    this.#use = new FileUse((file) => this.#unlinkFile(file));
  }

  /** Oldest first, none of them fresh. */
  get all(): readonly DataFile[] {
    return this.#files;
  }

  has({ path }: DataFile): boolean {
    return this.#files.some((file) => file.path === path);
  }

  pin(files: readonly DataFile[]): () => void {
    return this.#use.pin(files);
  }

  add(file: DataFile): void {
    this.#files = [...this.#files, file];
  }

  /** `output` holds the rows of `inputs`, which follow each other. */
  replace(inputs: readonly DataFile[], output: DataFile): void {
    const paths = inputs.map(({ path }) => path);
    const replaced = this.#files.filter(({ path }) => paths.includes(path));
    this.#files = this.#files.flatMap((file) => {
      if (!replaced.includes(file)) return [file];
      return file.path === paths[0] ? [output] : [];
    });
    for (const file of replaced) {
      this.#stitched.add(file.path);
      this.#use.retire(file);
    }
  }

  remove(file: DataFile): void {
    this.#files = this.#files.filter(({ path }) => path !== file.path);
    this.#use.retire(file);
  }

  /** The file as it is now that its index was made again. */
  renew(renewed: DataFile): void {
    this.#files = this.#files.map((file) => {
      if (file.path !== renewed.path) return file;
      return { ...renewed, deleted: file.deleted, damage: file.damage };
    });
  }

  /** These traces' rows in the file count as gone, until it is rewritten. */
  hide(path: string, traceIds: ReadonlySet<string>): void {
    this.#files = this.#files.map((file) => {
      if (file.path !== path) return file;
      return { ...file, deleted: new Set([...(file.deleted ?? []), ...traceIds]) };
    });
  }

  /** What of the file is damaged, as far as that is known now. */
  spoil(path: string, damage: FileDamage | undefined): void {
    this.#files = this.#files.map((file) => (file.path === path ? { ...file, damage } : file));
  }

  /** `output` is the file without the rows that were hidden; undefined when no row was left. Resolves
   *  when the old one has left the disk. */
  rewrite(file: DataFile, output: DataFile | undefined): Promise<void> {
    this.#files = this.#files.flatMap((one) => {
      if (one.path !== file.path) return [one];
      return output === undefined ? [] : [output];
    });
    return new Promise((resolve) => {
      this.#onGone.set(file.path, resolve);
      this.#use.retire(file);
    });
  }

  /** Indices of stitched flushes that are kept for their hashes. */
  get spent(): readonly string[] {
    return this.#spent.map(({ path }) => path);
  }

  /** A file that was never among `all`. */
  discard(file: DataFile): void {
    this.#use.retire(file);
  }

  /** An index found at start whose file has been stitched. */
  adoptSpent(index: SpentIndex): void {
    this.#spent = [...this.#spent, index];
  }

  /** Removes indices that are too old, or more than the memory for resends has room for. */
  trimSpent(limits: { readonly sinceMs: number; readonly rowsMax: number }): void {
    let rows = 0;
    const kept: SpentIndex[] = [];
    for (const index of this.#spent.toReversed()) {
      rows += index.rows;
      if (index.writtenAtMs >= limits.sinceMs && rows <= limits.rowsMax) kept.push(index);
      else this.#unlink(index.path);
    }
    this.#spent = kept.toReversed();
  }

  /** Resolves when everything that was to be unlinked so far is. */
  async settled(): Promise<void> {
    await this.#unlinking;
  }

  #unlinkFile(file: DataFile): void {
    if (!this.#stitched.delete(file.path) || file.index === undefined) {
      this.#unlink(file.path, indexPathOf(file.path));
      void this.settled().then(() => {
        this.#onGone.get(file.path)?.();
        this.#onGone.delete(file.path);
      });
      return;
    }
    this.#unlink(file.path);
    const { writtenAtMs, rows } = file.index.header;
    this.#spent = [...this.#spent, { path: indexPathOf(file.path), rows, writtenAtMs }];
  }

  /** One after another up to the first that fails: a file that stays keeps its index. */
  #unlink(...paths: readonly string[]): void {
    this.#unlinking = this.#unlinking.then(async () => {
      for (const path of paths) {
        try {
          await this.#deps.files.unlink(path);
        } catch (error) {
          return this.#deps.onError(path, error);
        }
      }
    });
  }
}

/** What files know of the traces that several of them have, put together. */

import type { TraceKeys } from '../segment-index.ts';
import type { IndexedFile, SharedView } from './shared-traces.ts';

export class SharedParts {
  readonly #view: SharedView;
  readonly #files: readonly IndexedFile[];
  readonly #byFlush = new Map<number, IndexedFile | undefined>();

  /** `files`: whose parts count. */
  constructor(view: SharedView, files: readonly IndexedFile[]) {
    this.#view = view;
    this.#files = files;
  }

  /** Undefined when none of the files has it. */
  keysOf(number: number): TraceKeys | undefined {
    let keys: TraceKeys | undefined;
    for (const part of this.#view.partsOf(number)) {
      const file = this.#fileOf(part.from);
      if (file === undefined || this.#isDeleted(file, number)) continue;
      keys = joined(keys, part);
    }
    return keys;
  }

  filesOf(number: number): ReadonlySet<IndexedFile> {
    const files = [...this.#view.partsOf(number)].map(({ from }) => this.#fileOf(from));
    return new Set(files.filter((file) => file !== undefined));
  }

  #isDeleted({ deleted }: IndexedFile, number: number): boolean {
    if (deleted === undefined || deleted.size === 0) return false;
    return deleted.has(Buffer.from(this.#view.packedIdOf(number), 'latin1').toString('hex'));
  }

  #fileOf(flush: number): IndexedFile | undefined {
    if (!this.#byFlush.has(flush)) {
      const file = this.#files.find(({ from, to }) => from <= flush && to >= flush);
      this.#byFlush.set(flush, file);
    }
    return this.#byFlush.get(flush);
  }
}

export function joined(a: TraceKeys | undefined, b: TraceKeys): TraceKeys {
  if (a === undefined) return b;
  return {
    startNano: a.startNano < b.startNano ? a.startNano : b.startNano,
    endNano: a.endNano > b.endNano ? a.endNano : b.endNano,
    spanCount: a.spanCount + b.spanCount,
    errorCount: a.errorCount + b.errorCount,
  };
}

/** Footers of the files read last: reading one takes longer than reading a trace. Bounded in bytes. */

import type { FileFooter } from './file-footer.ts';

const BYTES_MAX = 32 * 1024 * 1024;

interface Entry {
  readonly version: string;
  readonly footer: FileFooter;
}

export class FooterCache {
  readonly #bytesMax: number;
  /** In the order of use. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Undefined when the file has another version by now. */
  get(path: string, version: string): FileFooter | undefined {
    const entry = this.#entries.get(path);
    if (entry?.version !== version) return undefined;
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    return entry.footer;
  }

  put(path: string, version: string, footer: FileFooter): void {
    this.#remove(path);
    this.#entries.set(path, { version, footer });
    this.#bytes += footer.byteSize;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#remove(oldest);
    }
  }

  #remove(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    this.#bytes -= entry.footer.byteSize;
  }
}

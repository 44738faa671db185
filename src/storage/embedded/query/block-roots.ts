/** Of which services and names the roots of the traces in a block of an index are, kept from when the
 *  block was first read for its roots: a search for few roots reads only blocks that may have one then.
 *  Of a trace that several files have, each block counts the root (or else the first span) of its part,
 *  and one of these is that of the trace. */

import type { SegmentIndex } from '../segment-index.ts';

/** As far as they are few. */
export interface RootTexts {
  readonly services: ReadonlySet<string> | undefined;
  readonly names: ReadonlySet<string> | undefined;
}

/** More are not kept of a block. */
const TEXTS_MAX = 32;
const INTERNED_MAX = 10_000;

export class BlockRoots {
  readonly #known = new WeakMap<SegmentIndex, Map<number, RootTexts>>();
  /** One text for all blocks. */
  readonly #texts = new Map<string, string>();

  /** Undefined when the block was not read yet. */
  of(index: SegmentIndex, block: number): RootTexts | undefined {
    return this.#known.get(index)?.get(block);
  }

  add(
    index: SegmentIndex,
    block: number,
    { services, names }: Readonly<Record<keyof RootTexts, Set<string>>>,
  ): void {
    const ofFile = this.#known.get(index) ?? new Map<number, RootTexts>();
    ofFile.set(block, { services: this.#few(services), names: this.#few(names) });
    this.#known.set(index, ofFile);
  }

  #few(texts: Set<string>): ReadonlySet<string> | undefined {
    if (texts.size > TEXTS_MAX) return undefined;
    return new Set([...texts].map((text) => this.#interned(text)));
  }

  #interned(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= INTERNED_MAX) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}

/** Which traces of one file's index conditions on whole traces may be about. A block of traces is
 *  opened only when the bounds of their durations, and what is known of their roots, allow for one. */

import type { PossibleFacts, TraceCase } from '../../../filter/trace-conditions.ts';
import { BLOCK_TRACES } from '../index-ids.ts';
import type { BlockBounds, SegmentIndex } from '../segment-index.ts';
import type { BlockRoots } from './block-roots.ts';

export class TraceFacts {
  readonly ofDuration: boolean;
  readonly ofRoot: boolean;
  readonly #case: TraceCase;
  readonly #roots: BlockRoots;
  readonly #services = new Map<string, boolean>();
  readonly #names = new Map<string, boolean>();

  constructor(of: TraceCase, roots: BlockRoots) {
    this.#case = of;
    this.#roots = roots;
    this.ofDuration = of.asks.has('durationNano');
    this.ofRoot = of.asks.has('rootService') || of.asks.has('rootName');
  }

  /** Whether a trace of the block, whole in it, may be meant. */
  mayBeIn(index: SegmentIndex, block: number): boolean {
    const bounds = this.ofDuration ? index.bounds()?.[block] : undefined;
    const durationNano = bounds && between(bounds);
    return this.#case.mayBeFor({ durationNano }) && this.mayHaveRoot(index, block);
  }

  /** Whether the root of a part in the block may be one that is meant. */
  mayHaveRoot(index: SegmentIndex, block: number): boolean {
    const known = this.ofRoot ? this.#roots.of(index, block) : undefined;
    if (known === undefined) return true;
    const { services, names } = known;
    return this.#isAny('rootService', services) && this.#isAny('rootName', names);
  }

  /** Of traces whose root nobody has looked at. */
  mayLast({ startNano, endNano }: { startNano: bigint; endNano: bigint }): boolean {
    const nano = endNano - startNano;
    return this.#case.mayBeFor({ durationNano: { least: nano, most: nano } });
  }

  /** Each trace of a block in turn: whether its root is meant, and whether all it is. */
  *traces(index: SegmentIndex, block: number): Generator<TraceAnswer> {
    const services = new Set<string>();
    const names = new Set<string>();
    const end = Math.min((block + 1) * BLOCK_TRACES, index.traceCount);
    for (let position = block * BLOCK_TRACES; position < end; position++) {
      const root = this.ofRoot ? rootFacts(index, position) : {};
      if (root.rootService !== undefined) services.add(root.rootService);
      if (root.rootName !== undefined) names.add(root.rootName);
      const isRoot = !this.ofRoot || this.#case.mayBeFor(root);
      const isAll = isRoot && this.#case.mayBeFor({ ...root, ...this.#duration(index, position) });
      yield { position, isRoot, isAll };
    }
    if (this.ofRoot) this.#roots.add(index, block, { services, names });
  }

  #duration(index: SegmentIndex, position: number): PossibleFacts {
    if (!this.ofDuration) return {};
    const { startNano, endNano } = index.keysAt(position);
    const nano = endNano - startNano;
    return { durationNano: { least: nano, most: nano } };
  }

  #isAny(field: 'rootService' | 'rootName', texts: ReadonlySet<string> | undefined): boolean {
    if (texts === undefined) return true;
    for (const text of texts) if (this.#mayBeOf(field, text)) return true;
    return false;
  }

  #mayBeOf(field: 'rootService' | 'rootName', text: string): boolean {
    const known = field === 'rootService' ? this.#services : this.#names;
    const may = known.get(text) ?? this.#case.mayBeFor({ [field]: text });
    known.set(text, may);
    return may;
  }
}

export interface TraceAnswer {
  readonly position: number;
  readonly isRoot: boolean;
  readonly isAll: boolean;
}

function rootFacts(index: SegmentIndex, position: number): PossibleFacts {
  const { service, name } = index.rootAt(position);
  return { rootService: service, rootName: name };
}

/** Bounds count an end before the start as the start. */
function between({ shortest, longest }: BlockBounds) {
  return { least: shortest === 0n ? -(2n ** 64n) : shortest, most: longest };
}

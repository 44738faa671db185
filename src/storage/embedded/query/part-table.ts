/** What files know of traces that several of them have: parts, each in a few numbers, chained by
 *  trace. In columns, because there may be hundreds of thousands. */

import { IdFilter } from '../id-filter.ts';
import type { TraceKeys } from '../segment-index.ts';

export interface TracePart extends TraceKeys {
  /** The first flush of the file it was in when it was found. */
  readonly from: number;
}

const FIRST_LENGTH = 1024;

export class PartTable {
  /** Number of each trace by its id, 16 bytes as characters. */
  readonly #numbers = new Map<string, number>();
  readonly #ids: string[] = [];
  /** The last part of each trace, and of each part the one before it; -1: none. */
  readonly #last: number[] = [];
  #before = new Int32Array(FIRST_LENGTH);
  #from = new Float64Array(FIRST_LENGTH);
  #start = new BigUint64Array(FIRST_LENGTH);
  #end = new BigUint64Array(FIRST_LENGTH);
  #spans = new Uint32Array(FIRST_LENGTH);
  #errors = new Uint32Array(FIRST_LENGTH);
  length = 0;
  /** Of their ids: most traces asked for are not among them. */
  #filter = new IdFilter(FIRST_LENGTH);

  get traces(): number {
    return this.#ids.length;
  }

  numberOf(packedId: string): number | undefined {
    return this.#numbers.get(packedId);
  }

  packedIdOf(number: number): string {
    return this.#ids[number] ?? '';
  }

  add(packedId: string, part: TracePart): void {
    if (this.length === this.#before.length) this.#grow();
    let number = this.#numbers.get(packedId);
    if (number === undefined) {
      number = this.#ids.push(packedId) - 1;
      this.#numbers.set(packedId, number);
      this.#addToFilter(packedId);
    }
    const at = this.length++;
    this.#before[at] = this.#last[number] ?? -1;
    this.#last[number] = at;
    this.#from[at] = part.from;
    this.#start[at] = part.startNano;
    this.#end[at] = part.endNano;
    this.#spans[at] = part.spanCount;
    this.#errors[at] = part.errorCount;
  }

  /** False for most that are not here, and none that is. */
  mayHave(ids: Uint8Array, at: number): boolean {
    return this.#filter.mayHave(ids, at);
  }

  *of(number: number): Generator<TracePart> {
    for (let at = this.#last[number] ?? -1; at >= 0; at = this.#before[at] ?? -1) {
      yield {
        from: this.#from[at] ?? 0,
        startNano: this.#start[at] ?? 0n,
        endNano: this.#end[at] ?? 0n,
        spanCount: this.#spans[at] ?? 0,
        errorCount: this.#errors[at] ?? 0,
      };
    }
  }

  #addToFilter(packedId: string): void {
    if (this.traces <= this.#filter.capacity) {
      this.#filter.add(Buffer.from(packedId, 'latin1'), 0);
      return;
    }
    this.#filter = new IdFilter(this.traces * 2);
    for (const id of this.#ids) this.#filter.add(Buffer.from(id, 'latin1'), 0);
  }

  #grow(): void {
    const length = this.length * 2;
    const grown = <T extends { set(from: T): void }>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#before = grown(new Int32Array(length), this.#before);
    this.#from = grown(new Float64Array(length), this.#from);
    this.#start = grown(new BigUint64Array(length), this.#start);
    this.#end = grown(new BigUint64Array(length), this.#end);
    this.#spans = grown(new Uint32Array(length), this.#spans);
    this.#errors = grown(new Uint32Array(length), this.#errors);
  }
}

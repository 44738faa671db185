/** A bounded queue of lanes, served in turn: whoever asks much waits behind himself, not before
 *  others. */
export class FairQueue<T> {
  readonly #max: number;
  readonly #lanes = new Map<string, T[]>();
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** False when the queue is full. */
  add(lane: string, item: T): boolean {
    if (this.#size >= this.#max) return false;
    const items = this.#lanes.get(lane);
    if (items === undefined) this.#lanes.set(lane, [item]);
    else items.push(item);
    this.#size++;
    return true;
  }

  /** Puts an item before all others of its lane, and its lane first; never refused. */
  putBack(lane: string, item: T): void {
    const items = this.#lanes.get(lane) ?? [];
    const others = [...this.#lanes].filter(([name]) => name !== lane);
    this.#lanes.clear();
    this.#lanes.set(lane, [item, ...items]);
    for (const [name, waiting] of others) this.#lanes.set(name, waiting);
    this.#size++;
  }

  next(): T | undefined {
    const first = this.#lanes.entries().next().value;
    if (first === undefined) return undefined;
    const [lane, items] = first;
    const item = items.shift();
    this.#lanes.delete(lane);
    if (items.length > 0) this.#lanes.set(lane, items);
    this.#size--;
    return item;
  }

  remove(lane: string, item: T): boolean {
    const items = this.#lanes.get(lane);
    const at = items?.indexOf(item) ?? -1;
    if (items === undefined || at < 0) return false;
    items.splice(at, 1);
    if (items.length === 0) this.#lanes.delete(lane);
    this.#size--;
    return true;
  }
}

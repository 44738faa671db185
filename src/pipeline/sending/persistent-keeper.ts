/** Keeps queued batches in a key-value store, one key an item, numbered in order of arrival. An item
 *  is deleted when it is done with, so what an earlier process left is exactly what it had not
 *  finished: a restart loses nothing and may send an item twice. The key says how large the batch is:
 *  a queue of any length is known without its content. */
import type { Batch } from '../../component/consumer.ts';
import type { KeyValueStore } from '../../component/sending.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { decodeItem, encodeItem } from './item-codec.ts';
import type { Keeper, QueuedItem, Sizer } from './queue.ts';

const DIGITS = 16;
/** Number, items and bytes; the first versions wrote the number alone. */
const KEY = /^item-(\d{16})(?:-(\d+)-(\d+))?$/;

type Measure = Pick<Batch, 'count' | 'byteSize'>;

export class PersistentKeeper implements Keeper {
  readonly isPersistent = true;
  readonly #store: KeyValueStore;
  readonly #sizer: Sizer;
  readonly #logger: Logger;
  #next = 0;

  constructor(store: KeyValueStore, sizer: Sizer, logger: Logger) {
    this.#store = store;
    this.#sizer = sizer;
    this.#logger = logger;
  }

  async *restore(): AsyncIterable<QueuedItem> {
    const keys = (await this.#store.keys()).filter((key) => KEY.test(key)).toSorted();
    const last = keys.at(-1);
    if (last !== undefined) this.#next = Number(KEY.exec(last)?.[1]) + 1;
    for (const key of keys) {
      const measure = measureOf(key) ?? (await this.#read(key));
      if (measure !== undefined) yield this.#item(key, measure);
    }
  }

  async keep(batch: Batch): Promise<QueuedItem> {
    const { count, byteSize } = batch;
    const number = String(this.#next++).padStart(DIGITS, '0');
    const key = `item-${number}-${count}-${byteSize}`;
    await this.#store.set(key, encodeItem(batch));
    return this.#item(key, batch);
  }

  /** A damaged item is set aside under another key, so that somebody can look at it. */
  async #read(key: string): Promise<Batch | undefined> {
    const bytes = await this.#store.get(key);
    if (bytes === undefined) return undefined;
    try {
      return decodeItem(bytes);
    } catch (error) {
      this.#logger.error(
        { key, reason: messageOf(error) },
        'a queued batch is damaged and set aside',
      );
      await this.#store.set(`damaged-${key}`, bytes);
      await this.#store.delete(key);
      return undefined;
    }
  }

  #item(key: string, { count, byteSize }: Measure): QueuedItem {
    return {
      size: this.#sizer({ count, byteSize }),
      byteSize,
      read: () => this.#read(key),
      done: () => this.#store.delete(key),
    };
  }
}

function measureOf(key: string): Measure | undefined {
  const [, , count, byteSize] = KEY.exec(key) ?? [];
  if (count === undefined || byteSize === undefined) return undefined;
  return { count: Number(count), byteSize: Number(byteSize) };
}

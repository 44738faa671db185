/** Keeps queued batches in a key-value store, one key an item, numbered in order of arrival. An item
 *  is deleted when it is done with, so what an earlier process left is exactly what it had not
 *  finished: a restart loses nothing and may send an item twice. */
import type { Batch } from '../../component/consumer.ts';
import type { KeyValueStore } from '../../component/sending.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { decodeItem, encodeItem } from './item-codec.ts';
import type { Keeper, QueuedItem, Sizer } from './queue.ts';

const DIGITS = 16;
const KEY = /^item-(\d{16})$/;

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
      const item = await this.#read(key);
      if (item !== undefined) yield item;
    }
  }

  async keep(batch: Batch, size: number): Promise<QueuedItem> {
    const key = `item-${String(this.#next++).padStart(DIGITS, '0')}`;
    await this.#store.set(key, encodeItem(batch));
    return this.#item(key, batch, size);
  }

  /** A damaged item is set aside under another key, so that somebody can look at it. */
  async #read(key: string): Promise<QueuedItem | undefined> {
    const bytes = await this.#store.get(key);
    if (bytes === undefined) return undefined;
    try {
      const batch = decodeItem(bytes);
      return this.#item(key, batch, this.#sizer(batch));
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

  #item(key: string, batch: Batch, size: number): QueuedItem {
    return { batch, size, done: () => this.#store.delete(key) };
  }
}

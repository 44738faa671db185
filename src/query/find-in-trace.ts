/** Text search inside one trace, for the find box: a span matches when every word is somewhere in
 *  it, without regard to case. Works on columns: a word is looked for in each string of the table
 *  once, a span then only looks up numbers. */

import { AttributeType } from '../model/attribute.ts';
import { holdsString } from '../model/batch/gather.ts';
import type { AttributeTable, SpanBatch } from '../model/batch/span-batch.ts';
import { doubleFromWords } from '../model/batch/view.ts';
import { hexAt } from '../model/ids.ts';
import { bigNanoFromWords } from '../model/time.ts';

/** The words of a query: split at spaces, quotes keep them together. */
export function wordsOf(query: string): string[] {
  const words = query.match(/"[^"]*"|\S+/g) ?? [];
  return words.map((word) => word.replaceAll('"', '').toLowerCase()).filter((word) => word !== '');
}

/** Rows of the matching spans, ascending. No words match nothing. */
export function findInTrace(batch: SpanBatch, query: string): number[] {
  const words = wordsOf(query);
  if (words.length === 0) return [];
  const finders = words.map((word) => new WordFinder(batch, word));
  const rows: number[] = [];
  for (let row = 0; row < batch.count; row++) {
    if (finders.every((finder) => finder.isIn(row))) rows.push(row);
  }
  return rows;
}

/** Sides of a `key=value` word: the key must end with one, the value begin with the other. */
interface Pair {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  readonly valueText: string;
}

class WordFinder {
  readonly #batch: SpanBatch;
  readonly #word: string;
  /** 1 for each string that has the word in it. */
  readonly #strings: Uint8Array;
  readonly #pair: Pair | undefined;
  readonly #resources: Uint8Array;

  constructor(batch: SpanBatch, word: string) {
    this.#batch = batch;
    this.#word = word;
    const texts = lowerTexts(batch);
    const having = (test: (text: string) => boolean): Uint8Array =>
      Uint8Array.from(texts, (text) => (test(text) ? 1 : 0));
    this.#strings = having((text) => text.includes(word));
    const equals = word.indexOf('=');
    if (equals > 0) {
      const [key, value] = [word.slice(0, equals), word.slice(equals + 1)];
      this.#pair = {
        keys: having((text) => text.endsWith(key)),
        values: having((text) => text.startsWith(value)),
        valueText: value,
      };
    }
    this.#resources = Uint8Array.from({ length: batch.resources.count }, (_, row) =>
      this.#inAttributes(batch.resources.attributes, row) ? 1 : 0,
    );
  }

  isIn(row: number): boolean {
    const { spans } = this.#batch;
    return (
      this.#inFields(row) ||
      this.#resources[spans.columns.resources[row] ?? 0] === 1 ||
      this.#inAttributes(spans.attributes, row) ||
      this.#inEvents(row) ||
      this.#inLinks(row)
    );
  }

  #inFields(row: number): boolean {
    const { spans, scopes } = this.#batch;
    const { names, statusMessages, spanIds } = spans.columns;
    return (
      this.#has(names[row]) ||
      this.#has(statusMessages[row]) ||
      this.#has(scopes.columns.names[spans.columns.scopes[row] ?? 0]) ||
      hexAt(spanIds, row * 8, 8).includes(this.#word)
    );
  }

  #inEvents(row: number): boolean {
    const { starts, columns, attributes } = this.#batch.events;
    for (let i = starts[row] ?? 0; i < (starts[row + 1] ?? 0); i++) {
      if (this.#has(columns.names[i]) || this.#inAttributes(attributes, i)) return true;
    }
    return false;
  }

  #inLinks(row: number): boolean {
    const { starts, columns, attributes } = this.#batch.links;
    for (let i = starts[row] ?? 0; i < (starts[row + 1] ?? 0); i++) {
      const ids = `${hexAt(columns.traceIds, i * 16, 16)} ${hexAt(columns.spanIds, i * 8, 8)}`;
      if (ids.includes(this.#word) || this.#inAttributes(attributes, i)) return true;
    }
    return false;
  }

  #inAttributes(table: AttributeTable, owner: number): boolean {
    for (let at = table.starts[owner] ?? 0; at < (table.starts[owner + 1] ?? 0); at++) {
      if (this.#has(table.keys[at]) || this.#inValue(table, at) || this.#inPair(table, at)) {
        return true;
      }
    }
    return false;
  }

  #inValue(table: AttributeTable, at: number): boolean {
    if (holdsString(table.types[at] ?? 0)) return this.#has(table.values[at * 2]);
    return scalarText(table, at).includes(this.#word);
  }

  #inPair(table: AttributeTable, at: number): boolean {
    const pair = this.#pair;
    if (pair === undefined || pair.keys[table.keys[at] ?? 0] !== 1) return false;
    if (holdsString(table.types[at] ?? 0)) return pair.values[table.values[at * 2] ?? 0] === 1;
    return scalarText(table, at).startsWith(pair.valueText);
  }

  #has(id: number | undefined): boolean {
    return id !== undefined && this.#strings[id] === 1;
  }
}

function lowerTexts(batch: SpanBatch): string[] {
  return Array.from({ length: batch.strings.count }, (_, id) =>
    batch.strings.text(id).toLowerCase(),
  );
}

/** '' for types that have no text of their own. */
function scalarText(table: AttributeTable, at: number): string {
  const low = table.values[at * 2] ?? 0;
  const high = table.values[at * 2 + 1] ?? 0;
  switch (table.types[at]) {
    case AttributeType.bool:
      return low === 0 ? 'false' : 'true';
    case AttributeType.int:
      return BigInt.asIntN(64, bigNanoFromWords(low, high)).toString();
    case AttributeType.double:
      return String(doubleFromWords(low, high)).toLowerCase();
    default:
      return '';
  }
}

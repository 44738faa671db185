/** Attributes of resources and scopes by key: which of them are columns, and in what order, differs
 *  between row groups, and how a trace reads must not depend on those it is read together with. */

import type { GrowingAttributes } from '../../../model/batch/builder.ts';
import type { StringInterner } from '../../../model/batch/string-table.ts';

/** Those from the place `from` on; several of one key keep their order. */
export function sortAttributes(
  table: GrowingAttributes,
  from: number,
  strings: StringInterner,
): void {
  const { keys, types, values, count } = table;
  const found = Array.from({ length: count - from }, (_, i) => ({
    text: strings.text(keys[from + i] ?? 0),
    key: keys[from + i] ?? 0,
    type: types[from + i] ?? 0,
    low: values[(from + i) * 2] ?? 0,
    high: values[(from + i) * 2 + 1] ?? 0,
  }));
  found.sort((a, b) => (a.text === b.text ? 0 : a.text < b.text ? -1 : 1));
  for (const [i, { key, type, low, high }] of found.entries()) {
    keys[from + i] = key;
    types[from + i] = type;
    values[(from + i) * 2] = low;
    values[(from + i) * 2 + 1] = high;
  }
}

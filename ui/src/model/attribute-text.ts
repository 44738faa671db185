/** Attribute values as text. */

import type { Attribute } from '#contract';

/** On one line where the value is; JSON inside a string stays as it was sent. */
export function valueText(value: Attribute['value']): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A JSON object or array, laid out: arrays and kvlists come so, and people put it in strings.
 *  Undefined for other values. */
export function prettyJson(value: Attribute['value']): string | undefined {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return undefined;
  try {
    return JSON.stringify(JSON.parse(value), undefined, 2);
  } catch {
    return undefined;
  }
}

/** Those whose key or value contains the text. */
export function filterAttributes(items: readonly Attribute[], text: string): readonly Attribute[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return items;
  return items.filter(
    ({ key, value }) =>
      key.toLowerCase().includes(wanted) || valueText(value).toLowerCase().includes(wanted),
  );
}

export function attributesJson(items: readonly Attribute[]): string {
  return JSON.stringify(
    Object.fromEntries(items.map(({ key, value }) => [key, value])),
    undefined,
    2,
  );
}

/** A stack trace's lines; those of runtimes and libraries are rarely the cause. */
export function stackLines(text: string): { text: string; isForeign: boolean }[] {
  const foreign =
    /node:internal|node_modules|site-packages|\/lib\/python|\bjava\.base\b|\bjdk\.|\bsun\.|\borg\.springframework|<anonymous>$/;
  return text.split('\n').map((line) => ({ text: line, isForeign: foreign.test(line) }));
}

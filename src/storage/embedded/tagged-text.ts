/** Attributes, events and links as one text a span, for what has no column of its own. Lossless,
 *  and made so that looking for a substring decides equality exactly: every part stands between
 *  control characters that can not occur inside a part (there they are escaped).
 *
 *    attributes   US key GS type text US key GS type text US
 *    events       RS name GS delay GS dropped  US … US   RS …
 *    links        RS trace-id span-id GS flags GS dropped GS trace state  US … US   RS …
 *
 *  `delay` is the event's time minus the span's start in ns, decimal. Types are one letter:
 *  s string, i int, d double, t bool, n empty, a array, k kvlist, b bytes. Arrays, kvlists and
 *  bytes are their raw bytes as text, or as base64 with the letter in upper case when they are no
 *  text. */

/** Ends and begins attributes. */
export const UNIT = '\u001f';
/** Begins an event or link. */
export const RECORD = '\u001e';
/** Between the parts of one. */
export const GROUP = '\u001d';
const ESCAPE = '\u0010';

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const SPECIAL = /[\u0000\u0010\u001d-\u001f]/;
// oxlint-disable-next-line no-control-regex -- as above
const SPECIALS = /[\u0000\u0010\u001d-\u001f]/g;
// oxlint-disable-next-line no-control-regex -- as above
const ESCAPED = /\u0010([@-_])/g;

/** Text as it stands between separators. */
export function escapeText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replaceAll(
    SPECIALS,
    (char) => ESCAPE + String.fromCharCode(char.charCodeAt(0) + 0x40),
  );
}

export function unescapeText(text: string): string {
  if (!text.includes(ESCAPE)) return text;
  return text.replaceAll(ESCAPED, (_, char: string) =>
    String.fromCharCode(char.charCodeAt(0) - 0x40),
  );
}

/** The text of a string, int, double or bool as columns of tagged text hold it. Equal to the text
 *  form `looseEquals` compares, apart from escapes and the sign of -0. */
export function scalarText(value: string | bigint | number | boolean): string {
  if (typeof value === 'string') return escapeText(value);
  return Object.is(value, -0) ? '-0' : String(value);
}

export type ScalarType = 'string' | 'int' | 'double' | 'bool';

const LETTERS: Record<ScalarType, string> = { string: 's', int: 'i', double: 'd', bool: 't' };

/** What a tagged text contains exactly when one of its attributes has this key and value.
 *  A double's text is that of JavaScript; -0 and 0 differ, and so do NaNs by their bits. */
export function needle(key: string, type: ScalarType, text: string): string {
  return `${keyNeedle(key)}${LETTERS[type]}${escapeText(text)}${UNIT}`;
}

/** What a tagged text contains exactly when one of its attributes has this key. */
export function keyNeedle(key: string): string {
  return UNIT + escapeText(key) + GROUP;
}

/** What `events` contains exactly when one of them has this name. */
export function eventNameNeedle(name: string): string {
  return RECORD + escapeText(name) + GROUP;
}

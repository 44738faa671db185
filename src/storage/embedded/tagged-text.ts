/** Attributes, events and links as one text a span, for what has no column of its own. Lossless,
 *  and made so that looking for a substring decides equality exactly: every part stands between
 *  control characters that can not occur inside a part (there they are escaped).
 *
 *    attributes   US key GS type text US key GS type text US
 *    events       RS name GS delay GS dropped  US … US   RS …
 *    links        RS ids GS flags GS dropped GS trace state  US … US   RS …
 *
 *  `ids` are hex: 48 digits of trace and span, 16 of a span of the own trace, none for the own parent.
 *  `delay` is the event's time minus the span's start in ns, decimal. Types are one letter:
 *  s string, i int, d double, t bool, n empty, a array, k kvlist, b bytes. Arrays, kvlists and
 *  bytes are their raw bytes as text, or as base64 with the letter in upper case when they are no
 *  text. */

import { decodeArray, decodeKvlist } from '../../model/any-value.ts';
import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import type { EventValue, LinkValue } from '../../model/batch/view.ts';

const encoder = new TextEncoder();
// A key may begin with U+FEFF.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

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

export type ScalarType = 'string' | 'int' | 'double' | 'bool';

const LETTERS: Record<ScalarType, string> = { string: 's', int: 'i', double: 'd', bool: 't' };

/** Stands before the value's text. */
export const typeLetter = (type: ScalarType): string => LETTERS[type];

/** What a tagged text contains exactly when one of its attributes has this key and value.
 *  A double's text is that of JavaScript; -0 and 0 differ, and so do NaNs by their bits. */
export function needle(key: string, type: ScalarType, text: string): string {
  return `${keyNeedle(key)}${LETTERS[type]}${escapeText(text)}${UNIT}`;
}

/** What a tagged text contains exactly when one of its attributes has this key. */
export function keyNeedle(key: string): string {
  return UNIT + escapeText(key) + GROUP;
}

/** The attributes of a rest column, an event or a link, in their order. Throws RangeError when the
 *  text is not one this program wrote. */
export function readAttributes(text: string): KeyValue[] {
  return parts(text, UNIT).map((attribute) => {
    const [key, value] = pair(attribute);
    return { key: unescapeText(key), value: readValue(value.charAt(0), value.slice(1)) };
  });
}

const UNIT_BYTE = 0x1f;
const GROUP_BYTE = 0x1d;
const RECORD_BYTE = 0x1e;

/** The keys that stand in a tagged text, of a span's attributes, events or links. */
export function* keysOfTaggedText(tagged: Uint8Array): Generator<string> {
  for (let at = tagged.indexOf(UNIT_BYTE); at >= 0; at = tagged.indexOf(UNIT_BYTE, at + 1)) {
    // The last one of a record or of the text has no attribute behind it.
    if (at + 1 === tagged.length || tagged[at + 1] === RECORD_BYTE) continue;
    const end = tagged.indexOf(GROUP_BYTE, at);
    if (end < 0) throw new RangeError('tagged text: an attribute without a value');
    yield unescapeText(decoder.decode(tagged.subarray(at + 1, end)));
  }
}

/** The events of a span that starts at `startNano`. */
export function readEvents(text: string, startNano: bigint): EventValue[] {
  return records(text).map(({ head: [name = '', delay = '0', dropped = '0'], attributes }) => ({
    timeNano: BigInt.asUintN(64, startNano + BigInt(delay)),
    name: unescapeText(name),
    droppedAttributes: Number(dropped),
    attributes: readAttributes(attributes),
  }));
}

const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

/** Of a span of this trace, with this parent. */
export function readLinks(text: string, traceId: string, parentSpanId: string): LinkValue[] {
  return records(text).map(
    ({ head: [ids = '', flags = '0', dropped = '0', state = ''], ...rest }) => ({
      traceId: ids.length > SPAN_DIGITS ? ids.slice(0, TRACE_DIGITS) : traceId,
      spanId: ids === '' ? parentSpanId : ids.slice(-SPAN_DIGITS),
      traceState: unescapeText(state),
      flags: Number(flags),
      droppedAttributes: Number(dropped),
      attributes: readAttributes(rest.attributes),
    }),
  );
}

function records(text: string): { head: string[]; attributes: string }[] {
  const [before, ...found] = text.split(RECORD);
  if (before !== '') throw new RangeError('tagged text: something before the first record');
  return found.map((record) => {
    const end = record.indexOf(UNIT);
    if (end < 0) throw new RangeError('tagged text: a record without an end');
    return { head: record.slice(0, end).split(GROUP), attributes: record.slice(end) };
  });
}

/** What stands between separators, of which one opens and one ends the text. */
function parts(text: string, separator: string): string[] {
  const found = text.split(separator);
  if (found.length < 2 || found[0] !== '' || found.at(-1) !== '') {
    throw new RangeError('tagged text: it does not begin and end with a separator');
  }
  return found.slice(1, -1);
}

function pair(attribute: string): [string, string] {
  const at = attribute.indexOf(GROUP);
  if (at < 0) throw new RangeError('tagged text: an attribute without a value');
  return [attribute.slice(0, at), attribute.slice(at + 1)];
}

function readValue(letter: string, text: string): AttributeValue {
  switch (letter) {
    case 's':
      return { type: 'string', value: unescapeText(text) };
    case 'S':
      return { type: 'string', value: new TextDecoder().decode(rawBytes(letter, text)) };
    case 'i':
      return { type: 'int', value: BigInt(text) };
    case 'd':
      return { type: 'double', value: Number(text) };
    case 'D':
      return { type: 'double', value: doubleOfBits(BigInt(`0x${text}`)) };
    case 't':
      return { type: 'bool', value: text === 'true' };
    case 'n':
      return { type: 'empty' };
    default:
      return readNested(letter.toLowerCase(), rawBytes(letter, text));
  }
}

function readNested(letter: string, bytes: Uint8Array): AttributeValue {
  switch (letter) {
    case 'a':
      return { type: 'array', value: decodeArray(bytes) };
    case 'k':
      return { type: 'kvlist', value: decodeKvlist(bytes) };
    case 'b':
      return { type: 'bytes', value: bytes };
    default:
      throw new RangeError(`tagged text: type ${JSON.stringify(letter)} is not known`);
  }
}

/** The bytes of an array, kvlist or bytes value as they were sent. */
export function rawBytes(letter: string, text: string): Uint8Array {
  const isText = letter === letter.toLowerCase();
  return isText ? encoder.encode(unescapeText(text)) : new Uint8Array(Buffer.from(text, 'base64'));
}

function doubleOfBits(bits: bigint): number {
  return new DataView(BigUint64Array.of(bits).buffer).getFloat64(0, true);
}

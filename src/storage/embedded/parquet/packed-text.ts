/** Strings that stand for fewer bytes than they have: UUIDs in their canonical text (36 characters,
 *  small letters) are 16 bytes, IPv4 addresses without needless zeros are a number. Read back they
 *  are that text again; any other spelling stays a string. */

import type { BytesColumn, ReadColumn } from './read-column.ts';

export const PACKED_TYPES = ['uuid', 'ipv4'] as const;
export type PackedType = (typeof PACKED_TYPES)[number];

const UUID_BYTES = 16;
const IPV4_BYTES = 4;
export const PACKED_BYTES: Record<PackedType, number> = { uuid: UUID_BYTES, ipv4: IPV4_BYTES };
const UUID_CHARACTERS = 36;
const DASH = 0x2d;
/** Of each character code its digit, 255 for none. */
const DIGITS = new Uint8Array(256).fill(255);
const HEX = new TextEncoder().encode('0123456789abcdef');
HEX.forEach((digit, value) => (DIGITS[digit] = value));

const isDash = (place: number): boolean =>
  place === 8 || place === 13 || place === 18 || place === 23;

/** Writes what text[start, end) stands for to out[at, …); false when it is of another form. */
// oxlint-disable-next-line max-params -- ranges of arrays, once a value
type Pack = (text: Uint8Array, start: number, end: number, out: Uint8Array, at: number) => boolean;

export const PACKERS: Record<PackedType, Pack> = { uuid: packUuid, ipv4: packIpv4 };

// oxlint-disable-next-line max-params -- see above
function packUuid(
  text: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): boolean {
  if (end - start !== UUID_CHARACTERS) return false;
  let to = at;
  for (let place = 0; place < UUID_CHARACTERS;) {
    if (isDash(place)) {
      if (text[start + place] !== DASH) return false;
      place++;
      continue;
    }
    const high = DIGITS[text[start + place]!]!;
    const low = DIGITS[text[start + place + 1]!]!;
    if ((high | low) > 15) return false;
    out[to++] = (high << 4) | low;
    place += 2;
  }
  return true;
}

const DOT = 0x2e;
const ZERO = 0x30;
const IPV4_CHARACTERS_MIN = 7;
const IPV4_CHARACTERS_MAX = 15;

/** A number of 32 bits, its lowest byte first: the last part of the address. */
// oxlint-disable-next-line max-params -- see above
function packIpv4(
  text: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): boolean {
  if (end - start < IPV4_CHARACTERS_MIN || end - start > IPV4_CHARACTERS_MAX) return false;
  let place = start;
  for (let part = IPV4_BYTES - 1; part >= 0; part--) {
    let stop = place;
    if (part === 0) stop = end;
    else while (stop < end && text[stop] !== DOT) stop++;
    const value = byteOf(text, place, stop);
    if (value < 0) return false;
    out[at + part] = value;
    place = stop + 1;
  }
  return true;
}

/** The number from 0 to 255 that text[start, end) is; -1 when it is none. */
function byteOf(text: Uint8Array, start: number, end: number): number {
  const digits = end - start;
  if (digits < 1 || digits > 3 || (digits > 1 && text[start] === ZERO)) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = text[i]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value < 256 ? value : -1;
}

/** The column of the texts that a packed column stands for. */
export function unpackedColumn(column: ReadColumn, type: PackedType): ReadColumn {
  if (type === 'uuid') {
    if (column.kind !== 'bytes') throw new RangeError('UUIDs that are no bytes');
    return { ...column, ...uuidTexts(column.bytes, column.offsets) };
  }
  if (column.kind !== 'number') throw new RangeError('addresses that are no numbers');
  const { name, isNull, values } = column;
  return { name, isNull, kind: 'bytes', ...ipv4Texts(values, isNull) };
}

type Texts = Pick<BytesColumn, 'bytes' | 'offsets'>;

/** A value that is empty has no text. */
function uuidTexts(bytes: Uint8Array, offsets: Uint32Array): Texts {
  const out = new Uint8Array((bytes.length / UUID_BYTES) * UUID_CHARACTERS);
  const texts = new Uint32Array(offsets.length);
  let to = 0;
  for (let i = 0; i + 1 < offsets.length; i++) {
    const at = offsets[i]!;
    if (offsets[i + 1]! > at) {
      unpackUuid(bytes, at, out, to);
      to += UUID_CHARACTERS;
    }
    texts[i + 1] = to;
  }
  return { bytes: out, offsets: texts };
}

// oxlint-disable-next-line max-params -- see above
function unpackUuid(bytes: Uint8Array, at: number, out: Uint8Array, to: number): void {
  let from = at;
  for (let place = 0; place < UUID_CHARACTERS;) {
    if (isDash(place)) {
      out[to + place++] = DASH;
      continue;
    }
    const byte = bytes[from++]!;
    out[to + place++] = HEX[byte >> 4]!;
    out[to + place++] = HEX[byte & 15]!;
  }
}

function ipv4Texts(values: Float64Array, isNull: Uint8Array | undefined): Texts {
  const out = new Uint8Array(values.length * IPV4_CHARACTERS_MAX);
  const offsets = new Uint32Array(values.length + 1);
  let to = 0;
  for (let i = 0; i < values.length; i++) {
    if (isNull?.[i] !== 1) to = unpackIpv4(values[i]!, out, to);
    offsets[i + 1] = to;
  }
  return { bytes: out, offsets };
}

function unpackIpv4(value: number, out: Uint8Array, at: number): number {
  let to = at;
  for (let shift = 24; shift >= 0; shift -= 8) {
    to = writeDecimal((value >>> shift) & 0xff, out, to);
    if (shift > 0) out[to++] = DOT;
  }
  return to;
}

function writeDecimal(byte: number, out: Uint8Array, at: number): number {
  let to = at;
  if (byte > 99) out[to++] = ZERO + Math.floor(byte / 100);
  if (byte > 9) out[to++] = ZERO + (Math.floor(byte / 10) % 10);
  out[to++] = ZERO + (byte % 10);
  return to;
}

const encoder = new TextEncoder();

/** The bytes that a text stands for; undefined when it is of another form. */
export function packText(text: string, type: PackedType): Uint8Array | undefined {
  const bytes = encoder.encode(text);
  const out = new Uint8Array(PACKED_BYTES[type]);
  return PACKERS[type](bytes, 0, bytes.length, out, 0) ? out : undefined;
}

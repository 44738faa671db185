/** Strings that are UUIDs in their canonical text (36 characters, small letters) are stored as the 16
 *  bytes they stand for, and read back as that text. Any other spelling stays a string. */

export const UUID_BYTES = 16;
const UUID_CHARACTERS = 36;
const DASH = 0x2d;
/** Of each character code its digit, 255 for none. */
const DIGITS = new Uint8Array(256).fill(255);
const HEX = new TextEncoder().encode('0123456789abcdef');
HEX.forEach((digit, value) => (DIGITS[digit] = value));

const isDash = (place: number): boolean =>
  place === 8 || place === 13 || place === 18 || place === 23;

/** Writes the UUID of text[start, end) to out[at, at + 16); false when it is none. */
// oxlint-disable-next-line max-params -- ranges of arrays, once a value
export function packUuid(
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

/** Of byte strings their texts; one that is empty stays so. */
export function uuidTexts(
  bytes: Uint8Array,
  offsets: Uint32Array,
): { bytes: Uint8Array; offsets: Uint32Array } {
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

// oxlint-disable-next-line max-params -- ranges of arrays, once a value
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

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}

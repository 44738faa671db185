/** Trace and span ids: 16 and 8 raw bytes in columns, lower-case hex at the edges. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;

/** Lower-case hex of `length` bytes that begin at `offset`. */
export function hexAt(bytes: Uint8Array, offset: number, length: number): string {
  let out = '';
  for (let i = offset; i < offset + length; i++) out += HEX[bytes[i] ?? 0];
  return out;
}

/** Reads hex of exactly `length` bytes; `undefined` when it is not that. Upper case is accepted. */
export function bytesFromHex(hex: string, length: number): Uint8Array | undefined {
  if (hex.length !== length * 2) return undefined;
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const high = hexDigit(hex.charCodeAt(i * 2));
    const low = hexDigit(hex.charCodeAt(i * 2 + 1));
    if (high < 0 || low < 0) return undefined;
    out[i] = high * 16 + low;
  }
  return out;
}

/** True when all `length` bytes at `offset` are zero, which OTLP means as "no id". */
export function isZeroAt(bytes: Uint8Array, offset: number, length: number): boolean {
  for (let i = offset; i < offset + length; i++) if (bytes[i] !== 0) return false;
  return true;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

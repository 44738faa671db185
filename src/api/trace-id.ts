/** Trace ids as people write them: hex of up to 32 digits, short or unpadded too, or base64. */

import { hexAt } from '../model/ids.ts';

const HEX = /^[0-9a-fA-F]{1,32}$/;
const BASE64 = /^[A-Za-z0-9+/_-]{1,24}={0,2}$/;

/** 32 lower-case digits; undefined when the text is no trace id. */
export function parseTraceId(text: string): string | undefined {
  if (HEX.test(text)) return text.toLowerCase().padStart(32, '0');
  if (!BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== 16 && bytes.length !== 8) return undefined;
  return hexAt(bytes, 0, bytes.length).padStart(32, '0');
}

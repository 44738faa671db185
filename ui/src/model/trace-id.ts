/** Trace ids as people paste them: any case, short, with spaces or a 0x. */

/** 32 lower-case hex digits; undefined when it is no id. */
export function canonicalTraceId(text: string): string | undefined {
  const hex = text.trim().toLowerCase().replace(/^0x/, '').replaceAll('-', '');
  return /^[0-9a-f]{1,32}$/.test(hex) ? hex.padStart(32, '0') : undefined;
}

/** Enough of an id for a person to tell two apart. */
export function shortTraceId(traceId: string): string {
  return traceId.replace(/^0{16}/, '').slice(0, 7);
}

/** Times as RFC 3339 writes them, to the nanosecond: Date keeps milliseconds. */

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Nanoseconds since 1970; undefined when the text is no such time. */
export function parseRfc3339(text: string): bigint | undefined {
  const [, seconds, fraction = '', zone] = TIME.exec(text) ?? [];
  const ms = Date.parse(`${seconds}${zone}`);
  if (seconds === undefined || Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

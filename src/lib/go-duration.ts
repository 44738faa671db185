/** Durations as Go prints and reads them ("1h15m30.918s", "300ms"): Jaeger's API and the Collector's
 *  YAML both speak this. Whole nanoseconds, so nothing is lost. */

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const WHOLE = /^([+-])?((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const PART = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g;

/** Nanoseconds; undefined when the text is no duration. A bare "0" is one, other bare numbers are
 *  not. Fractions below a nanosecond are cut off. */
export function parseGoDuration(text: string): bigint | undefined {
  if (text === '0') return 0n;
  const [, sign, body] = WHOLE.exec(text) ?? [];
  if (body === undefined) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of body.matchAll(PART)) {
    const scale = UNITS[unit] ?? 0n;
    total += BigInt(whole || '0') * scale;
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return sign === '-' ? -total : total;
}

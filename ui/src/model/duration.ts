/** Durations for people: three significant digits, the unit that fits. */

const UNITS = [
  { unit: 'ns', nano: 1 },
  { unit: 'µs', nano: 1e3 },
  { unit: 'ms', nano: 1e6 },
  { unit: 's', nano: 1e9 },
  { unit: 'min', nano: 60e9 },
  { unit: 'h', nano: 3600e9 },
  { unit: 'd', nano: 86_400e9 },
] as const;

const PARSED_UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9,
};

/** "1.23 ms"; 999.6 µs is "1 ms", never "1000 µs"; nothing is "0". */
export function formatDuration(nano: number): string {
  if (nano === 0) return '0';
  const size = Math.abs(nano);
  let chosen: (typeof UNITS)[number] = UNITS[0];
  for (const candidate of UNITS) if (round3(size / candidate.nano) >= 1) chosen = candidate;
  return `${formatNumber(nano / chosen.nano)} ${chosen.unit}`;
}

/** Go's form, which Jaeger's URLs use: "1.5s", "300ms", "1m30s". Undefined when it is not that. */
export function parseDuration(text: string): number | undefined {
  const compact = text.replaceAll(/\s+/g, '');
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|min|s|m|h))+$/.test(compact)) return undefined;
  let nano = 0;
  for (const [, count, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|min|s|m|h)/g)) {
    nano += Number(count) * (PARSED_UNITS[unit ?? ''] ?? 0);
  }
  return nano;
}

function round3(value: number): number {
  return Number(value.toPrecision(3));
}

function formatNumber(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return String(round3(value));
}

/** Numbers and times in the page's language. Formatters are costly to make, so each is made once. */

const cache = new Map<string, Intl.DateTimeFormat>();
const numbers = new Map<string, Intl.NumberFormat>();
const relatives = new Map<string, Intl.RelativeTimeFormat>();

function once<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

export function formatCount(locale: string, value: number): string {
  return once(numbers, locale, () => new Intl.NumberFormat(locale)).format(value);
}

/** Date and time to the second, 24 hours, in the browser's zone. */
export function formatInstant(locale: string, epochMs: number): string {
  const options = { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' } as const;
  return once(cache, `i${locale}`, () => new Intl.DateTimeFormat(locale, options)).format(epochMs);
}

/** Time of day to the millisecond. */
export function formatClock(locale: string, epochMs: number): string {
  const options = {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
  } as const;
  return once(cache, `c${locale}`, () => new Intl.DateTimeFormat(locale, options)).format(epochMs);
}

/** Month, day, hour and minute: an axis label. */
export function formatShortInstant(locale: string, epochMs: number, withDate: boolean): string {
  const date = withDate ? ({ month: 'short', day: 'numeric' } as const) : {};
  const options = { ...date, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const key = `s${withDate}${locale}`;
  return once(cache, key, () => new Intl.DateTimeFormat(locale, options)).format(epochMs);
}

const STEPS = [
  { unit: 'day', ms: 86_400_000 },
  { unit: 'hour', ms: 3_600_000 },
  { unit: 'minute', ms: 60_000 },
  { unit: 'second', ms: 1000 },
] as const;

/** "5 minutes ago". */
export function formatAgo(locale: string, epochMs: number, nowMs: number): string {
  const options = { numeric: 'auto', style: 'short' } as const;
  const format = once(relatives, locale, () => new Intl.RelativeTimeFormat(locale, options));
  const passed = nowMs - epochMs;
  const step = STEPS.find(({ ms }) => Math.abs(passed) >= ms);
  return step === undefined
    ? format.format(0, 'second')
    : format.format(-Math.trunc(passed / step.ms), step.unit);
}

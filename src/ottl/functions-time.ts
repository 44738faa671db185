/** Converters of times: parts of a time in UTC, from and to text by strptime's letters. */

import { OttlError } from './error.ts';
import { intArgument, type OttlFunction, textArgument, wrong } from './function.ts';
import { OttlDuration, OttlTime, type Value } from './value.ts';

const NANOS_PER_MS = 1_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;

const partOf = (read: (date: Date, time: OttlTime) => number): OttlFunction => ({
  parameters: ['time'],
  call: ([value = null]) => {
    const time = timeArgument(value);
    return BigInt(read(dateOf(time), time));
  },
});

export const TIME_FUNCTIONS: Readonly<Record<string, OttlFunction>> = {
  Now: { parameters: [], call: () => new OttlTime(BigInt(Date.now()) * NANOS_PER_MS) },
  Unix: {
    parameters: ['seconds', 'nanoseconds?'],
    call: ([seconds = null, nanos = 0n]) =>
      new OttlTime(BigInt(intArgument(seconds)) * NANOS_PER_SECOND + BigInt(intArgument(nanos))),
  },
  Time: {
    parameters: ['target', 'format', 'location?', 'locale?'],
    prepare: ([, , location, locale]) => requireUtc(location, locale),
    call: ([target = null, format = null, location, locale]) => {
      requireUtc(location, locale);
      return parsed(textArgument(target), textArgument(format));
    },
  },
  FormatTime: {
    parameters: ['time', 'format'],
    call: ([time = null, format = null]) => written(timeArgument(time), textArgument(format)),
  },
  TruncateTime: {
    parameters: ['time', 'duration'],
    call: ([time = null, duration = null]) => {
      if (!(duration instanceof OttlDuration)) throw wrong('a duration', duration);
      const { nano } = timeArgument(time);
      return duration.nano <= 0n ? new OttlTime(nano) : new OttlTime(nano - (nano % duration.nano));
    },
  },
  Year: partOf((date) => date.getUTCFullYear()),
  Month: partOf((date) => date.getUTCMonth() + 1),
  Day: partOf((date) => date.getUTCDate()),
  Hour: partOf((date) => date.getUTCHours()),
  Minute: partOf((date) => date.getUTCMinutes()),
  Second: partOf((date) => date.getUTCSeconds()),
  Nanosecond: partOf((_, { nano }) => Number(nano % NANOS_PER_SECOND)),
  Weekday: partOf((date) => date.getUTCDay()),
};

/** A time read in another zone than was meant would be hours off, in silence. */
function requireUtc(location: Value | undefined, locale: Value | undefined): void {
  const isUtc = location === undefined || location === 'UTC' || location === '';
  const isPlain = locale === undefined || locale === 'en' || locale === '';
  if (isUtc && isPlain) return;
  throw new OttlError('bad_value', 'Time() knows no location but UTC and no locale but en', {
    hint: 'write the offset into the text and read it with %z',
  });
}

function timeArgument(value: Value): OttlTime {
  if (value instanceof OttlTime) return value;
  throw wrong('a time', value);
}

function dateOf({ nano }: OttlTime): Date {
  return new Date(Number(nano / NANOS_PER_MS));
}

/** What each letter matches, and which part it is. */
const LETTERS: Readonly<Record<string, readonly [pattern: string, part: string]>> = {
  Y: ['\\d{4}', 'year'],
  m: ['\\d{1,2}', 'month'],
  d: ['\\d{1,2}', 'day'],
  H: ['\\d{1,2}', 'hour'],
  M: ['\\d{1,2}', 'minute'],
  S: ['\\d{1,2}', 'second'],
  L: ['\\d{3}', 'milli'],
  f: ['\\d{1,6}', 'micro'],
  s: ['\\d{1,9}', 'nano'],
  z: ['Z|[-+]\\d{2}:?\\d{2}', 'zone'],
};

/** %F and %T are short for three others each. */
function expanded(format: string): string {
  return format.replaceAll('%F', '%Y-%m-%d').replaceAll('%T', '%H:%M:%S');
}

function parsed(text: string, format: string): OttlTime {
  const pattern = expanded(format).replaceAll(
    /%(.)|[.*+?^${}()|[\]\\]/g,
    (whole, letter?: string) => {
      if (letter === undefined) return `\\${whole}`;
      const known = LETTERS[letter];
      if (known !== undefined) return `(?<${known[1]}>${known[0]})`;
      if (letter === '%') return '%';
      throw new OttlError('bad_value', `no %${letter} in times`, {
        hint: `use ${Object.keys(LETTERS)
          .map((one) => `%${one}`)
          .join(' ')} %F %T`,
      });
    },
  );
  const found = new RegExp(`^${pattern}$`).exec(text)?.groups;
  if (found === undefined) throw new OttlError('bad_value', `"${text}" is no time like ${format}`);
  return timeFrom(found);
}

function timeFrom(parts: Readonly<Record<string, string | undefined>>): OttlTime {
  const number = (name: string, absent = 0) => Number(parts[name] ?? absent);
  const ms = Date.UTC(
    number('year', 1970),
    number('month', 1) - 1,
    number('day', 1),
    number('hour'),
    number('minute'),
    number('second'),
  );
  const fraction =
    number('milli') * 1_000_000 +
    Number((parts['micro'] ?? '').padEnd(6, '0')) * 1000 +
    Number((parts['nano'] ?? '').padEnd(9, '0'));
  const minutes = BigInt(zoneMinutes(parts['zone']));
  return new OttlTime(
    BigInt(ms) * NANOS_PER_MS + BigInt(fraction) - minutes * 60n * NANOS_PER_SECOND,
  );
}

function zoneMinutes(zone: string | undefined): number {
  const found = /^([-+])(\d{2}):?(\d{2})$/.exec(zone ?? '');
  if (found === null) return 0;
  const minutes = Number(found[2]) * 60 + Number(found[3]);
  return found[1] === '-' ? -minutes : minutes;
}

function written(time: OttlTime, format: string): string {
  const iso = dateOf(time).toISOString();
  const nano = String(time.nano % NANOS_PER_SECOND).padStart(9, '0');
  const parts: Readonly<Record<string, string>> = {
    Y: iso.slice(0, 4),
    m: iso.slice(5, 7),
    d: iso.slice(8, 10),
    H: iso.slice(11, 13),
    M: iso.slice(14, 16),
    S: iso.slice(17, 19),
    L: nano.slice(0, 3),
    f: nano.slice(0, 6),
    s: nano,
    z: '+0000',
    '%': '%',
  };
  return expanded(format).replaceAll(/%(.)/g, (whole, letter: string) => parts[letter] ?? whole);
}

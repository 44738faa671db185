/** OpenTelemetry's names as Prometheus wants them: what the Prometheus project's otlptranslator
 *  does, so that dashboards written for a Collector find the same series here. */
import type { TranslationStrategy } from './config.ts';

const mainUnits: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tebibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '1': '',
  '%': 'percent',
};

const perUnits: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  mo: 'month',
  y: 'year',
};

export interface NamedMetric {
  readonly name: string;
  readonly unit: string;
  readonly type: 'counter' | 'gauge' | 'other';
}

/** '' when nothing of the name is left. */
export function metricName(
  metric: NamedMetric,
  namespace: string,
  strategy: TranslationStrategy,
): string {
  switch (strategy) {
    case 'UnderscoreEscapingWithSuffixes':
      return tokenName(metric, namespace);
    case 'UnderscoreEscapingWithoutSuffixes':
      return guardedDigit(
        prefixed(namespace, pieces(metric.name, /[^a-zA-Z0-9:_]/).join('_')),
        '_',
      );
    case 'NoUTF8EscapingWithSuffixes':
      return suffixedName(metric, prefixed(namespace, metric.name));
    case 'NoTranslation':
      return prefixed(namespace, metric.name);
  }
}

/** Splits the name into words, appends unit and type unless they are there, joins by `_`. */
function tokenName({ name, unit, type }: NamedMetric, namespace: string): string {
  let words = pieces(name, /[^a-zA-Z0-9:]/);
  const { main, per } = unitWords(unit);
  const [mainWord, perWord] = [cleanUnit(main), cleanUnit(per)];
  if (mainWord !== '' && !words.includes(mainWord)) words.push(mainWord);
  if (perWord !== '' && !words.includes(perWord)) words.push(`per_${perWord}`);
  if (type === 'counter') words = movedToEnd(words, 'total');
  if (type === 'gauge' && unit === '1') words = movedToEnd(words, 'ratio');
  return guardedDigit(prefixed(namespace, words.join('_')), '_');
}

function suffixedName({ unit, type }: NamedMetric, name: string): string {
  const { main, per } = unitWords(unit);
  const suffixes = [
    per === '' ? '' : `per_${per}`,
    type === 'counter' ? 'total' : '',
    type === 'gauge' && unit === '1' ? 'ratio' : '',
  ].filter((suffix) => suffix !== '');
  let bare = name;
  for (const suffix of suffixes.toReversed()) bare = withoutSuffix(bare, suffix);
  if (main !== '' && !bare.endsWith(main)) bare = `${bare}_${main}`;
  return [bare, ...suffixes].join('_');
}

function unitWords(unit: string): { main: string; per: string } {
  const slash = unit.indexOf('/');
  const main = (slash < 0 ? unit : unit.slice(0, slash)).trim();
  const per = slash < 0 ? '' : unit.slice(slash + 1).trim();
  return { main: unitWord(main, mainUnits), per: unitWord(per, perUnits) };
}

/** Units in braces are annotations. */
function unitWord(unit: string, known: Readonly<Record<string, string>>): string {
  if (unit === '' || /[{}]/.test(unit)) return '';
  return Object.hasOwn(known, unit) ? (known[unit] ?? '') : unit;
}

function cleanUnit(unit: string): string {
  return pieces(unit, /[^a-zA-Z0-9:]/).join('_');
}

function movedToEnd(words: readonly string[], word: string): string[] {
  return [...words.filter((one) => one !== word), word];
}

function withoutSuffix(name: string, suffix: string): string {
  if (!name.endsWith(suffix)) return name;
  const rest = name.slice(0, -suffix.length);
  return rest.replace(/[^a-zA-Z0-9]$/, '');
}

function prefixed(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}_${name}`;
}

function guardedDigit(name: string, guard: string): string {
  return /^\d/.test(name) ? guard + name : name;
}

function pieces(text: string, separator: RegExp): string[] {
  return text.split(separator).filter((piece) => piece !== '');
}

/** A label's name; undefined when nothing of it is left. */
export function labelName(name: string, strategy: TranslationStrategy): string | undefined {
  if (name === '') return undefined;
  if (strategy === 'NoTranslation' || strategy === 'NoUTF8EscapingWithSuffixes') return name;
  if (/^__.+__$/.test(name) && isLegacyLabel(name)) return name;
  const clean = name.replaceAll(/[^a-zA-Z0-9]+/g, '_');
  return clean === '_' ? undefined : guardedDigit(clean, 'key_');
}

/** What scrapers before UTF-8 names understand. */
export function isLegacyName(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
}

export function isLegacyLabel(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
}

/** For a scraper that cannot take any other name. */
export function escapedName(name: string): string {
  return guardedDigit(name.replaceAll(/[^a-zA-Z0-9_:]/gu, '_'), '_');
}

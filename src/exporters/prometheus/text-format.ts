/** Families as Prometheus' text format 0.0.4 or as OpenMetrics 1.0, one chunk a family, so that a
 *  long answer is written as the scraper reads it. */
import type { Exemplar } from '../../model/metrics.ts';
import { hexAt } from '../../model/ids.ts';
import { textOf, type Labels } from './labels.ts';
import { escapedName, isLegacyLabel, isLegacyName } from './naming.ts';
import type { Family, Series } from './series-store.ts';

export interface TextOptions {
  readonly isOpenMetrics: boolean;
  /** The scraper takes names beyond [a-zA-Z_:]. */
  readonly allowsUtf8: boolean;
  readonly hasTimestamps: boolean;
}

/** The specification's bound on all label names and values of an exemplar. */
const EXEMPLAR_CHARS_MAX = 128;

export function* textOfFamilies(
  families: readonly Family[],
  options: TextOptions,
): Generator<string> {
  const writer = new TextWriter(options);
  for (const family of families) yield writer.family(family);
  if (options.isOpenMetrics) yield '# EOF\n';
}

interface Sample {
  /** Appended to the family's name. */
  readonly suffix: string;
  readonly extra?: readonly [name: string, value: string];
  readonly value: number;
  readonly exemplar?: Exemplar | undefined;
}

class TextWriter {
  readonly #options: TextOptions;

  constructor(options: TextOptions) {
    this.#options = options;
  }

  family({ name, type, help, series }: Family): string {
    const isUnsuffixed = type === 'counter' && !name.endsWith('_total');
    const { isOpenMetrics } = this.#options;
    const familyName =
      isOpenMetrics && type === 'counter' && !isUnsuffixed ? name.slice(0, -'_total'.length) : name;
    const shownType = isOpenMetrics && isUnsuffixed ? 'unknown' : type;
    const head = this.#metricName(familyName);
    const lines = help === '' ? [] : [`# HELP ${head} ${escapedHelp(help, isOpenMetrics)}\n`];
    lines.push(`# TYPE ${head} ${shownType}\n`);
    for (const one of series.values()) {
      for (const sample of samplesOf(one)) lines.push(this.#line(name, one, sample));
    }
    return lines.join('');
  }

  #line(name: string, { labels, reading }: Series, sample: Sample): string {
    const { hasTimestamps, isOpenMetrics } = this.#options;
    const time = hasTimestamps ? ` ${this.#time(reading.timeNano)}` : '';
    const exemplar =
      isOpenMetrics && sample.exemplar !== undefined ? this.#exemplar(sample.exemplar) : '';
    const head = this.#head(name + sample.suffix, labels, sample.extra);
    return `${head} ${numberText(sample.value)}${time}${exemplar}\n`;
  }

  #head(name: string, labels: Labels, extra: Sample['extra']): string {
    const shown = this.#metricName(name);
    const pairs = labels.map(([label, value]) => this.#pair(label, value));
    if (extra !== undefined) pairs.push(`${extra[0]}="${this.#bound(extra)}"`);
    if (shown.startsWith('"')) return `{${[shown, ...pairs].join(',')}}`;
    return pairs.length === 0 ? shown : `${shown}{${pairs.join(',')}}`;
  }

  #pair(label: string, value: string): string {
    const text = escapedValue(value);
    if (isLegacyLabel(label)) return `${label}="${text}"`;
    if (this.#options.allowsUtf8) return `"${escapedValue(label)}"="${text}"`;
    return `${escapedName(label).replaceAll(':', '_')}="${text}"`;
  }

  #metricName(name: string): string {
    if (isLegacyName(name)) return name;
    return this.#options.allowsUtf8 ? `"${escapedValue(name)}"` : escapedName(name);
  }

  /** Bounds and quantiles are floats in OpenMetrics: 1.0, not 1. */
  #bound([, value]: readonly [string, string]): string {
    return this.#options.isOpenMetrics && /^-?\d+$/.test(value) ? `${value}.0` : value;
  }

  #time(timeNano: bigint): string {
    const ms = timeNano / 1_000_000n;
    return this.#options.isOpenMetrics ? String(Number(ms) / 1000) : String(ms);
  }

  #exemplar({ traceId, spanId, value, timeNano, attributes }: Exemplar): string {
    const ids: [string, string][] = [
      ['trace_id', hexAt(traceId, 0, traceId.length)],
      ['span_id', hexAt(spanId, 0, spanId.length)],
    ];
    const own = attributes.map((one): [string, string] => [
      escapedName(one.key),
      textOf(one.value),
    ]);
    let room = EXEMPLAR_CHARS_MAX;
    const fitting = [...ids, ...own].filter(([name, text]) => {
      const length = name.length + text.length;
      if (text === '' || length > room) return false;
      room -= length;
      return true;
    });
    const labels = fitting.map(([name, text]) => this.#pair(name, text)).join(',');
    const time = timeNano === 0n ? '' : ` ${Number(timeNano / 1_000_000n) / 1000}`;
    return ` # {${labels}} ${numberText(Number(value ?? 0))}${time}`;
  }
}

function* samplesOf({ reading }: Series): Generator<Sample> {
  switch (reading.kind) {
    case 'number':
      yield { suffix: '', value: reading.value, exemplar: reading.exemplars.at(-1) };
      return;
    case 'summary':
      for (const { quantile, value } of reading.quantiles) {
        yield { suffix: '', extra: ['quantile', numberText(quantile)], value };
      }
      break;
    case 'histogram': {
      let count = 0;
      let above = Number.NEGATIVE_INFINITY;
      for (const [i, bound] of reading.bounds.entries()) {
        count += reading.bucketCounts[i] ?? 0;
        const exemplar = exemplarIn(reading.exemplars, above, bound);
        yield { suffix: '_bucket', extra: ['le', numberText(bound)], value: count, exemplar };
        above = bound;
      }
      const exemplar = exemplarIn(reading.exemplars, above, Number.POSITIVE_INFINITY);
      yield { suffix: '_bucket', extra: ['le', '+Inf'], value: reading.count, exemplar };
      break;
    }
    // Its buckets are in the protobuf format only.
    case 'exponential':
      yield { suffix: '_bucket', extra: ['le', '+Inf'], value: reading.count };
  }
  if (reading.sum !== undefined) yield { suffix: '_sum', value: reading.sum };
  yield { suffix: '_count', value: reading.count };
}

function exemplarIn(
  exemplars: readonly Exemplar[],
  above: number,
  upTo: number,
): Exemplar | undefined {
  return exemplars.findLast(({ value }) => Number(value) > above && Number(value) <= upTo);
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

function escapedValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function escapedHelp(text: string, isOpenMetrics: boolean): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return isOpenMetrics ? escaped.replaceAll('"', '\\"') : escaped;
}

/** The Collector's include/exclude blocks for metrics and log records: lists are "one of", criteria
 *  are "all of". Criteria of other signals are left out. */

import type { AttributeValue, KeyValue } from '../model/attribute.ts';
import { compileRegex } from '../lib/regex.ts';
import type { LogRecord } from '../model/logs.ts';
import type { Metric } from '../model/metrics.ts';
import type { Around } from '../model/signal-message.ts';
import { compareScalars } from './compare.ts';
import type { MatchProperties } from './match-properties.ts';

export type ItemPredicate<Item> = (item: Item, around: Around) => boolean;

/** What is processed: everything in `include` and nothing in `exclude`. */
export function included<Item>(
  compile: (match: MatchProperties) => ItemPredicate<Item>,
  {
    include,
    exclude,
  }: { include?: MatchProperties | undefined; exclude?: MatchProperties | undefined },
): ItemPredicate<Item> {
  const isIn = include && compile(include);
  const isOut = exclude && compile(exclude);
  return (item, around) => isIn?.(item, around) !== false && isOut?.(item, around) !== true;
}

export function matchMetric(match: MatchProperties): ItemPredicate<Metric> {
  const names = textTest(match.metric_names, match.match_type);
  const resources = attributesTest(match.resources, match.match_type);
  return ({ name }, { resource }) =>
    names?.(name) !== false && resources?.(resource.resource.attributes) !== false;
}

export function matchLog(match: MatchProperties): ItemPredicate<LogRecord> {
  const { match_type: type, log_severity_number: severity } = match;
  const bodies = textTest(match.log_bodies, type);
  const severityTexts = textTest(match.log_severity_texts, type);
  const attributes = attributesTest(match.attributes, type);
  const resources = attributesTest(match.resources, type);
  const scopes = scopesTest(match);
  const tests: (ItemPredicate<LogRecord> | undefined)[] = [
    bodies && (({ body }) => body?.type === 'string' && bodies(body.value)),
    severityTexts && ((record) => severityTexts(record.severityText)),
    severity && ((record) => isSevere(record.severityNumber, severity)),
    attributes && ((record) => attributes(record.attributes)),
    resources && ((_, { resource }) => resources(resource.resource.attributes)),
    scopes && ((_, { scope }) => scopes(scope.scope)),
  ];
  const asked = tests.filter((test) => test !== undefined);
  return (record, around) => asked.every((test) => test(record, around));
}

function isSevere(
  number: number,
  { min, match_undefined: undefinedToo }: { min: number; match_undefined: boolean },
): boolean {
  return number === 0 ? undefinedToo : number >= min;
}

type Test<T> = (value: T) => boolean;

/** undefined where nothing is asked. */
function textTest(wanted: readonly string[], type: MatchType): Test<string> | undefined {
  if (wanted.length === 0) return undefined;
  if (type === 'strict') return (text) => wanted.includes(text);
  const patterns = wanted.map(compileRegex);
  return (text) => patterns.some((pattern) => pattern.isIn(text));
}

type MatchType = MatchProperties['match_type'];

function attributesTest(
  wanted: MatchProperties['attributes'],
  type: MatchType,
): Test<readonly KeyValue[]> | undefined {
  if (wanted.length === 0) return undefined;
  const tests = wanted.map(({ key, value }) => ({ key, test: valueTest(value, type) }));
  return (attributes) =>
    tests.every(({ key, test }) => {
      const found = attributes.findLast((entry) => entry.key === key);
      return found !== undefined && test(found.value);
    });
}

function valueTest(
  wanted: string | number | boolean | undefined,
  type: MatchType,
): Test<AttributeValue> {
  if (wanted === undefined) return () => true;
  if (type === 'regexp' && typeof wanted === 'string') {
    const pattern = compileRegex(wanted);
    return (value) => value.type === 'string' && pattern.isIn(value.value);
  }
  return (value) => {
    if (value.type === 'empty' || typeof value.value === 'object') return false;
    return compareScalars(value.value, '=', wanted);
  };
}

function scopesTest({ libraries, match_type: type }: MatchProperties) {
  if (libraries.length === 0) return undefined;
  const tests = libraries.map(({ name, version }) => ({
    name: textTest([name], type),
    version: version === undefined ? undefined : textTest([version], type),
  }));
  return (scope: { readonly name: string; readonly version: string }) =>
    tests.some(
      ({ name, version }) => name?.(scope.name) !== false && version?.(scope.version) !== false,
    );
}

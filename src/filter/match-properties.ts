/** The Collector's include/exclude blocks as a filter: lists are "one of", criteria are "all of". */

import { z } from 'zod';
import { SEVERITIES } from '../model/logs.ts';
import { allOf, type Field, type Filter, intrinsic, type Scalar } from './ast.ts';

const CRITERIA = [
  'services',
  'span_names',
  'span_kinds',
  'metric_names',
  'log_bodies',
  'log_severity_texts',
  'log_severity_number',
  'libraries',
  'resources',
  'attributes',
] as const;
const CRITERIA_TEXT = CRITERIA.join(', ');

type Criterion = (typeof CRITERIA)[number];

/** Which criteria say something about items of a signal. */
const OF_SIGNAL = {
  traces: ['services', 'span_names', 'span_kinds', 'libraries', 'resources', 'attributes'],
  metrics: ['metric_names', 'resources'],
  logs: [
    'log_bodies',
    'log_severity_texts',
    'log_severity_number',
    'libraries',
    'resources',
    'attributes',
  ],
} as const satisfies Record<string, readonly Criterion[]>;

/** The criteria given that say nothing about the signal. */
export function foreignCriteria(
  match: MatchProperties,
  signal: keyof typeof OF_SIGNAL,
): readonly Criterion[] {
  const own: readonly Criterion[] = OF_SIGNAL[signal];
  return CRITERIA.filter((name) => !own.includes(name) && isGiven(match[name]));
}

function isGiven(criterion: unknown): boolean {
  return Array.isArray(criterion) ? criterion.length > 0 : criterion !== undefined;
}

const attribute = z.strictObject({
  key: z.string().min(1),
  value: z
    .union([z.string(), z.number(), z.boolean()])
    .optional()
    .describe('Absent: the key is there.'),
});

const library = z.strictObject({ name: z.string(), version: z.string().optional() });

/** By number or name: `9`, `info`, `WARN2`. */
const severity = z
  .union([
    z.int().min(0).max(24),
    z.string().refine((written) => severityNumber(written) >= 0, {
      error: 'no severity: use 1 to 24, or trace, debug, info, warn, error, fatal',
    }),
  ])
  .transform((written) => (typeof written === 'string' ? severityNumber(written) : written));

/** -1 where the text is none. */
function severityNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) < SEVERITIES.length) return Number(text);
  const at = SEVERITIES.indexOf(text.toLowerCase());
  return at === 0 ? -1 : at;
}

export const SeverityNumber = z.strictObject({
  min: severity.default(0).describe('Lowest that matches: 1 to 24, or trace to fatal4.'),
  match_undefined: z.boolean().default(false).describe('Match records that do not say.'),
});

export const MatchedAttribute = attribute;

export const MatchProperties = z
  .strictObject({
    match_type: z.enum(['strict', 'regexp']).describe('Equal, or RE2 and unanchored.'),
    regexp: z.unknown().optional().describe('Accepted; matching needs no cache.'),
    services: z.array(z.string()).default([]).describe('Of spans.'),
    span_names: z.array(z.string()).default([]),
    span_kinds: z.array(z.string()).default([]).describe('SPAN_KIND_SERVER or server, and so on.'),
    metric_names: z.array(z.string()).default([]),
    log_bodies: z.array(z.string()).default([]).describe('Of bodies that are text.'),
    log_severity_texts: z.array(z.string()).default([]),
    log_severity_number: SeverityNumber.optional(),
    libraries: z.array(library).default([]).describe('Instrumentation scopes, of spans and logs.'),
    resources: z.array(attribute).default([]).describe('Resource attributes, all of them.'),
    attributes: z
      .array(attribute)
      .default([])
      .describe('Attributes of spans and log records, all of them.'),
  })
  .refine((match) => CRITERIA.some((name) => isGiven(match[name])), {
    error: `give at least one of ${CRITERIA_TEXT}`,
  });

export type MatchProperties = z.output<typeof MatchProperties>;

/** What is processed: everything in `include` and nothing in `exclude`. undefined = every span. */
export function includeExclude(
  include: MatchProperties | undefined,
  exclude: MatchProperties | undefined,
): Filter | undefined {
  return allOf([
    include && matchFilter(include),
    exclude && { op: 'not', of: matchFilter(exclude) },
  ]);
}

function matchFilter(match: MatchProperties): Filter {
  const isRegex = match.match_type === 'regexp';
  const text = (field: Field, values: readonly string[]): Filter | undefined =>
    values.length === 0
      ? undefined
      : oneOf(values.map((value) => textMatch(field, value, isRegex)));
  const kinds = match.span_kinds.map((kind) => kind.toLowerCase().replace(/^span_kind_/, ''));
  const libraries = match.libraries.map(({ name, version }) =>
    all([
      textMatch(intrinsic('scopeName'), name, isRegex),
      ...(version === undefined ? [] : [textMatch(intrinsic('scopeVersion'), version, isRegex)]),
    ]),
  );
  const attributes = (
    scope: 'span' | 'resource',
    wanted: MatchProperties['attributes'],
  ): Filter[] =>
    wanted.map(({ key, value }) =>
      attributeMatch({ kind: 'attribute', scope, key }, value, isRegex),
    );
  return all(
    [
      text(intrinsic('service'), match.services),
      text(intrinsic('name'), match.span_names),
      text(intrinsic('kind'), kinds),
      libraries.length === 0 ? undefined : oneOf(libraries),
      ...attributes('resource', match.resources),
      ...attributes('span', match.attributes),
    ].filter((filter) => filter !== undefined),
  );
}

function attributeMatch(
  field: Field,
  value: string | number | boolean | undefined,
  isRegex: boolean,
): Filter {
  if (value === undefined) return { op: 'exists', field };
  if (isRegex && typeof value === 'string') return { op: 'regex', field, pattern: value };
  return { op: 'compare', field, by: '=', value: scalarOf(value) };
}

function scalarOf(value: string | number | boolean): Scalar {
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
}

function textMatch(field: Field, value: string, isRegex: boolean): Filter {
  return isRegex
    ? { op: 'regex', field, pattern: value }
    : { op: 'compare', field, by: '=', value };
}

function oneOf(of: readonly Filter[]): Filter {
  return { op: 'or', of };
}

function all(of: readonly Filter[]): Filter {
  return { op: 'and', of };
}

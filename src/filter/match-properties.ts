/** The Collector's include/exclude blocks as a filter: lists are "one of", criteria are "all of". */

import { z } from 'zod';
import { allOf, type Field, type Filter, intrinsic, type Scalar } from './ast.ts';

const attribute = z.strictObject({
  key: z.string().min(1),
  value: z
    .union([z.string(), z.number(), z.boolean()])
    .optional()
    .describe('Absent: the key is there.'),
});

const library = z.strictObject({ name: z.string(), version: z.string().optional() });

export const MatchProperties = z
  .strictObject({
    match_type: z.enum(['strict', 'regexp']).describe('Equal, or RE2 and unanchored.'),
    regexp: z.unknown().optional().describe('Accepted; matching needs no cache.'),
    services: z.array(z.string()).default([]),
    span_names: z.array(z.string()).default([]),
    span_kinds: z.array(z.string()).default([]).describe('SPAN_KIND_SERVER or server, and so on.'),
    libraries: z.array(library).default([]).describe('Instrumentation scopes.'),
    resources: z.array(attribute).default([]).describe('Resource attributes, all of them.'),
    attributes: z.array(attribute).default([]).describe('Span attributes, all of them.'),
  })
  .refine(
    (match) =>
      [
        match.services,
        match.span_names,
        match.span_kinds,
        match.libraries,
        match.resources,
        match.attributes,
      ].some(({ length }) => length > 0),
    {
      message:
        'give at least one of services, span_names, span_kinds, libraries, resources, attributes',
    },
  );

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

import { z } from 'zod';
import {
  foreignCriteria,
  MatchedAttribute,
  MatchProperties,
  SeverityNumber,
} from '../../filter/match-properties.ts';

export const CONTEXTS = {
  traces: ['resource', 'scope', 'span', 'spanevent'],
  metrics: ['resource', 'scope', 'metric', 'datapoint'],
  logs: ['resource', 'scope', 'log'],
} as const;

const conditions = z.array(z.string()).default([]);
const errorMode = z.enum(['ignore', 'silent', 'propagate']);

/** Conditions with the context they are about; without one it is read off the paths they name. */
function conditionGroups(contexts: readonly string[]) {
  return z
    .array(
      z.union([
        z.string(),
        z.strictObject({
          context: z.enum(contexts).optional(),
          error_mode: errorMode.optional(),
          conditions: z.array(z.string()).min(1),
        }),
      ]),
    )
    .default([])
    .describe('OTTL; what any of them is true of is dropped.');
}

const NO_EXPR =
  'match_type expr is not known here: write an OTTL condition under metric_conditions';

const MetricMatch = z
  .strictObject({
    match_type: z
      .string()
      .refine((type) => type !== 'expr', NO_EXPR)
      .pipe(z.enum(['strict', 'regexp'])),
    regexp: z.unknown().optional().describe('Accepted; matching needs no cache.'),
    metric_names: z.array(z.string()).default([]),
    resource_attributes: z.array(MatchedAttribute).default([]).describe('All of them.'),
  })
  .transform(({ match_type, metric_names, resource_attributes: resources }) =>
    matching({ match_type, metric_names, resources }),
  );

const LogMatch = z
  .strictObject({
    match_type: z.enum(['strict', 'regexp']).default('strict'),
    resource_attributes: z.array(MatchedAttribute).default([]).describe('All of them.'),
    record_attributes: z.array(MatchedAttribute).default([]).describe('All of them.'),
    severity_texts: z.array(z.string()).default([]),
    severity_number: SeverityNumber.optional(),
    bodies: z.array(z.string()).default([]).describe('Of bodies that are text.'),
  })
  .transform((match) =>
    matching({
      match_type: match.match_type,
      resources: match.resource_attributes,
      attributes: match.record_attributes,
      log_severity_texts: match.severity_texts,
      log_severity_number: match.severity_number,
      log_bodies: match.bodies,
    }),
  );

const SpanMatch = MatchProperties.refine((match) => foreignCriteria(match, 'traces').length === 0, {
  error: 'metric_names and log_ criteria say nothing about spans',
});

/** The block in the words that attributes processors use. */
function matching(
  given: Partial<MatchProperties> & Pick<MatchProperties, 'match_type'>,
): MatchProperties {
  return {
    services: [],
    span_names: [],
    span_kinds: [],
    metric_names: [],
    log_bodies: [],
    log_severity_texts: [],
    libraries: [],
    resources: [],
    attributes: [],
    ...given,
  };
}

function chosen<T extends z.ZodType>(match: T) {
  return {
    include: match.optional().describe('Drop what does not match.'),
    exclude: match.optional().describe('Drop what matches.'),
  };
}

const ANY = [
  'trace_conditions',
  'metric_conditions',
  'log_conditions',
  'traces',
  'metrics',
  'logs',
  'spans',
] as const;

export const FilterConfig = z
  .strictObject({
    error_mode: errorMode
      .default('ignore')
      .describe('A condition that fails: log and go on, go on, or refuse the data.'),
    trace_conditions: conditionGroups(CONTEXTS.traces),
    metric_conditions: conditionGroups(CONTEXTS.metrics),
    log_conditions: conditionGroups(CONTEXTS.logs),
    traces: z
      .strictObject({ resource: conditions, span: conditions, spanevent: conditions })
      .optional()
      .describe('The older form: OTTL conditions by context.'),
    metrics: z
      .strictObject({
        resource: conditions,
        metric: conditions,
        datapoint: conditions,
        regexp: z.unknown().optional().describe('Accepted; matching needs no cache.'),
        ...chosen(MetricMatch),
      })
      .optional()
      .describe('The older forms, for metrics.'),
    logs: z
      .strictObject({ resource: conditions, log_record: conditions, ...chosen(LogMatch) })
      .optional()
      .describe('The older forms, for logs.'),
    spans: z.strictObject(chosen(SpanMatch)).optional().describe('The oldest form.'),
  })
  .refine(
    (config) =>
      ANY.some((name) => {
        const given = config[name];
        return Array.isArray(given) ? given.length > 0 : given !== undefined;
      }),
    { message: `give one of ${ANY.join(', ')}: without any, nothing is filtered` },
  );

export type FilterConfig = z.output<typeof FilterConfig>;
export type ErrorMode = FilterConfig['error_mode'];

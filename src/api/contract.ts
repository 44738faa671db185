/** Every request and response of our own API (`/api/spoor/*`): the UI's types come from here. The
 *  Jaeger routes follow Jaeger's documents and are described where they are handled.
 *  Times in queries are unix microseconds as in Jaeger's URLs; in answers nanoseconds, as decimal
 *  strings where they pass 2^53. Trace and span ids are lower-case hex. */

import { z } from 'zod';

export const TRACE_ORDERS = [
  'newest',
  'oldest',
  'longest',
  'shortest',
  'mostSpans',
  'mostErrors',
] as const;

const micros = z.string().regex(/^\d{1,19}$/, 'expected unix microseconds');

/** GET /api/spoor/search. Durations as in Go ("1.2s"). `tags` is a JSON object of strings, `filter` a
 *  structured filter as api_v3's `query.filter`; all conditions are of one span. With `allNames` an
 *  attribute is also found under the other names that OpenTelemetry's conventions gave it. */
export const SearchRequest = z.strictObject({
  service: z.string().optional(),
  operation: z.string().optional(),
  tags: z.string().optional(),
  minDuration: z.string().optional(),
  maxDuration: z.string().optional(),
  filter: z.string().optional(),
  allNames: z.stringbool().default(false),
  start: micros.optional(),
  end: micros.optional(),
  limit: z.coerce.number().int().min(1).max(1500).default(20),
  order: z.enum(TRACE_ORDERS).default('newest'),
  cursor: z.string().max(4096).optional(),
});
export type SearchRequest = z.infer<typeof SearchRequest>;

export const ServiceCount = z.object({
  name: z.string(),
  spans: z.number(),
  errors: z.number(),
});

export const TraceSummary = z.object({
  traceId: z.string(),
  startNano: z.string(),
  durationNano: z.number(),
  spanCount: z.number(),
  errorCount: z.number(),
  orphanCount: z.number(),
  rootService: z.string(),
  rootName: z.string(),
  services: z.array(ServiceCount),
});
export type TraceSummary = z.infer<typeof TraceSummary>;

export const SearchResponse = z.object({
  traces: z.array(TraceSummary),
  /** Asks for the next page; absent on the last. */
  cursor: z.string().optional(),
  warnings: z.array(z.string()),
});
export type SearchResponse = z.infer<typeof SearchResponse>;

/** GET /api/spoor/attribute-keys */
export const AttributeKeysResponse = z.object({
  keys: z.array(
    z.object({
      scope: z.enum(['span', 'resource', 'scope', 'event', 'link']),
      key: z.string(),
      types: z.array(z.string()),
    }),
  ),
});
export type AttributeKeysResponse = z.infer<typeof AttributeKeysResponse>;

/** GET /api/spoor/attribute-values: for suggestions, most frequent first, by what was stored last. */
export const AttributeValuesRequest = z.strictObject({
  scope: z.enum(['span', 'resource', 'scope', 'event', 'link']).default('span'),
  key: z.string().min(1).max(1000),
  prefix: z.string().max(1000).default(''),
  limit: z.coerce.number().int().min(1).max(1000).default(20),
});
export type AttributeValuesRequest = z.infer<typeof AttributeValuesRequest>;

/** Values in their text form. */
export const AttributeValuesResponse = z.object({
  values: z.array(
    z.object({
      value: z.string(),
      type: z.enum(['string', 'int', 'double', 'bool']),
      count: z.number(),
    }),
  ),
});
export type AttributeValuesResponse = z.infer<typeof AttributeValuesResponse>;

/** A typed attribute. `int` values are decimal strings, `bytes` base64, `array` and `kvlist` JSON. */
export const Attribute = z.object({
  key: z.string(),
  type: z.enum(['empty', 'string', 'bool', 'int', 'double', 'array', 'kvlist', 'bytes']),
  value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
});
export type Attribute = z.infer<typeof Attribute>;

const attributes = z.array(Attribute);

export const SpanDetail = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string(),
  service: z.string(),
  name: z.string(),
  kind: z.enum(['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']),
  status: z.enum(['unset', 'ok', 'error']),
  statusMessage: z.string(),
  startNano: z.string(),
  endNano: z.string(),
  durationNano: z.number(),
  traceState: z.string(),
  flags: z.number(),
  attributes,
  droppedAttributes: z.number(),
  droppedEvents: z.number(),
  droppedLinks: z.number(),
  resource: z.object({ attributes, schemaUrl: z.string() }),
  scope: z.object({
    name: z.string(),
    version: z.string(),
    attributes,
    schemaUrl: z.string(),
  }),
  events: z.array(
    z.object({
      timeNano: z.string(),
      name: z.string(),
      attributes,
      droppedAttributes: z.number(),
    }),
  ),
  links: z.array(
    z.object({
      traceId: z.string(),
      spanId: z.string(),
      traceState: z.string(),
      attributes,
      droppedAttributes: z.number(),
    }),
  ),
  warnings: z.array(z.string()),
});
export type SpanDetail = z.infer<typeof SpanDetail>;

/** GET /api/spoor/traces/{traceId}/spans/{spanId}. Several when spans share the id, by start. */
export const SpanResponse = z.object({ span: SpanDetail, others: z.array(SpanDetail) });
export type SpanResponse = z.infer<typeof SpanResponse>;

/** GET /api/spoor/traces/{traceId}/find?q=: spans in which every word of q occurs (a span id, or
 *  part of its service, name, status message, an attribute's key, value or key=value, an event). */
export const FindRequest = z.strictObject({ q: z.string().max(1000) });
export const FindResponse = z.object({ spanIds: z.array(z.string()) });
export type FindResponse = z.infer<typeof FindResponse>;

/** Every error of /api/spoor. */
export const ErrorResponse = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }),
});
export type ErrorResponse = z.infer<typeof ErrorResponse>;

const nanos = z.string().regex(/^\d{1,20}$/, 'expected unix nanoseconds');

/** Which traces a tool means: these, or whole traces that have a matching span in the range (end
 *  excluded). Conditions are those of a search; all are of one span. */
export const StoreSelection = z.strictObject({
  tenant: z.string().optional(),
  traceIds: z.array(z.string()).max(100_000).optional(),
  startNano: nanos.optional(),
  endNano: nanos.optional(),
  service: z.string().optional(),
  operation: z.string().optional(),
  attributes: z.array(z.tuple([z.string(), z.string()])).default([]),
  minDurationNano: nanos.optional(),
  maxDurationNano: nanos.optional(),
  /** As `query.filter` of api_v3: JSON text. */
  filter: z.string().optional(),
});
export type StoreSelection = z.input<typeof StoreSelection>;

/** POST /api/spoor/store/export: one page, newest traces first, a line of OTLP JSON for each. Where
 *  the next page begins is in the header `spoor-cursor`, absent on the last; `spoor-reached` is the
 *  start of the page's oldest trace. */
export const ExportRequest = z.strictObject({
  selection: StoreSelection,
  cursor: z.string().max(4096).optional(),
  limit: z.int().min(1).max(1000).default(100),
});
export type ExportRequest = z.input<typeof ExportRequest>;

/** POST /api/spoor/store/import: lines of OTLP JSON. */
export const ImportResponse = z.object({
  lines: z.number(),
  stored: z.number(),
  /** Were there already. */
  known: z.number(),
});
export type ImportResponse = z.infer<typeof ImportResponse>;

/** POST /api/spoor/store/delete answers with such lines as it goes on; the last says `done` or has an
 *  error. */
export const DeletionLine = z.object({
  stage: z.enum(['hidden', 'purged', 'done', 'failed']),
  traces: z.number(),
  spans: z.number(),
  error: z.string().optional(),
  hint: z.string().optional(),
});
export type DeletionLine = z.infer<typeof DeletionLine>;

const quantiles = z
  .string()
  .regex(/^[\d.]+(,[\d.]+)*$/, 'expected numbers from 0 to 1, separated by commas')
  .default('0.5,0.95,0.99');

/** GET /api/spoor/metrics: rates, errors and durations. The range grows to whole minutes, and to
 *  whole steps where there are any, so that the counts made when spans arrived answer it, also when the
 *  spans are gone. `by`: of service, operation and kind, separated by commas. Without a step one is
 *  chosen; `0` is none, which makes one point of the range. */
export const MetricsRequest = z.strictObject({
  service: z.string().optional(),
  operation: z.string().optional(),
  kind: z.enum(['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']).optional(),
  by: z
    .string()
    .regex(/^(service|operation|kind)(,(service|operation|kind))*$/)
    .default('service'),
  start: micros.optional(),
  end: micros.optional(),
  step: z.string().optional(),
  quantiles,
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
export type MetricsRequest = z.infer<typeof MetricsRequest>;

/** GET /api/spoor/aggregate: the same of any spans. Conditions are those of a search. `groupBy` may
 *  stand there several times; it and `value` are fields: service, name, kind, status, duration,
 *  span.<key>, resource.<key>, scope.<key>, or .<key> for whichever has it. */
export const AggregateRequest = SearchRequest.omit({
  limit: true,
  order: true,
  cursor: true,
}).extend({
  groupBy: z.string().optional(),
  value: z.string().default('duration'),
  step: z.string().optional(),
  quantiles,
  histogram: z.enum(['true', 'false']).default('false'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
export type AggregateRequest = z.infer<typeof AggregateRequest>;

export const AggregatePoint = z.object({
  startNano: z.string(),
  spans: z.number(),
  errors: z.number(),
  /** Spans a second. */
  rate: z.number(),
  errorRatio: z.number(),
  /** Spans that have the value; the rest is of these. Durations are ns. */
  values: z.number(),
  sum: z.number(),
  average: z.number().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  /** As asked for; empty without values. */
  quantiles: z.array(z.number()),
  /** Least value and count of each bucket; 32 buckets a doubling. */
  histogram: z.array(z.tuple([z.number(), z.number()])).optional(),
  exemplars: z.array(z.object({ traceId: z.string(), isError: z.boolean() })),
});
export type AggregatePoint = z.infer<typeof AggregatePoint>;

export const AggregateResponse = z.object({
  /** As it was answered. */
  startNano: z.string(),
  endNano: z.string(),
  /** Absent: each series has one point. */
  stepNano: z.string().optional(),
  series: z.array(
    z.object({
      /** By what was asked for. Null where spans have no such value. */
      group: z.array(
        z.object({
          field: z.string(),
          type: z.enum(['string', 'int', 'double', 'bool']).nullable(),
          value: z.string().nullable(),
        }),
      ),
      /** All groups beyond the limit, counted together. */
      isRest: z.boolean(),
      points: z.array(AggregatePoint),
    }),
  ),
  /** Which part of itself a quantile may be off by. */
  quantileError: z.number(),
  from: z.enum(['rollups', 'spans']),
  warnings: z.array(z.string()),
});
export type AggregateResponse = z.infer<typeof AggregateResponse>;

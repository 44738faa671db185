/** Attribute values: OTLP's AnyValue. A type is the number of its field in AnyValue, so the wire,
 *  the columns and the frame share one code (opentelemetry-proto common.proto). */

export const AttributeType = {
  empty: 0,
  string: 1,
  bool: 2,
  int: 3,
  double: 4,
  array: 5,
  kvlist: 6,
  bytes: 7,
} as const;

export type AttributeType = (typeof AttributeType)[keyof typeof AttributeType];

/** A value as a JavaScript object, for the edges only: columns never hold these. */
export type AttributeValue =
  | { readonly type: 'empty' }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'array'; readonly value: readonly AttributeValue[] }
  | { readonly type: 'kvlist'; readonly value: readonly KeyValue[] }
  | { readonly type: 'bytes'; readonly value: Uint8Array };

export interface KeyValue {
  readonly key: string;
  readonly value: AttributeValue;
}

/** Span kinds and status codes by their OTLP numbers. */
export const SPAN_KINDS = [
  'unspecified',
  'internal',
  'server',
  'client',
  'producer',
  'consumer',
] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

export const STATUS_CODES = ['unset', 'ok', 'error'] as const;
export const STATUS_ERROR = 2;

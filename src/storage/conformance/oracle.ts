/** Search, done the slow and obvious way over plain objects. It shares no code with any backend nor
 *  with the filters' own evaluator, so that both can be wrong only independently. */

import type { Comparison, Field, Filter, Intrinsic, Scalar, TraceField } from '../../filter/ast.ts';
import type { AttributeValue } from '../../model/attribute.ts';
import type { TimeRange, TraceOrder } from '../contract.ts';
import type { PlainAttributes, PlainSpan } from './plain-spans.ts';

/** A span with the fields that searches need filled in. */
export type KnownSpan = PlainSpan &
  Required<Pick<PlainSpan, 'traceId' | 'spanId' | 'startNano' | 'endNano' | 'name'>>;

export interface KnownSearch {
  readonly range: TimeRange;
  readonly filter?: Filter | undefined;
  readonly order: TraceOrder;
}

export interface KnownSummary {
  readonly traceId: string;
  readonly startNano: bigint;
  readonly endNano: bigint;
  readonly spanCount: number;
  readonly errorCount: number;
  readonly orphanCount: number;
  readonly rootService: string;
  readonly rootName: string;
  readonly services: readonly { name: string; spans: number; errors: number }[];
}

/** All traces that match, in order. */
export function searchTraces(spans: readonly KnownSpan[], search: KnownSearch): KnownSummary[] {
  const { startNano, endNano } = search.range;
  const traces = Map.groupBy(spans, ({ traceId }) => traceId);
  const summaries = new Map([...traces].map(([id, all]) => [id, summarizeTrace(all)] as const));
  const matching = spans.filter(
    (span) =>
      span.startNano >= startNano &&
      span.startNano < endNano &&
      (search.filter === undefined ||
        isMatch(search.filter, { span, trace: summaries.get(span.traceId)! })),
  );
  const newest = new Map<string, bigint>();
  for (const { traceId, startNano: start } of matching) {
    if (start > (newest.get(traceId) ?? -1n)) newest.set(traceId, start);
  }
  const found = [...newest.keys()].map((traceId) => summaries.get(traceId)!);
  const key = orderKey(search.order, (traceId) => newest.get(traceId) ?? 0n);
  return found.toSorted((a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left !== right) return left < right ? -1 : 1;
    return a.traceId < b.traceId ? -1 : 1;
  });
}

function orderKey(order: TraceOrder, newest: (traceId: string) => bigint) {
  return (trace: KnownSummary): bigint => {
    switch (order) {
      case 'newest':
        return -newest(trace.traceId);
      case 'oldest':
        return newest(trace.traceId);
      case 'longest':
        return trace.startNano - trace.endNano;
      case 'shortest':
        return trace.endNano - trace.startNano;
      case 'mostSpans':
        return BigInt(-trace.spanCount);
      case 'mostErrors':
        return BigInt(-trace.errorCount);
    }
  };
}

export function summarizeTrace(spans: readonly KnownSpan[]): KnownSummary {
  const byStart = spans.toSorted((a, b) => (a.startNano < b.startNano ? -1 : 1));
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const root = byStart.find(({ parentSpanId }) => !parentSpanId) ?? byStart[0]!;
  const services = new Map<string, { name: string; spans: number; errors: number }>();
  for (const span of spans) {
    const name = serviceOf(span);
    const count = services.get(name) ?? { name, spans: 0, errors: 0 };
    count.spans++;
    if (span.status === 2) count.errors++;
    services.set(name, count);
  }
  return {
    traceId: root.traceId,
    startNano: byStart[0]!.startNano,
    endNano: spans.map(({ endNano }) => endNano).reduce((a, b) => (a > b ? a : b)),
    spanCount: spans.length,
    errorCount: spans.filter(({ status }) => status === 2).length,
    orphanCount: spans.filter(({ parentSpanId: id }) => id && !ids.has(id)).length,
    rootService: serviceOf(root),
    rootName: root.name,
    services: [...services.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** A span in its trace; inside of a `some`, with only that event or link. */
interface Known {
  readonly span: KnownSpan;
  readonly trace: KnownSummary;
}

export function isMatch(filter: Filter, known: Known): boolean {
  switch (filter.op) {
    case 'and':
      return filter.of.every((inner) => isMatch(inner, known));
    case 'or':
      return filter.of.some((inner) => isMatch(inner, known));
    case 'not':
      return !isMatch(filter.of, known);
    case 'some':
      return withOneOf(filter.in, known).some((alone) => isMatch(filter.of, alone));
    case 'compare':
      return values(filter.field, known).some((value) => compares(value, filter.by, filter.value));
    case 'in':
      return values(filter.field, known).some((value) =>
        filter.values.some((wanted) => compares(value, '=', wanted)),
      );
    case 'regex':
      return values(filter.field, known).some(
        (value) => typeof value === 'string' && new RegExp(filter.pattern, 'u').test(value),
      );
    case 'exists':
      return isThere(filter.field, known);
    case 'looseEquals':
      return isLooselyEqual(filter.key, filter.text, known);
  }
}

function withOneOf(kind: 'event' | 'link', { span, trace }: Known): Known[] {
  const { events = [], links = [] } = span;
  return kind === 'event'
    ? events.map((event) => ({ trace, span: { ...span, events: [event] } }))
    : links.map((link) => ({ trace, span: { ...span, links: [link] } }));
}

function isLooselyEqual(key: string, text: string, known: Known): boolean {
  const { span } = known;
  const [kind, status] = [KINDS[span.kind ?? 0], STATUSES[span.status ?? 0]];
  if (key === 'error')
    return TRUE.has(text) ? status === 'error' : FALSE.has(text) && status === 'ok';
  if (key === 'span.kind') return kind === text;
  if (key === 'span.status') return status === text.toLowerCase();
  if (key === 'scope.name') return (span.scope?.name ?? '') === text;
  if (key === 'scope.version') return (span.scope?.version ?? '') === text;
  const field: Field = { kind: 'attribute', scope: 'any', key };
  return values(field, known).some((value) => String(value) === text);
}

/** As Go reads booleans, in which the clients of tag searches were written. */
const TRUE = new Set(['1', 't', 'T', 'true', 'True', 'TRUE']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'False', 'FALSE']);
const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['unset', 'ok', 'error'];

/** Values of scalar types; the others never compare. */
function values(field: Field, known: Known): Scalar[] {
  if (field.kind === 'trace') return [ofTrace(field.name, known.trace)];
  if (field.kind === 'intrinsic') return intrinsics(field.name, known.span);
  return attributes(field, known.span).flatMap((value) => {
    switch (value.type) {
      case 'string':
      case 'bool':
      case 'int':
      case 'double':
        return [value.value];
      default:
        return [];
    }
  });
}

function ofTrace(name: TraceField, trace: KnownSummary): Scalar {
  return name === 'durationNano' ? trace.endNano - trace.startNano : trace[name];
}

function isThere(field: Field, known: Known): boolean {
  if (field.kind === 'attribute') return attributes(field, known.span).length > 0;
  return values(field, known).some((value) => value !== '');
}

function attributes(
  { scope, key }: Extract<Field, { kind: 'attribute' }>,
  span: KnownSpan,
): AttributeValue[] {
  const own = (list: PlainAttributes | undefined) =>
    (list ?? []).filter(([name]) => name === key).map(([, value]) => value);
  const service = span.service === undefined ? [] : [serviceAttribute(span.service)];
  const places = {
    span: own(span.attributes),
    resource: own([...service, ...(span.resource?.attributes ?? [])]),
    scope: own(span.scope?.attributes),
    event: (span.events ?? []).flatMap((event) => own(event.attributes)),
    link: (span.links ?? []).flatMap((link) => own(link.attributes)),
  };
  return scope === 'any' ? Object.values(places).flat() : places[scope];
}

function serviceAttribute(value: string): readonly [string, AttributeValue] {
  return ['service.name', { type: 'string', value }];
}

export function serviceOf(span: KnownSpan): string {
  return span.service ?? '';
}

function intrinsics(name: Intrinsic, span: KnownSpan): Scalar[] {
  switch (name) {
    case 'service':
      return [serviceOf(span)];
    case 'name':
      return [span.name];
    case 'kind':
      return [KINDS[span.kind ?? 0]!];
    case 'status':
      return [STATUSES[span.status ?? 0]!];
    case 'statusMessage':
      return [span.statusMessage ?? ''];
    case 'durationNano':
      return [span.endNano - span.startNano];
    case 'startNano':
      return [span.startNano];
    case 'traceId':
      return [span.traceId];
    case 'spanId':
      return [span.spanId];
    case 'parentSpanId':
      return [span.parentSpanId ?? ''];
    case 'traceState':
      return [span.traceState ?? ''];
    case 'scopeName':
      return [span.scope?.name ?? ''];
    case 'scopeVersion':
      return [span.scope?.version ?? ''];
    case 'endNano':
      return [span.endNano];
    case 'scopeSchemaUrl':
      return [span.scope?.schemaUrl ?? ''];
    case 'resourceSchemaUrl':
      return [span.resource?.schemaUrl ?? ''];
    case 'eventName':
      return (span.events ?? []).map((event) => event.name ?? '');
    case 'eventTimeNano':
      return (span.events ?? []).map((event) => event.timeNano ?? 0n);
    case 'eventSinceStartNano':
      return (span.events ?? []).map((event) => (event.timeNano ?? 0n) - span.startNano);
    case 'linkTraceId':
      return (span.links ?? []).map((link) => link.traceId);
    case 'linkSpanId':
      return (span.links ?? []).map((link) => link.spanId);
    case 'linkTraceState':
      return (span.links ?? []).map((link) => link.traceState ?? '');
  }
}

function compares(left: Scalar, by: Comparison, right: Scalar): boolean {
  const areNumbers = isNumber(left) && isNumber(right);
  if (!areNumbers && typeof left !== typeof right) return false;
  // NaN equals nothing, so it differs from every number.
  if (Number.isNaN(left) || Number.isNaN(right)) return by === '!=';
  if (typeof left === 'boolean' && by !== '=' && by !== '!=') return false;
  const order = left < right ? -1 : Number(left > right);
  switch (by) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function isNumber(value: Scalar): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

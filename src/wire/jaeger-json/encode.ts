/** Spans as the JSON of Jaeger's UI and its legacy query API: traces of tags, logs, references and
 *  processes. Times are microseconds, cut off; scope attributes, link attributes, schema URLs and
 *  dropped counts have no place in it. */

import { type AttributeValue, type KeyValue, SPAN_KINDS } from '../../model/attribute.ts';
import { base64, jsonInt, jsonValue } from '../../model/attribute-json.ts';
import type { LinkValue, ResourceValue } from '../../model/batch/view.ts';
import type { Span } from '../../model/trace/span.ts';

export interface JaegerTag {
  readonly key: string;
  readonly type: 'string' | 'bool' | 'int64' | 'float64' | 'binary';
  readonly value: string | number | boolean;
}

export interface JaegerReference {
  readonly refType: 'CHILD_OF' | 'FOLLOWS_FROM';
  readonly traceID: string;
  readonly spanID: string;
}

export interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly flags?: number;
  readonly operationName: string;
  readonly references: readonly JaegerReference[];
  readonly startTime: number;
  readonly duration: number;
  readonly tags: readonly JaegerTag[];
  readonly logs: readonly { readonly timestamp: number; readonly fields: readonly JaegerTag[] }[];
  readonly processID: string;
  readonly warnings: readonly string[] | null;
}

export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { serviceName: string; tags: readonly JaegerTag[] }>>;
  readonly warnings: readonly string[] | null;
}

/** Jaeger's name for a service that gave none. */
const NO_SERVICE = 'OTLPResourceNoServiceName';
const OK = 1;
const ERROR = 2;

/** One trace; `spans` are of one trace id and at least one. */
export function encodeJaegerTrace(spans: readonly Span[]): JaegerTrace {
  const processes = new Processes();
  return {
    traceID: jaegerTraceId(spans[0]?.traceId ?? ''),
    spans: spans.map((span) => encodeSpan(span, processes.idOf(span.resource))),
    processes: processes.byId,
    warnings: null,
  };
}

/** 16 digits when the high half is zero, else 32. */
export function jaegerTraceId(traceId: string): string {
  return traceId.startsWith('0000000000000000') ? traceId.slice(16) : traceId;
}

function encodeSpan(span: Span, processID: string): JaegerSpan {
  const flags = span.flags & 0xff;
  return {
    traceID: jaegerTraceId(span.traceId),
    spanID: span.spanId,
    ...(flags === 0 ? {} : { flags }),
    operationName: span.name,
    references: referencesOf(span),
    startTime: micros(span.startNano),
    duration: micros(span.endNano - span.startNano),
    tags: spanTags(span),
    logs: span.events.map((event) => ({
      timestamp: micros(event.timeNano),
      fields: [
        ...(event.name === '' ? [] : [stringTag('event', event.name)]),
        ...event.attributes.map(encodeTag),
      ],
    })),
    processID,
    warnings: span.warnings.length === 0 ? null : span.warnings,
  };
}

function referencesOf(span: Span): JaegerReference[] {
  const parent: JaegerReference = {
    refType: 'CHILD_OF',
    traceID: jaegerTraceId(span.traceId),
    spanID: span.parentSpanId,
  };
  return [...(span.parentSpanId === '' ? [] : [parent]), ...span.links.map(encodeLink)];
}

function encodeLink(link: LinkValue): JaegerReference {
  const type = link.attributes.find(({ key }) => key === 'opentracing.ref_type')?.value;
  const isChild = type?.type === 'string' && type.value === 'child_of';
  return {
    refType: isChild ? 'CHILD_OF' : 'FOLLOWS_FROM',
    traceID: jaegerTraceId(link.traceId),
    spanID: link.spanId,
  };
}

function spanTags(span: Span): JaegerTag[] {
  const tags: JaegerTag[] = [];
  if (span.scope.name !== '') tags.push(stringTag('otel.scope.name', span.scope.name));
  if (span.scope.version !== '') tags.push(stringTag('otel.scope.version', span.scope.version));
  tags.push(...span.attributes.map(encodeTag));
  const kind = SPAN_KINDS[span.kind];
  if (kind !== undefined && kind !== 'unspecified') tags.push(stringTag('span.kind', kind));
  if (span.statusCode === OK) tags.push(stringTag('otel.status_code', 'OK'));
  if (span.statusCode === ERROR) {
    tags.push(stringTag('otel.status_code', 'ERROR'), { key: 'error', type: 'bool', value: true });
  }
  if (span.statusMessage !== '')
    tags.push(stringTag('otel.status_description', span.statusMessage));
  if (span.traceState !== '') tags.push(stringTag('w3c.tracestate', span.traceState));
  return tags;
}

function encodeTag({ key, value }: KeyValue): JaegerTag {
  switch (value.type) {
    case 'string':
      return { key, type: 'string', value: value.value };
    case 'bool':
      return { key, type: 'bool', value: value.value };
    case 'int':
      return { key, type: 'int64', value: jsonInt(value.value) };
    case 'double':
      return {
        key,
        type: 'float64',
        value: Number.isFinite(value.value) ? value.value : String(value.value),
      };
    case 'bytes':
      return { key, type: 'binary', value: base64(value.value) };
    default:
      return stringTag(key, nestedText(value));
  }
}

function nestedText(value: AttributeValue): string {
  return value.type === 'empty' ? '' : JSON.stringify(jsonValue(value));
}

function stringTag(key: string, value: string): JaegerTag {
  return { key, type: 'string', value };
}

function micros(nano: bigint): number {
  return Number(nano / 1000n);
}

/** Resources as p1, p2, …: one for each distinct content, in order of appearance. */
class Processes {
  readonly byId: Record<string, { serviceName: string; tags: JaegerTag[] }> = {};
  readonly #ofResource = new Map<ResourceValue, string>();
  readonly #ofContent = new Map<string, string>();

  idOf(resource: ResourceValue): string {
    const known = this.#ofResource.get(resource);
    if (known !== undefined) return known;
    const process = encodeProcess(resource);
    const content = JSON.stringify(process);
    const id = this.#ofContent.get(content) ?? `p${this.#ofContent.size + 1}`;
    this.#ofContent.set(content, id);
    this.#ofResource.set(resource, id);
    this.byId[id] = process;
    return id;
  }
}

function encodeProcess(resource: ResourceValue): { serviceName: string; tags: JaegerTag[] } {
  const name = resource.attributes.find(({ key }) => key === 'service.name')?.value;
  return {
    serviceName: name?.type === 'string' && name.value !== '' ? name.value : NO_SERVICE,
    tags: resource.attributes.filter(({ key }) => key !== 'service.name').map(encodeTag),
  };
}

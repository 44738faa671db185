/** One span as a flat object for the log. */
import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { SpanView } from '../../model/batch/view.ts';

export function describeSpan(batch: SpanBatch, row: number, detailed: boolean): object {
  const span = new SpanView(batch, row);
  const head = {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    service: span.service,
    name: span.name,
    kind: span.kind,
    durationNano: String(span.endNano - span.startNano),
    statusCode: span.statusCode,
  };
  if (!detailed) return head;
  return {
    ...head,
    startNano: String(span.startNano),
    statusMessage: span.statusMessage,
    traceState: span.traceState,
    attributes: plainAttributes(span.attributes),
    resource: plainAttributes(span.resource.attributes),
    scope: { name: span.scope.name, version: span.scope.version },
    events: span.events.map((event) => ({
      timeNano: String(event.timeNano),
      name: event.name,
      attributes: plainAttributes(event.attributes),
    })),
    links: span.links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      attributes: plainAttributes(link.attributes),
    })),
  };
}

function plainAttributes(attributes: readonly KeyValue[]): object {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: AttributeValue): unknown {
  switch (value.type) {
    case 'empty':
      return null;
    case 'int':
      return String(value.value);
    case 'array':
      return value.value.map(plain);
    case 'kvlist':
      return plainAttributes(value.value);
    case 'bytes':
      return Buffer.from(value.value).toString('base64');
    default:
      return value.value;
  }
}

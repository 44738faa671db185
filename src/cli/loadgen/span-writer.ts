/** Writes made-up spans into one SpanBatchBuilder: that of a pod, or of a Collector that mixes them.
 *  Resource and scope are written when their first span comes. */

import { AttributeType } from '../../model/attribute.ts';
import type { GrowingAttributes } from '../../model/batch/builder.ts';
import { SpanBatchBuilder } from '../../model/batch/builder.ts';
import { DEFAULT_TENANT, type SpanBatch } from '../../model/batch/span-batch.ts';
import { writeWords } from '../../model/time.ts';
import { PODS, type Service, SERVICES } from './shop.ts';

export type Value = string | number | boolean | { readonly double: number };
export type Attributes = readonly (readonly [key: string, value: Value])[];

export interface SpanFields {
  /** Index of service times PODS plus the pod's number. */
  readonly pod: number;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array | undefined;
  readonly name: string;
  readonly kind: number;
  readonly startNano: bigint;
  readonly endNano: bigint;
  readonly isError: boolean;
  readonly attributes: Attributes;
  readonly events: readonly { timeNano: bigint; name: string; attributes: Attributes }[];
  readonly links: readonly { traceId: Uint8Array; spanId: Uint8Array }[];
}

export class SpanWriter {
  readonly #builder = new SpanBatchBuilder();
  readonly #resources = new Map<number, number>();
  readonly #scopes = new Map<number, number>();

  get count(): number {
    return this.#builder.spans.count;
  }

  seal(): SpanBatch {
    this.#resources.clear();
    this.#scopes.clear();
    return this.#builder.seal(DEFAULT_TENANT);
  }

  add(span: SpanFields): void {
    const builder = this.#builder;
    const { strings } = builder;
    const resource = this.#resourceRow(span.pod);
    const scope = this.#scopeRow(span.pod);
    const row = builder.openSpan();
    const { columns, attributes } = builder.spans;
    columns.traceIds.set(span.traceId, row * 16);
    columns.spanIds.set(span.spanId, row * 8);
    if (span.parentSpanId) columns.parentSpanIds.set(span.parentSpanId, row * 8);
    columns.names[row] = strings.internText(span.name);
    columns.kinds[row] = span.kind;
    writeWords(columns.startNano, row * 2, span.startNano);
    writeWords(columns.endNano, row * 2, span.endNano);
    columns.statusCodes[row] = span.isError ? 2 : 0;
    if (span.isError) columns.statusMessages[row] = strings.internText('deadline exceeded');
    columns.flags[row] = 0x101;
    columns.resources[row] = resource;
    columns.scopes[row] = scope;
    this.#attributes(attributes, span.attributes);
    for (const event of span.events) this.#event(event);
    for (const link of span.links) this.#link(link);
  }

  #event(event: SpanFields['events'][number]): void {
    const { events, strings } = this.#builder;
    const row = events.open();
    writeWords(events.columns.timeNano, row * 2, event.timeNano);
    events.columns.names[row] = strings.internText(event.name);
    this.#attributes(events.attributes, event.attributes);
  }

  #link(link: SpanFields['links'][number]): void {
    const { links } = this.#builder;
    const row = links.open();
    links.columns.traceIds.set(link.traceId, row * 16);
    links.columns.spanIds.set(link.spanId, row * 8);
  }

  #attributes(table: GrowingAttributes, attributes: Attributes): void {
    const { strings } = this.#builder;
    for (const [key, value] of attributes) {
      const id = strings.internText(key);
      if (typeof value === 'string') {
        table.add(id, AttributeType.string, strings.internText(value), 0);
      } else if (typeof value === 'boolean') table.addBool(id, value);
      else if (typeof value === 'number') table.addInt(id, BigInt(value));
      else table.addDouble(id, value.double);
    }
  }

  #resourceRow(pod: number): number {
    const known = this.#resources.get(pod);
    if (known !== undefined) return known;
    const { resources, strings } = this.#builder;
    const row = resources.open();
    const attributes = resourceOf(pod);
    resources.columns.services[row] = strings.internText(serviceOf(pod)?.name ?? '');
    this.#attributes(resources.attributes, attributes);
    this.#resources.set(pod, row);
    return row;
  }

  #scopeRow(pod: number): number {
    const service = Math.floor(pod / PODS);
    const known = this.#scopes.get(service);
    if (known !== undefined) return known;
    const { scopes, strings } = this.#builder;
    const row = scopes.open();
    scopes.columns.names[row] = strings.internText(
      `io.opentelemetry.${SERVICES[service]?.language ?? ''}`,
    );
    scopes.columns.versions[row] = strings.internText('2.31.1');
    this.#scopes.set(service, row);
    return row;
  }
}

function serviceOf(pod: number): Service | undefined {
  return SERVICES[Math.floor(pod / PODS)];
}

function resourceOf(pod: number): Attributes {
  const service = serviceOf(pod);
  const name = service?.name ?? '';
  const instance = `${name}-7d9f8b6c5-${(pod * 7919 + 4099).toString(36)}`;
  return [
    ['service.name', name],
    ['service.version', `1.${pod % 7}.${pod % 3}`],
    ['service.namespace', 'shop'],
    ['service.instance.id', instance],
    ['deployment.environment.name', 'production'],
    ['host.name', `node-${(pod % 6) + 1}`],
    ['k8s.pod.name', instance],
    ['k8s.namespace.name', 'shop'],
    ['k8s.node.name', `node-${(pod % 6) + 1}`],
    ['telemetry.sdk.name', 'opentelemetry'],
    ['telemetry.sdk.language', service?.language ?? ''],
    ['telemetry.sdk.version', '2.1.0'],
  ];
}

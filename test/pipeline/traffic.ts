/** Traces and metrics to send through a pipeline, the same ones in every run. */
import { createHash } from 'node:crypto';
import type { KeyValue } from '../../src/model/attribute.ts';
import { batchOf, type Span } from '../../src/model/trace/span.ts';
import { metricsCodec } from '../../src/wire/otlp-messages/codec.ts';
import { encodeTraces } from '../../src/wire/otlp-proto/encode.ts';

export const SPANS_PER_TRACE = 3;

export const text = (key: string, value: string): KeyValue => ({
  key,
  value: { type: 'string', value },
});

export interface TraceLook {
  readonly number: number;
  readonly isError?: boolean;
  readonly isSlow?: boolean;
  readonly attributes?: readonly KeyValue[];
}

export function traceIdOf(number: number): string {
  return createHash('sha256').update(`trace ${number}`).digest('hex').slice(0, 32);
}

export function spansOfTrace({ number, isError, isSlow, attributes = [] }: TraceLook): Span[] {
  const traceId = traceIdOf(number);
  const startNano = BigInt(Date.now()) * 1_000_000n;
  const spanId = (i: number) => (number * 16 + i + 1).toString(16).padStart(16, '0');
  return Array.from({ length: SPANS_PER_TRACE }, (_, i) => ({
    traceId,
    spanId: spanId(i),
    parentSpanId: i === 0 ? '' : spanId(0),
    name: `step ${i}`,
    kind: 2,
    startNano,
    endNano: startNano + (isSlow && i === 0 ? 1_500_000_000n : 5_000_000n),
    statusCode: isError && i === 2 ? 2 : 0,
    statusMessage: '',
    traceState: '',
    flags: 0,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    attributes: [...attributes],
    events: [],
    links: [],
    resource: { schemaUrl: '', droppedAttributes: 0, attributes: [text('service.name', 'shop')] },
    scope: { name: 'test', version: '', schemaUrl: '', droppedAttributes: 0, attributes: [] },
    warnings: [],
  }));
}

export async function sendTraces(http: string, traces: readonly TraceLook[]): Promise<void> {
  await post(`${http}/v1/traces`, encodeTraces([batchOf('default', traces.flatMap(spansOfTrace))]));
}

/** One counter, `orders` of the service `shop`. */
export async function sendOrders(http: string, value: bigint): Promise<void> {
  const timeNano = BigInt(Date.now()) * 1_000_000n;
  const point = {
    attributes: [text('shop.kind', 'toys')],
    startNano: timeNano,
    timeNano,
    flags: 0,
  };
  const bytes = metricsCodec.encode({
    resources: [
      {
        resource: { attributes: [text('service.name', 'shop')], droppedAttributes: 0 },
        schemaUrl: '',
        scopes: [
          {
            scope: { name: 'test', version: '', attributes: [], droppedAttributes: 0 },
            schemaUrl: '',
            items: [
              {
                name: 'orders',
                unit: '{order}',
                description: 'Orders taken.',
                metadata: [],
                data: {
                  kind: 'sum',
                  temporality: 2,
                  isMonotonic: true,
                  points: [{ ...point, value, exemplars: [] }],
                },
              },
            ],
          },
        ],
      },
    ],
  });
  await post(`${http}/v1/metrics`, bytes);
}

async function post(url: string, body: Uint8Array): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: Buffer.from(body),
  });
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
}

/** Asks again until it is as wanted; rejects with what it was last. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  isWanted: (answer: T) => boolean,
): Promise<T> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (Date.now() > giveUpAt) throw new Error(`gave up at ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Small batches of metrics and logs, and what is in them, for tests of processors. A message made
 *  here is frozen through and through: whoever changes what branches share fails. */
import { messagesOfBytes, withMessage, type MessageBatch } from './message-batch.ts';
import type { Batch } from './consumer.ts';
import type { KeyValue } from '../model/attribute.ts';
import type { Client } from '../model/batch/client.ts';
import type { LogRecord } from '../model/logs.ts';
import type { Metric, MetricData, NumberPoint } from '../model/metrics.ts';
import type { SignalMessage } from '../model/signal-message.ts';
import { logsCodec, metricsCodec, type SignalCodec } from '../wire/otlp-messages/codec.ts';

export function point(
  attributes: readonly KeyValue[] = [],
  value: number | bigint = 1,
): NumberPoint {
  return {
    attributes: [...attributes],
    startNano: 1n,
    timeNano: 2n,
    flags: 0,
    value,
    exemplars: [],
  };
}

export function metric(name: string, data: MetricData | readonly NumberPoint[]): Metric {
  return {
    name,
    description: '',
    unit: '',
    metadata: [],
    data: 'kind' in data ? data : { kind: 'gauge', points: [...data] },
  };
}

export function logRecord(over: Partial<LogRecord> = {}): LogRecord {
  return {
    timeNano: 1n,
    observedNano: 2n,
    severityNumber: 0,
    severityText: '',
    body: undefined,
    attributes: [],
    droppedAttributes: 0,
    flags: 0,
    traceId: new Uint8Array(0),
    spanId: new Uint8Array(0),
    eventName: '',
    ...over,
  };
}

export interface Surroundings {
  readonly resource?: KeyValue[];
  readonly scope?: { readonly name: string; readonly version: string };
  readonly client?: Client;
}

export function messageOf<Item>(items: Item[], around: Surroundings = {}): SignalMessage<Item> {
  const { resource = [], scope = { name: '', version: '' } } = around;
  return {
    resources: [
      {
        resource: { attributes: resource, droppedAttributes: 0 },
        scopes: [
          { scope: { ...scope, attributes: [], droppedAttributes: 0 }, items, schemaUrl: '' },
        ],
        schemaUrl: '',
      },
    ],
  };
}

export function metricsBatch(metrics: Metric[], around: Surroundings = {}): MessageBatch {
  return batchOf(metricsCodec, messageOf(metrics, around), around.client);
}

export function logsBatch(records: LogRecord[], around: Surroundings = {}): MessageBatch {
  return batchOf(logsCodec, messageOf(records, around), around.client);
}

export function batchOf<Message>(
  codec: SignalCodec<Message>,
  message: Message,
  client?: Client,
): MessageBatch {
  const bytes = codec.encode(message);
  const { signal } = codec;
  const count = codec.count(message);
  const batch = messagesOfBytes({ signal, count, tenant: 'default', client, bytes });
  deepFreeze(batch.payload.message(codec));
  return withMessage(batch, codec, batch.payload.message(codec));
}

/** What a batch says once it was sent: read from its bytes. */
export function metricsIn(batch: Batch | undefined): Metric[] {
  return itemsIn(metricsCodec, batch);
}

export function recordsIn(batch: Batch | undefined): LogRecord[] {
  return itemsIn(logsCodec, batch);
}

export function pointsIn(batch: Batch | undefined): NumberPoint[] {
  return metricsIn(batch).flatMap(({ data }) =>
    data?.kind === 'gauge' || data?.kind === 'sum' ? data.points : [],
  );
}

function itemsIn<Item>(codec: SignalCodec<SignalMessage<Item>>, batch: Batch | undefined): Item[] {
  if (batch === undefined || !('payload' in batch)) return [];
  const { resources } = codec.decode(batch.payload.bytes);
  return resources.flatMap(({ scopes }) => scopes.flatMap(({ items }) => items));
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}

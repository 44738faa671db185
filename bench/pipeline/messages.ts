/** Metrics and logs: what it costs to check and count a request at the door, to pass it on, and to
 *  edit it. */

import type { Batch } from '../../src/component/consumer.ts';
import { messagesOfBytes, type MessageBatch } from '../../src/component/message-batch.ts';
import { testContext } from '../../src/component/testbed.ts';
import { decode } from '../../src/config/decode.ts';
import type { KeyValue } from '../../src/model/attribute.ts';
import { component as attributes } from '../../src/processors/attributes/processor.ts';
import {
  logRecord,
  logsBatch,
  metric,
  metricsBatch,
  point,
} from '../../src/component/messages.fixture.ts';
import { LogsData, MetricsData } from '../../src/wire/otlp-messages/oracle.fixture.ts';
import { countItems } from '../../src/wire/otlp-proto/count.ts';
import { cpuNanoPerItem, cpuNanoPerItemAsync } from '../cpu-time.ts';
import type { Figure } from '../report.ts';

const never = new AbortController().signal;
const ITEMS = 1000;
const text = (key: string, value: string): KeyValue => ({ key, value: { type: 'string', value } });
const resource = [text('service.name', 'checkout'), text('host.name', 'node-17')];

export async function messageFigures(): Promise<Figure[]> {
  const labels = (i: number) => [
    text('http.route', `/api/orders/${i % 20}`),
    text('http.request.method', 'GET'),
    text('tenant', `tenant-${i % 50}`),
  ];
  const points = Array.from({ length: ITEMS }, (_, i) => point(labels(i), BigInt(i)));
  const records = Array.from({ length: ITEMS }, (_, i) =>
    logRecord({
      body: { type: 'string', value: `order ${i} was charged to the card on file` },
      severityNumber: 9,
      severityText: 'INFO',
      attributes: labels(i),
      traceId: new Uint8Array(16).fill(i + 1),
      spanId: new Uint8Array(8).fill(i + 1),
    }),
  );
  return [
    ...(await measure(metricsBatch([metric('orders', points)], { resource }), MetricsData)),
    ...(await measure(logsBatch(records, { resource }), LogsData)),
  ];
}

async function measure(
  { signal, payload: { bytes } }: MessageBatch,
  oracle: typeof MetricsData,
): Promise<Figure[]> {
  const what = signal === 'metrics' ? 'points' : 'records';
  const protobufjs = cpuNanoPerItem(ITEMS, () => void oracle.decode(bytes));
  const rewritten = cpuNanoPerItem(ITEMS, () => void oracle.encode(oracle.decode(bytes)).finish());
  const checked = cpuNanoPerItem(ITEMS, () => void countItems(signal, bytes));
  const { value } = decode(attributes.config, {
    actions: [{ key: 'environment', value: 'production', action: 'upsert' }],
  });
  const next = {
    consume: async (batch: Batch) => void ('payload' in batch && batch.payload.bytes),
  };
  const processor = attributes.create({ ...testContext(value), signal, next });
  const given = { signal, count: ITEMS, tenant: 'default', bytes };
  const edited = await cpuNanoPerItemAsync(ITEMS, async () =>
    processor.consume(messagesOfBytes(given), never),
  );
  const figure = (name: string, nano: number, baseline: [string, number]): Figure => ({
    claim: 'pipeline',
    name: `${signal}: ${name}`,
    value: 1e9 / nano,
    unit: `${what}/cpu-s`,
    baseline: baseline[0],
    ratio: baseline[1] / nano,
  });
  return [
    figure('check and count', checked, ['protobufjs decode', protobufjs]),
    figure('decode, upsert, encode', edited, ['protobufjs decode and encode', rewritten]),
  ];
}

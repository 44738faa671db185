/** How many data points or log records an OTLP metrics or logs request holds, by walking only the
 *  messages on the way to them. Field numbers: metrics.proto, logs.proto.
 *  Hot: benchmark `bench/decode.ts`. */

import { fieldBits, ProtoReader } from './proto-reader.ts';

/** For a message on the way: by field number, the messages inside, or `item` where they count. */
interface Step {
  readonly name: string;
  readonly inside: Readonly<Record<number, Step | 'item'>>;
}

const points: Step = { name: 'Metric data', inside: { 1: 'item' } };
const metric: Step = {
  name: 'Metric',
  inside: { 5: points, 7: points, 9: points, 10: points, 11: points },
};
const scopeMetrics: Step = { name: 'ScopeMetrics', inside: { 2: metric } };
const resourceMetrics: Step = { name: 'ResourceMetrics', inside: { 2: scopeMetrics } };
const scopeLogs: Step = { name: 'ScopeLogs', inside: { 2: 'item' } };
const resourceLogs: Step = { name: 'ResourceLogs', inside: { 2: scopeLogs } };

const ROOTS: Record<'metrics' | 'logs', Step> = {
  metrics: { name: 'ExportMetricsServiceRequest', inside: { 1: resourceMetrics } },
  logs: { name: 'ExportLogsServiceRequest', inside: { 1: resourceLogs } },
};

/** Throws WireError. */
export function countItems(signal: 'metrics' | 'logs', bytes: Uint8Array): number {
  const reader = new ProtoReader();
  reader.open(bytes);
  return count(reader, bytes.length, ROOTS[signal]);
}

function count(reader: ProtoReader, end: number, step: Step): number {
  const known = fieldBits(...Object.keys(step.inside).map(Number));
  let items = 0;
  while (reader.at < end) {
    const tag = reader.tag(end);
    const inside = (tag & 7) === 2 ? step.inside[tag >>> 3] : undefined;
    if (inside === undefined) {
      reader.skip(tag, end, step.name, known);
      continue;
    }
    const inner = reader.enter(end, step.name);
    items += inside === 'item' ? 1 : count(reader, inner, inside);
    reader.at = inner;
  }
  return items;
}

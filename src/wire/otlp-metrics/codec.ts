/** The bytes of an OTLP `ExportMetricsServiceRequest` (= `MetricsData`) as objects and back. */
import { BackwardWriter } from '../otlp-proto/backward-writer.ts';
import { readWhole } from './message.ts';
import { metricsRequest } from './messages.ts';
import type { MetricsRequest } from './metrics-data.ts';
import { MetricsReader } from './scalars.ts';

const FIRST_BYTES = 16 * 1024;

/** Throws WireError. */
export function decodeMetrics(bytes: Uint8Array): MetricsRequest {
  return readWhole(metricsRequest, new MetricsReader(bytes));
}

export function encodeMetrics(request: MetricsRequest): Uint8Array {
  const writer = new BackwardWriter(FIRST_BYTES);
  for (const field of metricsRequest.fields.toReversed()) field.write(request, writer);
  return writer.finish();
}

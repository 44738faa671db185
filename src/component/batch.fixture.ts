/** Small batches of each signal for tests of what moves batches about. */
import { SpanBatchBuilder } from '../model/batch/builder.ts';
import type { SpanBatch } from '../model/batch/span-batch.ts';
import { SpanView } from '../model/batch/view.ts';
import { isOpaque, type Batch, type OpaqueBatch } from './consumer.ts';

/** One span per name, in order. */
export function spansNamed(names: readonly string[], tenant = 'default'): SpanBatch {
  const builder = new SpanBatchBuilder();
  builder.resources.open();
  builder.scopes.open();
  for (const name of names) {
    const row = builder.openSpan();
    builder.spans.columns.names[row] = builder.strings.internText(name);
    builder.spans.columns.traceIds[row * 16] = 1;
    builder.spans.columns.spanIds[row * 8] = row + 1;
  }
  return builder.seal(tenant);
}

export function spanCount(count: number, tenant = 'default'): SpanBatch {
  return spansNamed(
    Array.from({ length: count }, (_, index) => `span ${index}`),
    tenant,
  );
}

export function namesOf(batch: Batch): string[] {
  if (isOpaque(batch)) return [];
  return Array.from({ length: batch.count }, (_, row) => new SpanView(batch, row).name);
}

export function logBytes(bytes: readonly number[], count: number): OpaqueBatch {
  const body = Uint8Array.from(bytes);
  return { signal: 'logs', count, byteSize: body.length, tenant: 'default', bytes: body };
}

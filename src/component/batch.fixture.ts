/** Small batches of each signal for tests of what moves batches about. */
import { SpanBatchBuilder } from '../model/batch/builder.ts';
import type { SpanBatch } from '../model/batch/span-batch.ts';
import { SpanView } from '../model/batch/view.ts';
import { isMessages, type Batch } from './consumer.ts';
import { messagesOfBytes, type MessageBatch } from './message-batch.ts';

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
  if (isMessages(batch)) return [];
  return Array.from({ length: batch.count }, (_, row) => new SpanView(batch, row).name);
}

export function logBytes(bytes: readonly number[], count: number): MessageBatch {
  const tenant = 'default';
  return messagesOfBytes({ signal: 'logs', count, tenant, bytes: Uint8Array.from(bytes) });
}

import { expect, test } from 'vitest';
import { RandomSpans } from '../../model/batch/random-spans.fixture.ts';
import { batchOf, type Span, spansOf } from '../../model/trace/span.ts';
import { Head, HeadEntry } from './head.ts';

const idBytes = (traceId: string): Uint8Array => Buffer.from(traceId, 'hex');
const found = (head: Head, traceId: string): Span[] =>
  head.find(idBytes(traceId)).flatMap((batch) => spansOf(batch));

test('what is found of a trace is what was added of it, in that order', () => {
  const random = new RandomSpans(11);
  const writes = Array.from({ length: 20 }, (_, i) => random.spans(i * 3));
  const entries = writes.map((spans, i) => new HeadEntry(i + 1, batchOf('default', spans)));
  const head = new Head(entries);
  const all = writes.flat();
  expect(head.rows).toBe(all.length);
  for (const traceId of new Set(all.map((span) => span.traceId))) {
    expect(found(head, traceId)).toEqual(all.filter((span) => span.traceId === traceId));
  }
  expect(found(head, 'f'.repeat(32))).toEqual([]);
});

test('an entry gives back its batch, and counts the bytes it was let in with', () => {
  const batch = batchOf('tenant', new RandomSpans(12).spans(40));
  const entry = new HeadEntry(7, batch);
  expect(entry.bytes).toBe(batch.byteSize);
  expect(entry.batch.tenant).toBe('tenant');
  expect(spansOf(entry.batch)).toEqual(spansOf(batch));
});

import { expect, test } from 'vitest';
import { type Span, spansOf } from '../../model/trace/span.ts';
import { decodeTraces } from '../../wire/otlp-proto/decode.ts';
import { Latencies } from './latencies.ts';
import { makeTemplates, Payloads, type TemplateOptions } from './templates.ts';

const OPTIONS: TemplateOptions = { seed: 1, batchSize: 100, batches: 60, layout: 'sdk' };
const NOW_MS = 1_800_000_000_000;

function round(payloads: Payloads, requests: number): Span[] {
  return Array.from({ length: requests }, () => payloads.next(NOW_MS)).flatMap(({ bytes }) =>
    spansOf(decodeTraces(bytes)),
  );
}

test('every round sends whole traces with ids of its own, at the time of sending', () => {
  const templates = makeTemplates(OPTIONS);
  const payloads = new Payloads(templates, 7);
  const first = round(payloads, templates.length);
  const second = round(payloads, templates.length);
  const all = [...first, ...second];
  expect(new Set(all.map(({ spanId }) => spanId)).size).toBe(all.length);
  for (const spans of [first, second]) {
    const known = new Map(spans.map((span) => [span.spanId, span]));
    for (const { parentSpanId, traceId, links } of spans) {
      if (parentSpanId !== '') expect(known.get(parentSpanId)?.traceId).toBe(traceId);
      for (const link of links) expect(known.get(link.spanId)?.traceId).toBe(link.traceId);
    }
  }
  const latest = all.reduce((max, { startNano }) => (startNano > max ? startNano : max), 0n);
  expect(Math.abs(Number(latest / 1_000_000n) - NOW_MS)).toBeLessThan(5000);
  const [one] = first;
  expect((one?.endNano ?? 0n) >= (one?.startNano ?? 1n)).toBe(true);
});

test('the same seed makes the same requests, another seed others', () => {
  const bytes = (seed: number) => makeTemplates({ ...OPTIONS, seed, batches: 3 })[0]?.bytes;
  expect(bytes(5)).toEqual(bytes(5));
  expect(bytes(5)).not.toEqual(bytes(6));
});

test('an SDK request has one resource, a Collector request many', () => {
  const resources = (layout: 'sdk' | 'collector') => {
    const [first] = makeTemplates({ ...OPTIONS, layout, batches: 1 });
    return decodeTraces(first?.bytes ?? new Uint8Array(0)).resources.count;
  };
  expect(resources('sdk')).toBe(1);
  expect(resources('collector')).toBeGreaterThan(10);
});

test('the traffic has the shape it is meant to have', () => {
  const templates = makeTemplates({ ...OPTIONS, batches: 200 });
  const spans = round(new Payloads(templates, 1), templates.length);
  const share = (matches: (span: Span) => boolean) => spans.filter(matches).length / spans.length;
  expect(share(({ kind }) => kind === 3)).toBeCloseTo(0.5, 1);
  expect(share(({ kind }) => kind === 2)).toBeCloseTo(0.3, 1);
  expect(share(({ statusCode }) => statusCode === 2)).toBeLessThan(0.01);
  const attributes = spans.reduce((sum, span) => sum + span.attributes.length, 0) / spans.length;
  expect(attributes).toBeGreaterThan(9);
  expect(attributes).toBeLessThan(10.5);
  const bytes = templates.reduce((sum, template) => sum + template.bytes.length, 0) / spans.length;
  expect(bytes).toBeGreaterThan(420);
  expect(bytes).toBeLessThan(540);
});

test('percentiles are within a bucket of the truth', () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 1000; ms++) latencies.add(ms);
  expect(latencies.percentile(0.5) / 500).toBeCloseTo(1, 1);
  expect(latencies.percentile(0.99) / 990).toBeCloseTo(1, 1);
  expect(new Latencies().percentile(0.5)).toBe(0);
});

/** The names a reader asks for, of the same metrics. */
import { expect, test } from 'vitest';
import { OwnMetrics } from '../component/telemetry.ts';
import { exposed, type Exposition } from './exposition.ts';
import { measureProcess } from './own-metrics-server.ts';

async function namesIn(wanted: Partial<Exposition>) {
  const metrics = new OwnMetrics();
  measureProcess(metrics);
  const labels = ['exporter'];
  const counter = { name: 'otelcol_exporter_sent_spans_total', help: 'Spans.', labels };
  metrics.counter(counter).inc({ exporter: 'x_total' }, 2);
  metrics.counter({ name: 'otelcol_bare', help: 'No suffix.', labels: [] }).inc(1);
  const batch = { name: 'otelcol_processor_batch_batch_send_size_bytes', help: 'Bytes.' };
  metrics.histogram({ ...batch, labels: [], buckets: [1] }).observe(1);
  const latency = {
    name: 'jaeger_storage_latency_seconds',
    help: 'Time.',
    unit: 'seconds',
  } as const;
  metrics.histogram({ ...latency, labels: [], buckets: [1] }).observe(1);
  const plain = { level: 'normal', without_units: true, without_type_suffix: true } as const;
  return exposed(metrics, { ...plain, ...wanted });
}

test('as a Collector writes them: no unit, no _total, but what is part of the name stays', async () => {
  const text = await namesIn({});
  for (const line of [
    /^# TYPE otelcol_exporter_sent_spans counter$/m,
    /^otelcol_exporter_sent_spans\{exporter="x_total"\} 2$/m,
    /^otelcol_bare 1$/m,
    /^# TYPE otelcol_process_uptime counter$/m,
    /^otelcol_process_uptime \d/m,
    /^otelcol_process_cpu_seconds \d/m,
    /^otelcol_process_memory_rss \d/m,
    /^otelcol_process_runtime_heap_alloc_bytes \d/m,
    /^jaeger_storage_latency_bucket\{le="1"\} 1$/m,
    /^jaeger_storage_latency_sum 1$/m,
  ]) {
    expect(text).toMatch(line);
  }
});

test('as Jaeger writes them: with both', async () => {
  const text = await namesIn({ without_units: false, without_type_suffix: false });
  for (const line of [
    /^otelcol_exporter_sent_spans_total\{exporter="x_total"\} 2$/m,
    /^otelcol_bare_total 1$/m,
    /^otelcol_process_uptime_seconds_total \d/m,
    /^otelcol_process_cpu_seconds_total \d/m,
    /^otelcol_process_memory_rss_bytes \d/m,
    /^jaeger_storage_latency_seconds_count 1$/m,
  ]) {
    expect(text).toMatch(line);
  }
});

test.for([
  ['basic', false, false],
  ['normal', true, false],
  ['detailed', true, true],
] as const)('level %s', async ([level, hasBatch, hasBytes]) => {
  const text = await namesIn({ level });
  expect(text.includes('otelcol_processor_batch_batch_send_size_bytes')).toBe(hasBytes);
  expect(hasBatch || !text.includes('processor_batch')).toBe(true);
  expect(text).toContain('otelcol_exporter_sent_spans');
});

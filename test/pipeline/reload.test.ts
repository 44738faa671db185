/** What is under way when the configuration is exchanged arrives: from a queue on disk, from a batch
 *  of a processor that leaves, and from traces that wait for their decision. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { spansOf, type Span } from '../../src/model/trace/span.ts';
import { startReceiver } from '../../src/receivers/otlp/receiver.fixture.ts';
import { SpoorProcess } from '../cli/spoor-process.ts';
import { eventually, sendTraces, SPANS_PER_TRACE, text } from './traffic.ts';

const never = new AbortController().signal;
/** Nobody listens there, so a connection is refused at once. */
const nobody = '127.0.0.1:1';

let directory: string;
let path: string;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-exchange-'));
  path = join(directory, 'spoor.yaml');
});

afterEach(async () => {
  await Promise.all(closing.splice(0).map(async (close) => close()));
  rmSync(directory, { recursive: true, force: true });
});

interface Parts {
  readonly endpoint: string;
  readonly processors?: string;
  readonly queue?: string;
  readonly value?: string;
}

function config({ endpoint, processors = '', queue = 'enabled: false', value = 'old' }: Parts) {
  return `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors:
  batch: {timeout: 1h, send_batch_size: 100000}
  attributes: {actions: [{key: config, value: ${value}, action: upsert}]}
  tail_sampling: {decision_wait: 3s, policies: [{name: all, type: always_sample}]}
exporters:
  otlp_grpc:
    endpoint: ${endpoint}
    tls: {insecure: true}
    retry_on_failure: {initial_interval: 100ms, max_interval: 100ms, max_elapsed_time: 0}
    sending_queue: {${queue}}
extensions: {file_storage: {directory: ${join(directory, 'queue')}, create_directory: true}}
service:
  extensions: [file_storage]
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], processors: [${processors}], exporters: [otlp_grpc]}
`;
}

async function started(first: string) {
  writeFileSync(path, first);
  const process = new SpoorProcess(['--config', path]);
  closing.push(async () => process.end());
  const http = await process.address('OTLP/HTTP');
  const reload = async (next: string) => {
    const line = 'configuration reloaded';
    const before = process.stderr.split(line).length;
    writeFileSync(path, next);
    process.kill('SIGHUP');
    await process.until(() => process.stderr.split(line).length > before, line);
  };
  return { process, http, reload };
}

async function peer() {
  const running = await startReceiver();
  closing.push(async () => running.receiver.stop?.(never));
  return {
    endpoint: running.grpc,
    spans: (): Span[] => running.traces.batches.flatMap((batch) => spansOf(batch)),
  };
}

const traces = (count: number) => Array.from({ length: count }, (_, number) => ({ number }));
const idsOf = (spans: readonly Span[]) =>
  new Set(spans.map(({ traceId, spanId }) => `${traceId}${spanId}`));

test('a queue on disk keeps its items when the exporter before it is exchanged', async () => {
  const queue = 'storage: file_storage, num_consumers: 2';
  const { http, reload } = await started(config({ endpoint: nobody, queue }));
  await sendTraces(http, traces(5));
  await reload(config({ endpoint: nobody, queue: 'storage: file_storage, num_consumers: 1' }));
  await sendTraces(http, traces(10).slice(5));
  const { endpoint, spans } = await peer();
  await reload(config({ endpoint, queue }));
  await eventually(
    () => idsOf(spans()).size,
    (size) => size === 10 * SPANS_PER_TRACE,
  );
});

test('a batch that a leaving processor holds is sent at once', async () => {
  const { endpoint, spans } = await peer();
  const { http, reload } = await started(config({ endpoint, processors: 'batch' }));
  await sendTraces(http, traces(4));
  expect(spans()).toEqual([]);
  await reload(config({ endpoint, processors: '' }));
  expect(idsOf(spans()).size).toBe(4 * SPANS_PER_TRACE);
});

test('traces wait on for their decision while the processor after it is exchanged', async () => {
  const { endpoint, spans } = await peer();
  const processors = 'tail_sampling, attributes';
  const { process, http, reload } = await started(config({ endpoint, processors }));
  await sendTraces(http, traces(3));
  await reload(config({ endpoint, processors, value: 'new' }));
  expect(process.stderr).toContain('started=["processor:traces:attributes"]');
  await eventually(
    () => idsOf(spans()).size,
    (size) => size === 3 * SPANS_PER_TRACE,
  );
  const values = spans().map(({ attributes }) => attributes.find(({ key }) => key === 'config'));
  for (const value of values) expect(value).toEqual(text('config', 'new'));
});

/** Whole pipelines of recording components: order of start and stop, sharing, acknowledgement. */
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { spanCount } from '../component/batch.fixture.ts';
import { Diary, runtimeOf } from './diary.fixture.ts';

const never = new AbortController().signal;

const quiet = 'telemetry: {metrics: {level: none}}';

const chained = `
receivers: {r: }
processors: {p: , p/late: }
exporters: {e: , e/unused: }
connectors: {c: }
extensions: {borrower: , lender: }
service:
  ${quiet}
  extensions: [borrower, lender]
  pipelines:
    traces: {receivers: [r], processors: [p], exporters: [c]}
    traces/late: {receivers: [c], processors: [p, p/late], exporters: [e]}
    metrics: {receivers: [r], processors: [p], exporters: [e]}
`;

test('starts lenders, borrowers, then sinks to sources, and stops the other way round', async () => {
  const diary = new Diary();
  const runtime = await runtimeOf(chained, diary);
  await runtime.start(never);
  const starts = diary.lines.filter((line) => line.startsWith('+'));
  expect(starts).toEqual([
    '+lender',
    '+borrower lent',
    '+e',
    '+p/late',
    '+p',
    '+c',
    '+p',
    '+e',
    '+p',
    '+r',
  ]);
  diary.lines.length = 0;
  await runtime.stop(never);
  const stops = starts.toReversed().map((line) => line.replace('+', '-').replace(' lent', ''));
  expect(diary.lines).toEqual(stops);
});

test('one exporter per signal, one processor per pipeline, nothing for what is not used', async () => {
  const diary = new Diary();
  const runtime = await runtimeOf(
    `
receivers: {r: , r/unused: }
processors: {p: }
exporters: {e: , e/unused: }
service:
  ${quiet}
  pipelines:
    traces: {receivers: [r], processors: [p], exporters: [e]}
    traces/two: {receivers: [r], processors: [p], exporters: [e]}
    logs: {receivers: [r], exporters: [e]}
`,
    diary,
  );
  await runtime.start(never);
  expect(diary.lines.filter((line) => line.startsWith('create')).toSorted()).toEqual([
    'create logs e',
    'create traces e',
    'create traces p',
    'create traces p',
  ]);
  expect([...diary.nexts.keys()]).toEqual(['r']);
  expect(diary.nexts.get('r')?.metrics).toBeUndefined();
  await runtime.stop(never);
});

test('data goes through connectors to every pipeline, and an acknowledgement comes back from the end', async () => {
  const diary = new Diary();
  const runtime = await runtimeOf(chained, diary);
  await runtime.start(never);
  diary.lines.length = 0;
  await diary.nexts.get('r')?.traces?.consume(spanCount(3), never);
  expect(diary.lines).toEqual(['e got 3']);
  diary.consume.set('e', async () => {
    throw new Error('disk full');
  });
  await expect(diary.nexts.get('r')?.traces?.consume(spanCount(3), never)).rejects.toThrow(
    'disk full',
  );
  await runtime.stop(never);
});

test('after stopping, consumers refuse retryably', async () => {
  const diary = new Diary();
  const runtime = await runtimeOf(chained, diary);
  await runtime.start(never);
  await runtime.stop(never);
  await expect(diary.nexts.get('r')?.traces?.consume(spanCount(1), never)).rejects.toMatchObject({
    code: 'not_running',
    retryable: true,
  });
});

test('a part that fails to start is named, and everything started is stopped', async () => {
  const diary = new Diary();
  diary.broken.set('c', new Error('no luck'));
  const runtime = await runtimeOf(chained, diary);
  await expect(runtime.start(never)).rejects.toMatchObject({
    code: 'start_failed',
    message: 'cannot start connector c: no luck',
  });
  const started = diary.lines.filter((line) => line.startsWith('+'));
  const stopped = diary.lines.filter((line) => line.startsWith('-'));
  // What failed is stopped as well: it may have opened something before.
  expect(stopped).toHaveLength(started.length + 1);
});

test('a taken port is one clear sentence', async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => {
    blocker.listen(0, '127.0.0.1', resolve);
  });
  const address = blocker.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  const reader = `{pull: {exporter: {prometheus: {host: 127.0.0.1, port: ${port}}}}}`;
  const runtime = await runtimeOf(
    chained.replace(quiet, `telemetry: {metrics: {readers: [${reader}]}}`),
    new Diary(),
  );
  await expect(runtime.start(never)).rejects.toMatchObject({
    message: `cannot start telemetry metrics: port ${port} on 127.0.0.1 is taken by another process`,
    hint: expect.stringContaining('another port'),
  });
  blocker.close();
});

test('own metrics count what passes, under the names of the Collector', async () => {
  const diary = new Diary();
  const reader = '{pull: {exporter: {prometheus: {port: 0}}}}';
  const runtime = await runtimeOf(
    chained.replace(
      quiet,
      `telemetry: {resource: {service.name: gate, service.instance.id: }, metrics: {readers: [${reader}]}}`,
    ),
    diary,
  );
  await runtime.start(never);
  await diary.nexts.get('r')?.traces?.consume(spanCount(3), never);
  diary.consume.set('e', async () => {
    throw new Error('no');
  });
  await diary.nexts
    .get('r')
    ?.traces?.consume(spanCount(2), never)
    .catch(() => {});
  const url = runtime.endpoints.find(({ label }) => label === 'own metrics')?.address ?? '';
  const text = await (await fetch(url)).text();
  await runtime.stop(never);
  for (const line of [
    'target_info{service_name="gate",service_version="1.2.3"} 1',
    'otelcol_exporter_sent_spans{exporter="e",data_type="traces"} 3',
    'otelcol_exporter_send_failed_spans{exporter="e",data_type="traces"} 2',
    'otelcol_processor_incoming_items{processor="p/late",otel_signal="traces"} 5',
    'otelcol_processor_outgoing_items{processor="p/late",otel_signal="traces"} 5',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).toMatch(/^otelcol_process_memory_rss \d+/m);
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

/** Whole pipelines of recording components: order of start and stop, sharing, acknowledgement. */
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { spanCount } from '../component/batch.fixture.ts';
import type { NextConsumers } from '../component/consumer.ts';
import {
  defineConnector,
  defineExporter,
  defineExtension,
  defineProcessor,
  defineReceiver,
} from '../component/define.ts';
import { capability } from '../component/host.ts';
import type { Lifecycle } from '../component/lifecycle.ts';
import type { Registry } from '../component/registry.ts';
import { isMap, parseYaml } from '../config/yaml.ts';
import { silentLogger } from '../lib/logger.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { Runtime } from './runtime.ts';
import { readSettings } from './settings.ts';
import { validateSettings } from './validate.ts';

const never = new AbortController().signal;
const anySignal = ['traces', 'metrics', 'logs'] as const;
const thing = capability<string>('thing');

/** Components that write down what happens to them. */
class Diary {
  readonly lines: string[] = [];
  readonly nexts = new Map<string, NextConsumers>();
  /** What consumers of these ids do instead of accepting. */
  readonly consume = new Map<string, () => Promise<void>>();
  /** Ids that fail to start. */
  readonly broken = new Map<string, Error>();

  lifecycle(id: string): Lifecycle {
    return {
      start: async () => {
        const error = this.broken.get(id);
        if (error) throw error;
        this.lines.push(`+${id}`);
      },
      stop: async () => void this.lines.push(`-${id}`),
    };
  }

  registry(): Registry {
    const base = {
      type: 'x',
      stability: 'stable',
      summary: '',
      config: z.strictObject({}),
    } as const;
    const signals = anySignal;
    const receiver = defineReceiver({
      ...base,
      signals,
      create: ({ id, next }) => {
        this.nexts.set(id, next);
        return this.lifecycle(id);
      },
    });
    const processor = defineProcessor({
      ...base,
      signals,
      create: ({ id, signal, next }) => {
        this.lines.push(`create ${signal} ${id}`);
        return { ...this.lifecycle(id), consume: async (batch, at) => next.consume(batch, at) };
      },
    });
    const exporter = defineExporter({
      ...base,
      signals,
      ack: () => ({ kind: 'discarded', where: 'test' }),
      create: ({ id, signal }) => {
        this.lines.push(`create ${signal} ${id}`);
        return {
          ...this.lifecycle(id),
          consume: async (batch) => {
            await this.consume.get(id)?.();
            this.lines.push(`${id} got ${batch.count}`);
          },
        };
      },
    });
    const connector = defineConnector({
      ...base,
      routes: [{ from: 'traces', to: 'traces' }],
      create: ({ id, next }) => ({
        ...this.lifecycle(id),
        consume: async (batch, at) => next.consume(batch, at),
      }),
    });
    const lender = defineExtension({
      ...base,
      offers: () => [{ what: 'thing', name: 'one', ack: { kind: 'forwards' } }],
      create: ({ id, host }) => {
        host.lend(thing, 'one', 'lent');
        return this.lifecycle(id);
      },
    });
    const borrower = defineExtension({
      ...base,
      needs: () => [{ what: 'thing', name: 'one', path: [] }],
      create: ({ id, host }) => ({
        start: async () => void this.lines.push(`+${id} ${host.find(thing, 'one')}`),
        stop: async () => void this.lines.push(`-${id}`),
      }),
    });
    return {
      receivers: { r: async () => ({ component: receiver }) },
      processors: { p: async () => ({ component: processor }) },
      exporters: { e: async () => ({ component: exporter }) },
      connectors: { c: async () => ({ component: connector }) },
      extensions: {
        lender: async () => ({ component: lender }),
        borrower: async () => ({ component: borrower }),
      },
    };
  }
}

async function runtimeOf(yaml: string, diary: Diary): Promise<Runtime> {
  const tree = parseYaml(yaml);
  const reading = await readSettings(isMap(tree) ? tree : {}, diary.registry());
  expect([...reading.problems, ...validateSettings(reading)]).toEqual([]);
  return new Runtime({
    settings: reading.settings,
    logger: silentLogger,
    clock: new ManualClock(),
    version: '1.2.3',
    onFatal: () => {},
  });
}

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
    'otelcol_exporter_sent_spans_total{exporter="e",data_type="traces"} 3',
    'otelcol_exporter_send_failed_spans_total{exporter="e",data_type="traces"} 2',
    'otelcol_processor_incoming_items_total{processor="p/late",otel_signal="traces"} 5',
    'otelcol_processor_outgoing_items_total{processor="p/late",otel_signal="traces"} 5',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).toMatch(/^otelcol_process_memory_rss_bytes \d+/m);
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

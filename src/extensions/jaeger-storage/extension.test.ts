/** Which engine is opened how, when, and closed by whom; the engine itself is a recording one. */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { spanCount } from '../../component/batch.fixture.ts';
import { testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import { byteSize, duration } from '../../config/kinds.ts';
import { StorageError, traceStorage, type StorageBackend } from '../../storage/contract.ts';
import type { Engine, EngineOptions } from './backends.ts';
import type { EngineConfig } from './config.ts';
import { storageExtension } from './extension.ts';

const never = new AbortController().signal;

function recordingEngine() {
  const opened: { config: EngineConfig; options: EngineOptions }[] = [];
  const state = {
    closed: 0,
    problems: [] as string[],
    counts: { damaged: 0, repaired: 0, repeatedSpans: 0 },
    failure: undefined as Error | undefined,
  };
  const engine: Engine = {
    config: z.strictObject({
      directory: z.string(),
      retention: z
        .strictObject({
          max_age: duration().prefault('1h'),
          max_bytes: byteSize().prefault('1GB'),
        })
        .prefault({}),
    }),
    open: async (config, options) => {
      if (state.failure) throw state.failure;
      opened.push({ config, options });
      return backend;
    },
  };
  const backend: StorageBackend = {
    capabilities: { searchWithoutService: true, filterOps: [], orders: [], durableOnAck: true },
    writer: { write: async () => {} },
    reader: {
      getTrace: async () => undefined,
      getTraces: async function* () {
        yield spanCount(1);
      },
      findTraces: async () => {
        throw new StorageError('timeout', 'too slow');
      },
      getServices: async () => ['a'],
      getOperations: async () => [],
      getAttributeKeys: async () => [],
      getAttributeValues: async () => [],
      getDependencies: async () => [],
    },
    health: () => {
      const { problems, counts } = state;
      return { ok: problems.length === 0, problems, counts: { ...counts } };
    },
    close: async () => void (state.closed += 1),
  };
  return { engine, opened, state };
}

function extensionWith(backends: object) {
  const recording = recordingEngine();
  const definition = storageExtension({ embedded: recording.engine });
  const { value, problems } = decode(definition.config, { backends });
  expect(problems).toEqual([]);
  const context = testContext(value);
  return { ...recording, context, definition, extension: definition.create(context) };
}

const embedded = { embedded: { directory: '/data', retention: { max_age: '2h' } } };

test('a backend is opened on first use, once, and closed at the end', async () => {
  const { context, extension, opened, state } = extensionWith({ main: embedded });
  await extension.start?.(never);
  expect(opened).toEqual([]);
  const storage = context.host.find(traceStorage, 'main');
  const [one, two] = await Promise.all([storage?.open(), storage?.open()]);
  expect(one).toBe(two);
  expect(opened.map(({ config }) => config)).toEqual([
    { directory: '/data', retention: { max_age: 7_200_000, max_bytes: 1e9 } },
  ]);
  expect(context.host.endpoints).toEqual([{ label: 'data', address: '/data' }]);
  await extension.stop?.(never);
  expect(state.closed).toBe(1);
  expect(context.clock.pendingCount).toBe(0);
});

test('memory is the engine in a temporary directory that is gone afterwards', async () => {
  const { context, extension, opened } = extensionWith({ m: { memory: { max_traces: 5 } } });
  await extension.start?.(never);
  await context.host.find(traceStorage, 'm')?.open();
  const [first] = opened;
  expect(first?.options).toMatchObject({ maxTraces: 5, isTemporary: true });
  expect(first && existsSync(first.config.directory)).toBe(true);
  expect(context.host.notices.join()).toContain('temporary directory');
  await extension.stop?.(never);
  expect(first && existsSync(first.config.directory)).toBe(false);
});

test('badger keeps its directory and its age, and says that it is another engine', async () => {
  const { context, extension, opened, definition } = extensionWith({
    b: {
      badger: {
        ephemeral: false,
        directories: { keys: '/k', values: '/v' },
        ttl: { spans: '48h' },
      },
    },
  });
  await extension.start?.(never);
  await context.host.find(traceStorage, 'b')?.open();
  expect(opened[0]?.config).toMatchObject({
    directory: '/v/spoor',
    retention: { max_age: 48 * 3_600_000 },
  });
  expect(opened[0]?.options.isTemporary).toBe(false);
  expect(context.host.notices.join()).toContain('files of Badger are not read');
  expect(definition.offers?.(context.config, 'jaeger_storage')).toEqual([
    { what: 'trace storage', name: 'b', ack: { kind: 'durable', where: '/v/spoor' } },
  ]);
});

test('badger that is to be read alone is refused: it would be written to', () => {
  const { engine } = recordingEngine();
  const { problems } = decode(storageExtension({ embedded: engine }).config, {
    backends: { b: { badger: { read_only: true } } },
  });
  expect(problems).toMatchObject([
    {
      path: ['backends', 'b', 'badger', 'read_only'],
      message: 'a store cannot be opened for reading alone',
    },
  ]);
});

test('what the store says of its health shows in the health of the process', async () => {
  const { context, extension, state } = extensionWith({ main: embedded });
  await extension.start?.(never);
  await context.host.find(traceStorage, 'main')?.open();
  context.clock.advance(2000);
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  state.problems.push('the disk is full');
  context.clock.advance(2000);
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  expect(context.host.reports).toEqual([
    ['StatusOK', undefined],
    ['StatusRecoverableError', 'the disk is full'],
  ]);
});

test('what the store has counted shows in the metrics, once', async () => {
  const { context, extension, state } = extensionWith({ main: embedded });
  await extension.start?.(never);
  await context.host.find(traceStorage, 'main')?.open();
  for (const repaired of [1, 1, 3]) {
    state.counts = { damaged: repaired + 1, repaired, repeatedSpans: 7 };
    context.clock.advance(2000);
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }
  const exposed = await context.telemetry.registry.metrics();
  expect(exposed).toContain('spoor_storage_damaged_total 4');
  expect(exposed).toContain('spoor_storage_repaired_total 3');
  expect(exposed).toContain('spoor_storage_repeated_spans_total 7');
});

test('a store that does not open fails whoever asked, and stopping still works', async () => {
  const { context, extension, state } = extensionWith({ main: { memory: null } });
  state.failure = new StorageError('unusable', 'in use');
  await extension.start?.(never);
  await expect(context.host.find(traceStorage, 'main')?.open()).rejects.toMatchObject({
    code: 'unusable',
  });
  await extension.stop?.(never);
  expect(state.closed).toBe(0);
});

test('requests to the store are counted by operation and result', async () => {
  const { context, extension } = extensionWith({ main: embedded });
  await extension.start?.(never);
  const backend = await context.host.find(traceStorage, 'main')?.open();
  await backend?.reader.getServices('t');
  const query = { tenant: 't', range: { startNano: 0n, endNano: 1n }, limit: 1 };
  await expect(backend?.reader.findTraces(query)).rejects.toMatchObject({ code: 'timeout' });
  let traces = 0;
  for await (const batch of backend?.reader.getTraces('t', []) ?? []) traces += batch.count;
  expect(traces).toBe(1);
  const text = await context.telemetry.registry.metrics();
  const rest = 'name="main",kind="embedded",role="tracestore"} 1';
  expect(text).toContain(`requests_total{operation="get_services",result="ok",${rest}`);
  expect(text).toContain(`requests_total{operation="find_traces",result="err",${rest}`);
});

/** Every registered component keeps the promises of the lifecycle, carries a whole definition, and
 *  is found by its own name. */
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { spanCount } from './component/batch.fixture.ts';
import type { Batch, Consumer } from './component/consumer.ts';
import type { CreateContext } from './component/define.ts';
import { lifecycleCases } from './component/lifecycle-suite.ts';
import type { Lifecycle } from './component/lifecycle.ts';
import { findComponent, sections, type Registry } from './component/registry.ts';
import { RecordingConsumer, testContext } from './component/testbed.ts';
import { decode } from './config/decode.ts';
import { registry } from './registry.ts';
import { traceStorage, type StorageBackend } from './storage/contract.ts';

const everything: Registry = registry;

/** What a component needs to start in a test; the others start with an empty section. Ports are 0. */
const settings: Readonly<Record<string, unknown>> = {
  otlp: { protocols: { grpc: { endpoint: 'localhost:0' }, http: { endpoint: 'localhost:0' } } },
  jaeger_storage_exporter: { trace_storage: 'main' },
  jaeger_query: { storage: { traces: 'main' }, http: { endpoint: 'localhost:0' } },
  attributes: { actions: [{ key: 'a', action: 'delete' }] },
  otlp_grpc: { endpoint: 'localhost:1', tls: { insecure: true } },
  otlp_http: { endpoint: 'http://localhost:1' },
  prometheus: { endpoint: 'localhost:0' },
  memory_limiter: { check_interval: '1s', limit_mib: 100_000 },
  filter: { trace_conditions: ['span.name == "x"'] },
  resource: { attributes: [{ key: 'a', action: 'delete' }] },
  tail_sampling: { policies: [{ name: 'all', type: 'always_sample' }] },
  file_storage: { directory: tmpdir() },
  basicauth: { htpasswd: { inline: 'ann:secret' } },
  bearertokenauth: { token: 'secret' },
  headers_setter: { headers: [{ key: 'x-tenant', from_context: 'x-tenant' }] },
  healthcheckv2: { http: { endpoint: 'localhost:0' } },
};

interface Subject extends Lifecycle, Partial<Consumer<Batch>> {}

interface Listed {
  readonly type: string;
  readonly title: string;
  create(): Promise<() => Subject>;
}

const subjects: Listed[] = sections.flatMap((section) =>
  Object.keys(everything[section]).map((type) => ({
    type,
    title: `${section} ${type}`,
    create: async () => creator(section, type),
  })),
);

async function creator(section: (typeof sections)[number], type: string): Promise<() => Subject> {
  const context = (config: { value: unknown; problems: readonly unknown[] }) => {
    expect(config.problems).toEqual([]);
    const base = testContext(config.value, type);
    base.host.lend(traceStorage, 'main', { open: async () => emptyBackend });
    return base;
  };
  const next = new RecordingConsumer();
  const lines = everything[section];
  const definition = (await lines[type]!()).component;
  expect(definition.type).toBe(type);
  const config = () => context(decode(definition.config, settings[type] ?? {}));
  switch (section) {
    case 'receivers': {
      const { component } = await everything.receivers[type]!();
      return () => component.create({ ...config(), next: { traces: next, logs: next } });
    }
    case 'processors': {
      const { component } = await everything.processors[type]!();
      return () => component.create({ ...config(), next, signal: 'traces' });
    }
    case 'exporters': {
      const { component } = await everything.exporters[type]!();
      return () => component.create({ ...config(), signal: 'traces' });
    }
    case 'connectors': {
      const { component } = await everything.connectors[type]!();
      const [route] = component.routes;
      return () => component.create({ ...config(), ...route!, next });
    }
    case 'extensions': {
      const { component } = await everything.extensions[type]!();
      return () => component.create(config() satisfies CreateContext<unknown>);
    }
  }
}

/** A store with nothing in it. */
const emptyBackend: StorageBackend = {
  capabilities: { searchWithoutService: true, filterOps: [], orders: [], durableOnAck: false },
  writer: { write: async () => {} },
  reader: {
    getTrace: async () => undefined,
    getTraces: async function* () {},
    findTraces: async () => ({ traces: [], warnings: [] }),
    getServices: async () => [],
    getOperations: async () => [],
    getAttributeKeys: async () => [],
    getAttributeValues: async () => [],
    getDependencies: async () => [],
  },
  health: () => ({ ok: true, problems: [] }),
  close: async () => {},
};

describe.for(subjects)('$title', (subject) => {
  const { type } = subject;
  test.for(lifecycleCases)('$title', async (item) => {
    await item.run({ create: await subject.create(), batch: spanCount(1) });
  });

  test('is found by its name and describes itself', async () => {
    for (const section of sections) {
      const found = await findComponent<{
        readonly type: string;
        readonly summary: string;
        readonly aliases?: readonly string[];
      }>(everything[section], type);
      if (!found) continue;
      expect(found.isAlias).toBe(false);
      expect(found.definition.summary).toMatch(/\.$/);
      return;
    }
    throw new Error(`${type} is in no section`);
  });
});

test('an older name finds the component and says so', async () => {
  const found = await findComponent(everything.extensions, 'health_check_v2');
  expect(found).toMatchObject({ isAlias: true, definition: { type: 'healthcheckv2' } });
  expect(await findComponent(everything.extensions, 'toString')).toBeUndefined();
});

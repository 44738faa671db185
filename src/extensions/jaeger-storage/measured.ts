/** Counts and times what is asked of a store, under Jaeger's names, so that its dashboards work. */
import type { ComponentTelemetry } from '../../component/telemetry.ts';
import type { StorageBackend, TraceReader } from '../../storage/contract.ts';

/** Seconds; from a cached answer to a scan of everything. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface Measuring {
  readonly telemetry: ComponentTelemetry;
  /** The backend's name and type in the configuration. */
  readonly name: string;
  readonly kind: string;
  readonly monotonicMs: () => number;
}

export function measured(backend: StorageBackend, measuring: Measuring): StorageBackend {
  return {
    capabilities: backend.capabilities,
    writer: backend.writer,
    reader: measuredReader(backend.reader, observer(measuring)),
    maintenance: backend.maintenance,
    health: () => backend.health(),
    close: async () => backend.close(),
  };
}

type Observe = <T>(operation: string, ask: () => Promise<T>) => Promise<T>;

function observer({ telemetry, name, kind, monotonicMs }: Measuring): Observe {
  const labels = ['operation', 'result', 'name', 'kind', 'role'];
  const requests = telemetry.counter({
    name: 'jaeger_storage_requests_total',
    help: 'Number of requests to the store.',
    labels,
  });
  const latency = telemetry.histogram({
    name: 'jaeger_storage_latency_seconds',
    help: 'How long requests to the store took.',
    unit: 'seconds',
    labels,
    buckets,
  });
  return async (operation, ask) => {
    const startMs = monotonicMs();
    const tell = (result: string) => {
      const values = { operation, result, name, kind, role: 'tracestore' };
      requests.inc(values);
      latency.observe(values, (monotonicMs() - startMs) / 1000);
    };
    try {
      const answer = await ask();
      tell('ok');
      return answer;
    } catch (error) {
      tell('err');
      throw error;
    }
  };
}

function measuredReader(reader: TraceReader, observe: Observe): TraceReader {
  return {
    getTrace: async (...args) => observe('get_trace', async () => reader.getTrace(...args)),
    // A stream has no one duration: it is counted when it has been read, not timed item by item.
    getTraces: (...args) => counted(reader.getTraces(...args), observe),
    findTraces: async (...args) => observe('find_traces', async () => reader.findTraces(...args)),
    getServices: async (...args) =>
      observe('get_services', async () => reader.getServices(...args)),
    getOperations: async (...args) =>
      observe('get_operations', async () => reader.getOperations(...args)),
    getAttributeKeys: async (...args) =>
      observe('get_attribute_keys', async () => reader.getAttributeKeys(...args)),
    getAttributeValues: async (...args) =>
      observe('get_attribute_values', async () => reader.getAttributeValues(...args)),
    getDependencies: async (...args) =>
      observe('get_dependencies', async () => reader.getDependencies(...args)),
    ...measuredAggregate(reader, observe),
  };
}

function measuredAggregate(reader: TraceReader, observe: Observe): Pick<TraceReader, 'aggregate'> {
  const aggregate = reader.aggregate?.bind(reader);
  if (aggregate === undefined) return {};
  return { aggregate: async (...args) => observe('aggregate', async () => aggregate(...args)) };
}

async function* counted<T>(items: AsyncIterable<T>, observe: Observe): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const item = await observe('get_traces', async () => iterator.next());
      if (item.done) return;
      yield item.value;
    }
  } finally {
    await iterator.return?.();
  }
}

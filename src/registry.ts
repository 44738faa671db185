/** Every component, one line each, loaded only when a configuration names it. Nothing else knows
 *  which components exist. */
import type { Registry } from './component/registry.ts';
import type { Engines } from './extensions/jaeger-storage/backends.ts';
import type { EmbeddedConfig } from './storage/embedded/config.ts';

/** Storage engines: the schema at once, the engine when a store is opened. */
const engines = async (): Promise<Engines> => ({
  embedded: {
    config: (await import('./storage/embedded/config.ts')).EmbeddedConfig,
    open: async (config: EmbeddedConfig, options) =>
      (await import('./storage/embedded/backend.ts')).openEmbedded(config, options),
  },
});

export const registry = {
  receivers: {
    nop: () => import('./receivers/nop/receiver.ts'),
    otlp: () => import('./receivers/otlp/receiver.ts'),
  },
  processors: {
    attributes: () => import('./processors/attributes/processor.ts'),
    batch: () => import('./processors/batch/processor.ts'),
    filter: () => import('./processors/filter/processor.ts'),
    memory_limiter: () => import('./processors/memory-limiter/processor.ts'),
    probabilistic_sampler: () => import('./processors/probabilistic-sampler/processor.ts'),
    resource: () => import('./processors/resource/processor.ts'),
    tail_sampling: () => import('./processors/tail-sampling/processor.ts'),
  },
  exporters: {
    debug: () => import('./exporters/debug/exporter.ts'),
    jaeger_storage_exporter: () => import('./exporters/jaeger-storage-exporter/exporter.ts'),
    nop: () => import('./exporters/nop/exporter.ts'),
    otlp_grpc: () => import('./exporters/otlp-grpc/exporter.ts'),
    otlp_http: () => import('./exporters/otlp-http/exporter.ts'),
    prometheus: () => import('./exporters/prometheus/exporter.ts'),
  },
  connectors: {
    forward: () => import('./connectors/forward/connector.ts'),
    span_metrics: () => import('./connectors/span-metrics/connector.ts'),
  },
  extensions: {
    basicauth: () => import('./extensions/basicauth/extension.ts'),
    bearertokenauth: () => import('./extensions/bearertokenauth/extension.ts'),
    file_storage: () => import('./extensions/file-storage/extension.ts'),
    headers_setter: () => import('./extensions/headers-setter/extension.ts'),
    health_check: () => import('./extensions/health-check/extension.ts'),
    healthcheckv2: () => import('./extensions/healthcheckv2/extension.ts'),
    jaeger_query: () => import('./extensions/jaeger-query/extension.ts'),
    jaeger_storage: async () => {
      const { storageExtension } = await import('./extensions/jaeger-storage/extension.ts');
      return { component: storageExtension(await engines()) };
    },
    pprof: () => import('./extensions/pprof/extension.ts'),
    zpages: () => import('./extensions/zpages/extension.ts'),
  },
} satisfies Registry;

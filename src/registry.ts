/** Every component, one line each, loaded only when a configuration names it. Nothing else knows
 *  which components exist. */
import type { Registry } from './component/registry.ts';

export const registry = {
  receivers: {
    nop: () => import('./receivers/nop/receiver.ts'),
    otlp: () => import('./receivers/otlp/receiver.ts'),
  },
  processors: {
    batch: () => import('./processors/batch/processor.ts'),
    tail_sampling: () => import('./processors/tail-sampling/processor.ts'),
  },
  exporters: {
    debug: () => import('./exporters/debug/exporter.ts'),
    jaeger_storage_exporter: () => import('./exporters/jaeger-storage-exporter/exporter.ts'),
    nop: () => import('./exporters/nop/exporter.ts'),
  },
  connectors: {
    forward: () => import('./connectors/forward/connector.ts'),
  },
  extensions: {
    file_storage: () => import('./extensions/file-storage/extension.ts'),
    healthcheckv2: () => import('./extensions/healthcheckv2/extension.ts'),
    jaeger_query: () => import('./extensions/jaeger-query/extension.ts'),
  },
} satisfies Registry;

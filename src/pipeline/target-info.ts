/** Who this process is, as labels of `target_info`, the way Prometheus carries a resource. */
import type { OwnMetrics } from '../component/telemetry.ts';

const name = 'target_info';

/** @param resource `service::telemetry::resource`: values replace the defaults, null removes one */
export function describeTarget(
  metrics: OwnMetrics,
  resource: Readonly<Record<string, unknown>>,
  process: { readonly version: string; readonly instanceId: string },
): void {
  const attributes: Record<string, unknown> = {
    'service.name': 'spoor',
    'service.version': process.version,
    'service.instance.id': process.instanceId,
    ...resource,
  };
  const labels = new Map<string, string>();
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || typeof value === 'object') continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    labels.set(key.replaceAll(/\W/g, '_'), text);
  }
  // Its label names may have changed, so it is made anew.
  metrics.registry.removeSingleMetric(name);
  metrics
    .gauge({ name, help: 'Resource of this process.', labels: [...labels.keys()] })
    .set(Object.fromEntries(labels), 1);
}

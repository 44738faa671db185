/** Who this process is, as labels of `target_info`, the way Prometheus carries a resource. */
import { randomUUID } from 'node:crypto';
import type { OwnMetrics } from '../component/telemetry.ts';

/** @param resource `service::telemetry::resource`: values replace the defaults, null removes one */
export function describeTarget(
  metrics: OwnMetrics,
  resource: Readonly<Record<string, unknown>>,
  version: string,
): void {
  const attributes: Record<string, unknown> = {
    'service.name': 'spoor',
    'service.version': version,
    'service.instance.id': randomUUID(),
    ...resource,
  };
  const labels = new Map<string, string>();
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || typeof value === 'object') continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    labels.set(key.replaceAll(/\W/g, '_'), text);
  }
  metrics
    .gauge({ name: 'target_info', help: 'Resource of this process.', labels: [...labels.keys()] })
    .set(Object.fromEntries(labels), 1);
}

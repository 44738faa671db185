/** Settings of `service::telemetry` that a Collector acts on and this program does not: accepted, so
 *  that a configuration runs as it is, and said, so that nobody waits for what will not come. */
import type { TelemetrySection } from '../config/document.ts';

export function inertTelemetry({ logs, metrics, traces }: TelemetrySection): string[] {
  const isTraced = traces !== undefined && traces['level'] !== 'none' && 'processors' in traces;
  return [
    ...(logs.processors?.length ? ['logs::processors: own logs are written, not sent'] : []),
    ...(metrics.readers.some(({ periodic }) => periodic !== undefined)
      ? ['metrics::readers: own metrics are served by pull readers, not pushed by periodic ones']
      : []),
    ...(metrics.views?.length ? ['metrics::views: own metrics are served as they are'] : []),
    ...(isTraced ? ['traces: own traces are not recorded'] : []),
  ].map((line) => `service::telemetry::${line}`);
}

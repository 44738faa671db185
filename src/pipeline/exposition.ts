/** Own metrics as text for Prometheus, under the names a reader asks for. The OpenTelemetry Collector
 *  writes them without `_total` and without the unit unless told otherwise, Jaeger with both, and
 *  dashboards know the one or the other. */
import type { OwnMetrics } from '../component/telemetry.ts';

export interface Exposition {
  readonly level: 'none' | 'basic' | 'normal' | 'detailed';
  readonly without_units: boolean;
  readonly without_type_suffix: boolean;
}

export async function exposed(metrics: OwnMetrics, wanted: Exposition): Promise<string> {
  const names = new Map<string, string | undefined>();
  for (const { name, type } of metrics.registry.getMetricsAsArray()) {
    const unit = metrics.unitOf(name);
    const isWanted = !isBelow(name, wanted.level);
    names.set(
      name,
      isWanted ? nameFor({ name, isCounter: String(type) === 'counter', unit }, wanted) : undefined,
    );
  }
  const text = await metrics.registry.metrics();
  const lines = text.split('\n').flatMap((line) => renamed(line, names));
  return lines.join('\n');
}

interface Named {
  readonly name: string;
  readonly isCounter: boolean;
  /** How the unit is written in the name, where it can be left out. */
  readonly unit: string | undefined;
}

/** Whether the name was registered with `_total` does not matter. */
function nameFor({ name, isCounter, unit }: Named, wanted: Exposition): string {
  let plain = isCounter ? name.replace(/_total$/, '') : name;
  if (unit !== undefined && wanted.without_units) plain = plain.replace(`_${unit}`, '');
  return isCounter && !wanted.without_type_suffix ? `${plain}_total` : plain;
}

/** Samples of a histogram have the name with one of these behind it. */
const sampleSuffix = /_(bucket|sum|count)$/;
const lineParts = /^(# (?:HELP|TYPE) )?([a-zA-Z_:][\w:]*)(.*)$/s;

function renamed(line: string, names: ReadonlyMap<string, string | undefined>): string[] {
  const [, comment = '', name = '', rest = ''] = lineParts.exec(line) ?? [];
  if (names.has(name)) return written(names.get(name), comment, rest);
  const suffix = sampleSuffix.exec(name)?.[0] ?? '';
  const base = name.slice(0, name.length - suffix.length);
  if (suffix === '' || !names.has(base)) return [line];
  return written(names.get(base), comment, `${suffix}${rest}`);
}

function written(name: string | undefined, comment: string, rest: string): string[] {
  return name === undefined ? [] : [`${comment}${name}${rest}`];
}

/** What each level leaves out, beside nothing being served at `none`. */
const onlyFromNormal = /^otelcol_(processor_batch|exporter_queue_batch)_/;
const onlyDetailed =
  /^otelcol_(processor_batch_batch_send_size_bytes|exporter_queue_batch_send_size_bytes|exporter_enqueue_size)/;

function isBelow(name: string, level: Exposition['level']): boolean {
  if (level === 'detailed') return false;
  return onlyDetailed.test(name) || (level === 'basic' && onlyFromNormal.test(name));
}

/** Calls and durations by resource and labels, since the start or since the last time. Bounded in
 *  resources and in series: what comes on top is counted in one series that says so. */
import type { KeyValue } from '../../model/attribute.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { readResource } from '../../model/batch/view.ts';
import { durationFromWords } from '../../model/time.ts';
import type { Exemplar } from '../../model/metrics.ts';
import { BatchLabels, type LabelOptions } from './batch-labels.ts';
import type { Distribution } from './distribution.ts';
import { TupleTable } from './tuple-table.ts';

const SERIES_MAX = 100_000;
const OVERFLOW = 'overflow';

export interface Series {
  readonly attributes: readonly KeyValue[];
  readonly startNano: bigint;
  heardMs: number;
  /** Or events, where these are counted. */
  calls: number;
  readonly durations: Distribution | undefined;
  exemplars: Exemplar[];
}

export interface ResourceSeries {
  readonly attributes: readonly KeyValue[];
  readonly series: Map<string, Series>;
  heardMs: number;
}

export interface AggregateOptions extends LabelOptions {
  /** Labels every series gets at its end. */
  readonly labels: readonly KeyValue[];
  readonly excluded: ReadonlySet<string>;
  /** Otherwise there is one, without attributes. */
  readonly keepsResources: boolean;
  readonly keyAttributes: readonly string[];
  readonly resourcesMax: number;
  /** Of one resource; 0: only the bound on all. */
  readonly seriesMax: number;
  readonly exemplarsMax: number;
  readonly nanosPerUnit: number;
  readonly durations: () => Distribution | undefined;
}

export interface Now {
  readonly ms: number;
  readonly nano: bigint;
}

export class Aggregate {
  readonly #options: AggregateOptions;
  /** The one not heard of for longest first. */
  readonly #resources = new Map<string, ResourceSeries>();
  #seriesCount = 0;

  constructor(options: AggregateOptions) {
    this.#options = options;
  }

  get seriesCount(): number {
    return this.#seriesCount;
  }

  resources(): Iterable<ResourceSeries> {
    return this.#resources.values();
  }

  add(batch: SpanBatch, now: Now): void {
    const { nanosPerUnit, countsEvents } = this.#options;
    const { startNano, endNano } = batch.spans.columns;
    const labels = new BatchLabels(batch, this.#options);
    const table = new TupleTable(labels.width);
    const byTuple: (Series | undefined)[] = [];
    const resources = this.#resourcesOf(batch, now);
    const seriesOf = (row: number, event?: number): Series | undefined => {
      labels.fill(row, table.tuple, event);
      const index = table.index();
      if (index === byTuple.length) {
        const resource = resources[table.tuple[0] ?? 0];
        const service = batch.strings.text(batch.serviceOf(row));
        byTuple.push(resource && this.#series(resource, labels.labels(table.tuple, service), now));
      }
      return byTuple[index];
    };
    for (let row = 0; row < batch.count; row++) {
      if (countsEvents) {
        countEvents(batch, row, seriesOf);
        continue;
      }
      const series = seriesOf(row);
      if (series === undefined) continue;
      series.calls += 1;
      if (series.durations === undefined) continue;
      const value = Math.max(durationFromWords(startNano, endNano, row), 0) / nanosPerUnit;
      series.durations.record(value);
      if (series.exemplars.length < this.#options.exemplarsMax) {
        series.exemplars.push(exemplarOf(batch, row, { value, timeNano: now.nano }));
      }
    }
    this.#evict();
  }

  /** After a batch, not in between, when a resource of its own could go. */
  #evict(): void {
    for (const [oldest, resource] of this.#resources) {
      if (this.#resources.size <= this.#options.resourcesMax) return;
      this.#forget(oldest, resource);
    }
  }

  expire(resourcesBeforeMs: number, seriesBeforeMs: number): void {
    for (const [key, resource] of this.#resources) {
      if (resource.heardMs < resourcesBeforeMs) {
        this.#forget(key, resource);
        continue;
      }
      for (const [name, series] of resource.series) {
        if (series.heardMs >= seriesBeforeMs) continue;
        resource.series.delete(name);
        this.#seriesCount -= 1;
      }
      if (resource.series.size === 0) this.#resources.delete(key);
    }
  }

  clear(): void {
    this.#resources.clear();
    this.#seriesCount = 0;
  }

  /** By row; undefined where there is no service. */
  #resourcesOf(batch: SpanBatch, now: Now): (ResourceSeries | undefined)[] {
    return Array.from({ length: batch.resources.count }, (_, row) =>
      batch.resources.columns.services[row] === 0 ? undefined : this.#resource(batch, row, now),
    );
  }

  #resource(batch: SpanBatch, row: number, now: Now): ResourceSeries {
    const { keyAttributes, keepsResources } = this.#options;
    const attributes = keepsResources ? readResource(batch, row).attributes : [];
    const telling =
      keyAttributes.length === 0
        ? attributes
        : attributes.filter(({ key: name }) => keyAttributes.includes(name));
    const key = keyOf(telling.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
    const known = this.#resources.get(key) ?? { attributes, series: new Map(), heardMs: now.ms };
    known.heardMs = now.ms;
    this.#resources.delete(key);
    this.#resources.set(key, known);
    return known;
  }

  #series(resource: ResourceSeries, labels: readonly KeyValue[], now: Now): Series {
    const { excluded, labels: more } = this.#options;
    const attributes = [...labels, ...more].filter(({ key }) => !excluded.has(key));
    const key = keyOf(attributes);
    const known = resource.series.get(key);
    if (known !== undefined) {
      known.heardMs = now.ms;
      return known;
    }
    if (this.#isFull(resource)) return this.#overflow(resource, now);
    return this.#open(resource, key, { attributes, now });
  }

  #isFull({ series }: ResourceSeries): boolean {
    const { seriesMax } = this.#options;
    return this.#seriesCount >= SERIES_MAX || (seriesMax > 0 && series.size >= seriesMax);
  }

  #overflow(resource: ResourceSeries, now: Now): Series {
    const known = resource.series.get(OVERFLOW);
    if (known !== undefined) {
      known.heardMs = now.ms;
      return known;
    }
    const attributes: KeyValue[] = [
      { key: 'otel.metric.overflow', value: { type: 'bool', value: true } },
    ];
    return this.#open(resource, OVERFLOW, { attributes, now });
  }

  #open(
    resource: ResourceSeries,
    key: string,
    { attributes, now }: { attributes: readonly KeyValue[]; now: Now },
  ): Series {
    const durations = this.#options.durations();
    const series = {
      attributes,
      startNano: now.nano,
      heardMs: now.ms,
      calls: 0,
      durations,
      exemplars: [],
    };
    resource.series.set(key, series);
    this.#seriesCount += 1;
    return series;
  }

  #forget(key: string, resource: ResourceSeries): void {
    this.#seriesCount -= resource.series.size;
    this.#resources.delete(key);
  }
}

function countEvents(
  { events }: SpanBatch,
  row: number,
  seriesOf: (row: number, event: number) => Series | undefined,
): void {
  const end = events.starts[row + 1] ?? 0;
  for (let event = events.starts[row] ?? 0; event < end; event++) {
    const series = seriesOf(row, event);
    if (series !== undefined) series.calls += 1;
  }
}

function exemplarOf(
  batch: SpanBatch,
  row: number,
  { value, timeNano }: { value: number; timeNano: bigint },
): Exemplar {
  const { traceIds, spanIds } = batch.spans.columns;
  return {
    timeNano,
    value,
    traceId: traceIds.slice(row * 16, row * 16 + 16),
    spanId: spanIds.slice(row * 8, row * 8 + 8),
    attributes: [],
  };
}

function keyOf(attributes: readonly KeyValue[]): string {
  return JSON.stringify(attributes, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

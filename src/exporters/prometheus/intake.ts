/** From a decoded request to the store: each point under its family's name and its labels. */
import type { Clock } from '../../lib/clock.ts';
import {
  NO_RECORDED_VALUE,
  Temporality,
  type Metric,
  type MetricData,
  type MetricsMessage,
  type ResourceMetrics,
} from '../../model/metrics.ts';
import type { PrometheusConfig } from './config.ts';
import {
  isLabelOf,
  scopeLabels,
  seriesLabels,
  targetOf,
  type Labels,
  type Target,
} from './labels.ts';
import { metricName } from './naming.ts';
import { familyType, readingOf, type AnyPoint } from './reading.ts';
import type { Dropped, FamilyHead, SeriesStore } from './series-store.ts';

export type Refused = Dropped | 'unsupported' | 'bad_name';

export interface IntakeOptions {
  readonly config: PrometheusConfig;
  readonly store: SeriesStore;
  readonly clock: Clock;
  /** Told of each point that was not taken. */
  readonly dropped: (reason: Refused, metric: string) => void;
}

interface Around {
  readonly target: Target;
  readonly scope: Labels;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #isLabel: (key: string) => boolean;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#isLabel = isLabelOf(options.config);
  }

  take(request: MetricsMessage): void {
    for (const resource of request.resources) this.#resource(resource);
  }

  #resource({ resource, scopes }: ResourceMetrics): void {
    const { config } = this.#options;
    const target = targetOf(resource.attributes, this.#isLabel);
    for (const { scope, items, schemaUrl } of scopes) {
      const around = { target, scope: scopeLabels(scope, schemaUrl, config) };
      for (const metric of items) if (metric.data) this.#metric(metric, metric.data, around);
    }
    this.#targetInfo(target);
  }

  #metric({ name, description, unit }: Metric, data: MetricData, around: Around): void {
    const { config } = this.#options;
    const type = familyType(data);
    const points: readonly AnyPoint[] = data.points;
    if (type === undefined) return this.#dropAll(points, 'unsupported', name);
    const nameType = type === 'counter' || type === 'gauge' ? type : 'other';
    const familyName = metricName(
      { name, unit, type: nameType },
      config.namespace,
      config.translation_strategy,
    );
    if (familyName === '') return this.#dropAll(points, 'bad_name', name);
    const head = { name: familyName, type, help: description };
    const isDelta = 'temporality' in data && data.temporality === Temporality.delta;
    for (const point of points) this.#point(point, { head, around, isDelta });
  }

  #point(
    point: AnyPoint,
    { head, around, isDelta }: { head: FamilyHead; around: Around; isDelta: boolean },
  ): void {
    const { config, store, dropped } = this.#options;
    const labels = seriesLabels(point.attributes, around, config);
    if (labels === undefined) return dropped('bad_name', head.name);
    if ((point.flags & NO_RECORDED_VALUE) !== 0) return store.delete(head.name, labels);
    const refused = store.put(head, { labels, reading: readingOf(point), isDelta });
    if (refused !== undefined) dropped(refused, head.name);
  }

  /** A gauge of 1 whose labels are what is known about the job and instance. */
  #targetInfo(target: Target): void {
    const { config, store, clock, dropped } = this.#options;
    if (target.info.length === 0 || (target.job === '' && target.instance === '')) return;
    const head: FamilyHead = { name: 'target_info', type: 'gauge', help: 'Target metadata' };
    const labels = seriesLabels(
      target.info,
      { target: { ...target, labels: [] }, scope: [] },
      config,
    );
    if (labels === undefined) return dropped('bad_name', head.name);
    const timeNano = BigInt(Math.round(clock.nowMs())) * 1_000_000n;
    const reading = { kind: 'number', value: 1, startNano: 0n, timeNano, exemplars: [] } as const;
    const refused = store.put(head, { labels, reading, isDelta: false });
    if (refused !== undefined) dropped(refused, head.name);
  }

  #dropAll(points: readonly AnyPoint[], reason: Refused, name: string): void {
    for (const _ of points) this.#options.dropped(reason, name);
  }
}

/** Settings become instances, wired from the sinks up: a component is created with what it sends to,
 *  so the order of creation is the order to start in, and its reverse the order to stop in.
 *
 *  Receivers: one per id, shared by pipelines and signals. Exporters: one per signal and id.
 *  Processors: one per pipeline. Connectors: one per pair of signals and id. */
import type { Batch, Consumer, NextConsumers, Signal } from '../component/consumer.ts';
import type { CreateContext } from '../component/define.ts';
import { guardedConsumer, Supervised, type Lifecycle } from '../component/lifecycle.ts';
import type { OwnMetrics } from '../component/telemetry.ts';
import { aroundExporter, aroundProcessor } from './counting.ts';
import { fanOut } from './fan-out.ts';
import { aroundSending } from './sending/sending.ts';
import type { PipelineSettings, Settings } from './settings.ts';

export type Kind = 'extension' | 'exporter' | 'connector' | 'processor' | 'receiver';

export interface Node {
  readonly kind: Kind;
  readonly id: string;
  readonly supervised: Supervised<Lifecycle>;
}

/** Everything a component is created with, except what it sends to. */
export type ContextFor = (kind: Kind, id: string) => Omit<CreateContext<unknown>, 'config' | 'id'>;

export interface GraphOptions {
  readonly settings: Settings;
  readonly metrics: OwnMetrics;
  readonly contextFor: ContextFor;
}

/** In start order: extensions are not among them. */
export function buildGraph(options: GraphOptions): readonly Node[] {
  return new GraphBuilder(options).build();
}

class GraphBuilder {
  readonly #settings: Settings;
  readonly #metrics: OwnMetrics;
  readonly #contextFor: ContextFor;
  readonly #nodes: Node[] = [];
  /** Consumers made so far, by a key that says what may be shared. */
  readonly #made = new Map<string, Consumer<Batch>>();

  constructor({ settings, metrics, contextFor }: GraphOptions) {
    this.#settings = settings;
    this.#metrics = metrics;
    this.#contextFor = contextFor;
  }

  build(): readonly Node[] {
    for (const pipeline of this.#settings.pipelines) this.#pipeline(pipeline);
    for (const id of new Set(this.#settings.pipelines.flatMap((p) => p.receivers))) {
      this.#receiver(id);
    }
    return this.#nodes;
  }

  #once(key: string, make: () => Consumer<Batch>): Consumer<Batch> {
    const known = this.#made.get(key);
    if (known) return known;
    const made = make();
    this.#made.set(key, made);
    return made;
  }

  /** The consumer at the pipeline's entry. */
  #pipeline(pipeline: PipelineSettings): Consumer<Batch> {
    return this.#once(`pipeline ${pipeline.id}`, () => {
      const sinks = pipeline.exporters.map((id) => this.#sink(id, pipeline.signal));
      return pipeline.processors.reduceRight(
        (next, id) => this.#processor({ id, signal: pipeline.signal, next }),
        fanOut(sinks),
      );
    });
  }

  #sink(id: string, signal: Signal): Consumer<Batch> {
    if (this.#settings.connectors.has(id)) return this.#connectorFrom(id, signal);
    return this.#once(`exporter ${signal} ${id}`, () => {
      const { definition, config } = required(this.#settings.exporters, id);
      const context = { ...this.#contextFor('exporter', id), config, id, signal };
      const consumer = this.#supervise('exporter', id, definition.create(context));
      const attempt = aroundExporter(consumer, { metrics: this.#metrics, id, signal });
      const sending = definition.sending?.(config);
      if (sending === undefined) return attempt;
      return this.#supervise('exporter', id, aroundSending(attempt, sending, context));
    });
  }

  #processor({ id, signal, next }: { id: string; signal: Signal; next: Consumer<Batch> }) {
    const { definition, config } = required(this.#settings.processors, id);
    const around = aroundProcessor({ metrics: this.#metrics, id, signal });
    const context = { ...this.#contextFor('processor', id), config, id, signal };
    const component = definition.create({ ...context, next: around.outgoing(next) });
    return around.incoming(this.#supervise('processor', id, component));
  }

  /** A connector that takes one signal may give several: one instance for each. */
  #connectorFrom(id: string, from: Signal): Consumer<Batch> {
    const { definition } = required(this.#settings.connectors, id);
    const targets = this.#settings.pipelines.filter((p) => p.receivers.includes(id));
    const given = new Set(targets.map((target) => target.signal));
    const routes = definition.routes.filter((route) => route.from === from && given.has(route.to));
    return fanOut(
      routes.map(({ to }) => {
        return this.#once(`connector ${from} ${to} ${id}`, () => this.#connector({ id, from, to }));
      }),
    );
  }

  #connector({ id, from, to }: { id: string; from: Signal; to: Signal }): Consumer<Batch> {
    const { definition, config } = required(this.#settings.connectors, id);
    const next = this.#entries(id, to);
    const context = { ...this.#contextFor('connector', id), config, id, from, to, next };
    return this.#supervise('connector', id, definition.create(context));
  }

  /** What a receiver or connector of this id sends the signal to. */
  #entries(id: string, signal: Signal): Consumer<Batch> {
    return fanOut(
      this.#settings.pipelines
        .filter((pipeline) => pipeline.signal === signal && pipeline.receivers.includes(id))
        .map((pipeline) => this.#pipeline(pipeline)),
    );
  }

  #receiver(id: string): void {
    const receiver = this.#settings.receivers.get(id);
    if (!receiver) return;
    const { definition, config } = receiver;
    const context = { ...this.#contextFor('receiver', id), config, id, next: this.#next(id) };
    const supervised = new Supervised(definition.create(context));
    this.#nodes.push({ kind: 'receiver', id, supervised });
  }

  #next(id: string): NextConsumers {
    const wanted = new Set(
      this.#settings.pipelines.filter((p) => p.receivers.includes(id)).map((p) => p.signal),
    );
    const next = (signal: Signal) => (wanted.has(signal) ? this.#entries(id, signal) : undefined);
    return { traces: next('traces'), metrics: next('metrics'), logs: next('logs') };
  }

  #supervise(kind: Kind, id: string, component: Lifecycle & Consumer<Batch>): Consumer<Batch> {
    const supervised = new Supervised(component);
    this.#nodes.push({ kind, id, supervised });
    return guardedConsumer(`${kind} ${id}`, supervised);
  }
}

/** Validation has run: a missing entry is a fault of ours. */
function required<T>(components: ReadonlyMap<string, T>, id: string): T {
  const component = components.get(id);
  if (component === undefined) throw new TypeError(`"${id}" passed validation but is not there`);
  return component;
}

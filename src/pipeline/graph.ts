/** The graph of a configuration as data: which instances there will be, what each sends to, and
 *  what it needs. Nothing is created here, so two graphs can be compared before anything happens.
 *
 *  Receivers: one per id, shared by pipelines and signals. Exporters: one per signal and id.
 *  Processors: one per pipeline. Connectors: one per pair of signals and id. */
import { signals, type Signal } from '../component/consumer.ts';
import type {
  ConnectorDefinition,
  ExporterDefinition,
  ExtensionDefinition,
  ProcessorDefinition,
  ReceiverDefinition,
} from '../component/define.ts';
import { keyValueStorage } from '../component/sending.ts';
import { orderedExtensions } from './extensions.ts';
import { metricsAddresses, type MetricsAddress } from './own-metrics-server.ts';
import type { Configured, PipelineSettings, Settings } from './settings.ts';

interface Common {
  /** The same in two graphs for what is meant to be the same instance. */
  readonly key: string;
  readonly id: string;
  /** Equal in two graphs when the instance of the one can go on in the other. */
  readonly fingerprint: string;
  /** By signal, the keys of what it sends to. */
  readonly outs: ReadonlyMap<Signal, readonly string[]>;
  /** Keys of the extensions that lend it what it cannot do without. */
  readonly needs: readonly string[];
  /** Has a port, a lock or a queue on disk, so that its successor cannot start beside it. */
  readonly isExclusive: boolean;
}

export type Node = Common &
  (
    | { readonly kind: 'telemetry'; readonly address: MetricsAddress }
    | { readonly kind: 'extension'; readonly component: Configured<ExtensionDefinition> }
    | {
        readonly kind: 'exporter';
        readonly component: Configured<ExporterDefinition>;
        readonly signal: Signal;
      }
    | {
        readonly kind: 'connector';
        readonly component: Configured<ConnectorDefinition>;
        readonly from: Signal;
        readonly to: Signal;
      }
    | {
        readonly kind: 'processor';
        readonly component: Configured<ProcessorDefinition>;
        readonly signal: Signal;
        readonly pipeline: string;
      }
    | { readonly kind: 'receiver'; readonly component: Configured<ReceiverDefinition> }
  );

/** By key, in start order: extensions, then sinks to sources. The reverse is the order to stop in. */
export type Graph = ReadonlyMap<string, Node>;

export const emptyGraph: Graph = new Map();

/** @param settings with no problems in them */
export function graphOf(settings: Settings): Graph {
  return new GraphMaker(settings).make();
}

class GraphMaker {
  readonly #settings: Settings;
  readonly #nodes = new Map<string, Node>();
  /** Entry keys of the pipelines done so far. */
  readonly #entries = new Map<string, readonly string[]>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  make(): Graph {
    this.#telemetry();
    for (const component of orderedExtensions(this.#settings)) this.#extension(component);
    for (const pipeline of this.#settings.pipelines) this.#pipeline(pipeline);
    for (const id of new Set(this.#settings.pipelines.flatMap((p) => p.receivers))) {
      this.#receiver(id);
    }
    return this.#nodes;
  }

  #telemetry(): void {
    for (const [index, address] of metricsAddresses(this.#settings).entries()) {
      const id = index === 0 ? 'metrics' : `metrics/${index}`;
      this.#add({
        ...alone(`telemetry:${id}`, id),
        kind: 'telemetry',
        fingerprint: JSON.stringify(address),
        isExclusive: true,
        address,
      });
    }
  }

  #extension(component: Configured<ExtensionDefinition>): void {
    this.#add({
      ...alone(`extension:${component.id}`, component.id),
      kind: 'extension',
      fingerprint: component.fingerprint,
      needs: this.#lenders(component),
      isExclusive: true,
      component,
    });
  }

  /** The keys of what stands at the pipeline's entry. */
  #pipeline(pipeline: PipelineSettings): readonly string[] {
    const known = this.#entries.get(pipeline.id);
    if (known) return known;
    const sinks = pipeline.exporters.flatMap((id) => this.#sink(id, pipeline.signal));
    const entry = pipeline.processors.reduceRight<readonly string[]>(
      (next, id) => [this.#processor(id, pipeline, next)],
      sinks,
    );
    this.#entries.set(pipeline.id, entry);
    return entry;
  }

  #processor(id: string, { id: pipeline, signal }: PipelineSettings, next: readonly string[]) {
    const component = required(this.#settings.processors, id);
    return this.#add({
      ...alone(`processor:${pipeline}:${id}`, id),
      kind: 'processor',
      fingerprint: component.fingerprint,
      outs: new Map([[signal, next]]),
      needs: this.#lenders(component),
      component,
      signal,
      pipeline,
    });
  }

  #sink(id: string, signal: Signal): readonly string[] {
    if (this.#settings.connectors.has(id)) return this.#connectors(id, signal);
    const component = required(this.#settings.exporters, id);
    const { definition, config } = component;
    const storage = definition.sending?.(config).sending_queue?.storage;
    const node = {
      ...alone(`exporter:${signal}:${id}`, id),
      kind: 'exporter' as const,
      fingerprint: component.fingerprint,
      needs: [...this.#lenders(component), ...this.#lenderOf(keyValueStorage.name, storage)],
      isExclusive: definition.isExclusive === true || storage !== undefined,
      component,
      signal,
    };
    return [this.#add(node)];
  }

  /** A connector that takes one signal may give several: one instance for each. */
  #connectors(id: string, from: Signal): readonly string[] {
    const component = required(this.#settings.connectors, id);
    const given = new Set(this.#fedBy(id).map((target) => target.signal));
    return component.definition.routes
      .filter((route) => route.from === from && given.has(route.to))
      .map(({ to }) => {
        const key = `connector:${from}:${to}:${id}`;
        const outs = new Map([[to, this.#entriesOf(id, to)]]);
        const needs = this.#lenders(component);
        const { fingerprint } = component;
        const node = { ...alone(key, id), kind: 'connector' as const, fingerprint, outs, needs };
        return this.#add({ ...node, component, from, to });
      });
  }

  /** What a receiver or connector of this id sends the signal to. */
  #entriesOf(id: string, signal: Signal): readonly string[] {
    const fed = this.#fedBy(id).filter((pipeline) => pipeline.signal === signal);
    return fed.flatMap((pipeline) => this.#pipeline(pipeline));
  }

  #fedBy(id: string): PipelineSettings[] {
    return this.#settings.pipelines.filter((pipeline) => pipeline.receivers.includes(id));
  }

  #receiver(id: string): void {
    const component = this.#settings.receivers.get(id);
    if (!component) return;
    const given = new Set(this.#fedBy(id).map((pipeline) => pipeline.signal));
    const served = signals.filter((signal) => given.has(signal));
    this.#add({
      ...alone(`receiver:${id}`, id),
      kind: 'receiver',
      // A receiver is created for the signals it serves, so these are part of what it is.
      fingerprint: `${served.join()} ${component.fingerprint}`,
      outs: new Map(served.map((signal) => [signal, this.#entriesOf(id, signal)])),
      needs: this.#lenders(component),
      isExclusive: true,
      component,
    });
  }

  /** Nothing is added twice: what is shared keeps its first place. */
  #add(node: Node): string {
    if (!this.#nodes.has(node.key)) this.#nodes.set(node.key, node);
    return node.key;
  }

  #lenders<D extends Needing>({ definition, config }: Configured<D>): readonly string[] {
    const needs = definition.needs?.(config) ?? [];
    return needs.flatMap(({ what, name }) => this.#lenderOf(what, name));
  }

  #lenderOf(what: string, name: string | undefined): readonly string[] {
    const lender = orderedExtensions(this.#settings).find(({ id, definition, config }) => {
      const offers = definition.offers?.(config, id) ?? [{ what, name: id }];
      return offers.some((offer) => offer.what === what && offer.name === name);
    });
    return lender === undefined ? [] : [`extension:${lender.id}`];
  }
}

type Needing = Pick<ExtensionDefinition, 'needs'>;

/** What most nodes have: no targets, no needs, and a successor that may start beside it. */
function alone(key: string, id: string) {
  return { key, id, outs: new Map<Signal, readonly string[]>(), needs: [], isExclusive: false };
}

/** Validation has run: a missing entry is a fault of ours. */
function required<T>(components: ReadonlyMap<string, T>, id: string): T {
  const component = components.get(id);
  if (component === undefined) throw new TypeError(`"${id}" passed validation but is not there`);
  return component;
}

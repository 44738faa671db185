/** One node of the graph come to life: the component under supervision, the consumer that others
 *  send to, and the outlets it sends to itself. */
import type { Batch, Consumer, Signal } from '../component/consumer.ts';
import type { CreateContext } from '../component/define.ts';
import { guardedConsumer, Supervised, type Lifecycle } from '../component/lifecycle.ts';
import type { OwnMetrics } from '../component/telemetry.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { aroundExporter, aroundProcessor } from './counting.ts';
import { fanOut } from './fan-out.ts';
import type { Node } from './graph.ts';
import { InFlight } from './in-flight.ts';
import { Outlet } from './outlet.ts';
import { OwnMetricsServer } from './own-metrics-server.ts';
import type { ComponentHost, ProcessHost } from './process-host.ts';
import { aroundSending } from './sending/sending.ts';

export interface Surroundings {
  readonly metrics: OwnMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly host: ProcessHost;
}

export class Instance {
  readonly node: Node;
  readonly host: ComponentHost;
  readonly #around: Surroundings;
  readonly #outlets: ReadonlyMap<Signal, Outlet>;
  /** In start order. An exporter has a second part around it, its queue. */
  readonly #parts: Supervised<Lifecycle>[] = [];
  readonly #consumer: InFlight | undefined;

  /** Opens nothing. */
  constructor(node: Node, around: Surroundings) {
    this.node = node;
    this.#around = around;
    this.host = around.host.viewFor(this.name);
    this.#outlets = new Map([...node.outs.keys()].map((signal) => [signal, new Outlet()]));
    const consumer = this.#create();
    this.#consumer = consumer && new InFlight(consumer);
  }

  /** `receiver:otlp`, as the health report lists it. */
  get name(): string {
    return `${this.node.kind}:${this.node.id}`;
  }

  /** What others send to. */
  get consumer(): Consumer<Batch> | undefined {
    return this.#consumer;
  }

  /** Joins every outlet to the consumers that the keys stand for. */
  connect(outs: Node['outs'], consumerOf: (key: string) => Consumer<Batch>): void {
    for (const [signal, outlet] of this.#outlets) {
      outlet.connect(fanOut((outs.get(signal) ?? []).map(consumerOf)));
    }
  }

  /** Lets senders wait until the next `connect`. */
  hold(): void {
    for (const outlet of this.#outlets.values()) outlet.hold();
  }

  async start(signal: AbortSignal): Promise<void> {
    for (const part of this.#parts) await part.start(signal);
  }

  /** Once no call is inside any more, or the deadline has come. */
  async stop(deadline: AbortSignal): Promise<void> {
    await this.#consumer?.idle(deadline);
    for (const part of this.#parts.toReversed()) await part.stop(deadline);
  }

  #create(): Consumer<Batch> | undefined {
    const { node } = this;
    switch (node.kind) {
      case 'telemetry':
        this.#supervise(this.#ownMetrics(node.address));
        return undefined;
      case 'extension':
        this.#supervise(node.component.definition.create(this.#context(node.component)));
        return undefined;
      case 'receiver':
        this.#supervise(
          node.component.definition.create({
            ...this.#context(node.component),
            next: this.#next(),
          }),
        );
        return undefined;
      case 'processor':
        return this.#processor(node);
      case 'exporter':
        return this.#exporter(node);
      default:
        return this.#connector(node);
    }
  }

  #processor(node: Node & { kind: 'processor' }): Consumer<Batch> {
    const { component, id, signal } = node;
    const counting = aroundProcessor({ metrics: this.#around.metrics, id, signal });
    const next = counting.outgoing(this.#outlet(signal));
    const context = { ...this.#context(component), signal, next };
    return counting.incoming(this.#guarded(component.definition.create(context)));
  }

  #connector({ component, from, to }: Node & { kind: 'connector' }): Consumer<Batch> {
    const context = { ...this.#context(component), from, to, next: this.#outlet(to) };
    return this.#guarded(component.definition.create(context));
  }

  #exporter({ component, id, signal }: Node & { kind: 'exporter' }): Consumer<Batch> {
    const { definition, config } = component;
    const context = { ...this.#context(component), signal };
    const consumer = this.#guarded(definition.create(context));
    const counting = (sending: Consumer<Batch>) =>
      aroundExporter(sending, { metrics: this.#around.metrics, id, signal });
    const sending = definition.sending?.(config);
    return sending === undefined
      ? counting(consumer)
      : this.#guarded(aroundSending(consumer, sending, { ...context, counting }));
  }

  #context({
    id,
    config,
  }: {
    readonly id: string;
    readonly config: unknown;
  }): CreateContext<unknown> {
    const { metrics, logger, clock } = this.#around;
    return {
      config,
      id,
      telemetry: metrics.forComponent(id),
      logger: logger.child({ [this.node.kind]: id }),
      clock,
      host: this.host,
    };
  }

  #next() {
    return {
      traces: this.#outlets.get('traces'),
      metrics: this.#outlets.get('metrics'),
      logs: this.#outlets.get('logs'),
    };
  }

  #outlet(signal: Signal): Outlet {
    const outlet = this.#outlets.get(signal);
    if (outlet === undefined) throw new TypeError(`${this.name} has no outlet for ${signal}`);
    return outlet;
  }

  #guarded(component: Lifecycle & Consumer<Batch>): Consumer<Batch> {
    return guardedConsumer(`${this.node.kind} ${this.node.id}`, this.#supervise(component));
  }

  #supervise<T extends Lifecycle>(component: T): Supervised<T> {
    const supervised = new Supervised(component);
    this.#parts.push(supervised);
    return supervised;
  }

  #ownMetrics(address: (Node & { kind: 'telemetry' })['address']): Lifecycle {
    const { metrics, clock, logger } = this.#around;
    const context = { clock, logger, host: this.host };
    const server = new OwnMetricsServer(metrics, address, context);
    return {
      start: async () => {
        await server.start();
        const { url } = server;
        if (url !== undefined) this.host.announce({ label: 'own metrics', address: url });
      },
      stop: async (signal) => server.stop(signal),
    };
  }
}

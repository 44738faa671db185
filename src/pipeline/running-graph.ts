/** The instances of a running graph, and how they become those of another one.
 *
 *  1. What is new is created. This opens nothing, so a fault here changes nothing.
 *  2. Whatever holds a port, a lock or a queue on disk and leaves is stopped, sources first. Those
 *     that stay and send to it are told to let their senders wait.
 *  3. What is new is started, sinks first.
 *  4. Those that stay are joined to it, and what waited goes on.
 *  5. The rest of what leaves is emptied and stopped, while the new ones serve.
 *
 *  When 3 fails, what was stopped in 2 is created and started again as it was. */
import { PipelineError, type Batch, type Consumer } from '../component/consumer.ts';
import type { StatusBoard } from '../component/status.ts';
import { messageOf } from '../lib/errors.ts';
import { diff, type Changes } from './diff.ts';
import { emptyGraph, type Graph, type Node } from './graph.ts';
import { Instance, type Surroundings } from './instance.ts';
import { startError } from './start-failure.ts';

export interface Limits {
  /** Aborted when starting is given up. */
  readonly start: AbortSignal;
  /** Aborted when what still drains is to be dropped. */
  readonly drain: AbortSignal;
}

type Instances = ReadonlyMap<string, Instance>;

export class RunningGraph {
  readonly #around: Surroundings;
  readonly #board: StatusBoard;
  /** What runs. A part that could not be started again after a failed exchange is missing, so that
   *  the next exchange starts it. */
  #graph: Graph = emptyGraph;
  #instances: Instances = new Map();

  constructor(around: Surroundings, board: StatusBoard) {
    this.#around = around;
    this.#board = board;
  }

  /** @throws StartError; the graph is what it was then */
  async become(graph: Graph, limits: Limits): Promise<Changes> {
    const changes = diff(this.#graph, graph);
    const fresh = changes.start.map((node) => this.#created(node));
    const next = instancesOf(graph, [...this.#instances.values(), ...fresh]);
    for (const instance of fresh) instance.connect(instance.node.outs, consumersOf(next));
    for (const node of changes.stopFirst) {
      this.#holdBefore(node, changes.kept);
      await this.#stopAll([node], limits.drain);
    }
    try {
      await this.#startAll(fresh, limits);
    } catch (error) {
      await this.#restore(changes, limits.drain);
      throw error;
    }
    const old = this.#instances;
    this.#instances = next;
    this.#graph = graph;
    this.#join(changes.kept);
    await this.#stopAll(changes.stopLater, limits.drain, old);
    this.#forgetGone(changes);
    return changes;
  }

  /** Never rejects: a part that fails to stop is logged, and the others are stopped all the same. */
  async stop(drain: AbortSignal): Promise<void> {
    const [graph, instances] = [this.#graph, this.#instances];
    this.#graph = emptyGraph;
    this.#instances = new Map();
    await this.#stopAll([...graph.values()].toReversed(), drain, instances);
  }

  #created(node: Node): Instance {
    try {
      return new Instance(node, this.#around);
    } catch (cause) {
      throw startError(`${node.kind} ${node.id}`, cause);
    }
  }

  /** Not earlier: a source that stops before it may still send to it through those that stay. */
  #holdBefore({ key: leaving }: Node, kept: ReadonlySet<string>): void {
    for (const key of kept) {
      const targets = [...(this.#graph.get(key)?.outs.values() ?? [])].flat();
      if (targets.includes(leaving)) this.#instances.get(key)?.hold();
    }
  }

  /** Joins instances that run to what the graph says now. */
  #join(keys: Iterable<string>): void {
    for (const key of keys) {
      const node = this.#graph.get(key);
      if (node) this.#instances.get(key)?.connect(node.outs, consumersOf(this.#instances));
    }
  }

  /** When one does not start, those before it are stopped again. */
  async #startAll(fresh: readonly Instance[], { start, drain }: Limits): Promise<void> {
    const opened: Instance[] = [];
    try {
      for (const instance of fresh) {
        start.throwIfAborted();
        // Before it is started: what it opened before failing is closed too.
        opened.push(instance);
        await startOne(instance, start);
      }
    } catch (error) {
      for (const instance of opened.toReversed()) await this.#stop(instance, drain);
      throw error;
    }
  }

  /** Everything stopped for the exchange, created and started again as it was. */
  async #restore({ kept, stopFirst }: Changes, drain: AbortSignal): Promise<void> {
    for (const node of stopFirst.toReversed()) {
      try {
        await this.#startAgain(node, drain);
      } catch (error) {
        this.#around.logger.error({ error: messageOf(error) }, 'could not be started again');
        this.#drop(node);
        this.#board.set(`${node.kind}:${node.id}`, 'StatusPermanentError', messageOf(error));
      }
    }
    this.#join(kept);
  }

  async #startAgain(node: Node, drain: AbortSignal): Promise<void> {
    const again = this.#created(node);
    this.#instances = instancesOf(this.#graph, [...this.#instances.values(), again]);
    // Sinks come first, so what it sends to is there.
    this.#join([node.key]);
    try {
      await startOne(again, new AbortController().signal);
    } catch (error) {
      await this.#stop(again, drain);
      throw error;
    }
  }

  /** Without it in the graph the next exchange starts it, whatever its settings. */
  #drop({ key }: Node): void {
    this.#graph = new Map([...this.#graph].filter(([other]) => other !== key));
    this.#instances = new Map([...this.#instances].filter(([other]) => other !== key));
  }

  async #stopAll(nodes: readonly Node[], drain: AbortSignal, of = this.#instances): Promise<void> {
    for (const { key } of nodes) {
      const instance = of.get(key);
      if (instance !== undefined) await this.#stop(instance, drain);
    }
  }

  async #stop(instance: Instance, drain: AbortSignal): Promise<void> {
    const { host, node, name } = instance;
    const others = [...this.#instances.values()].filter((other) => other !== instance);
    // Where another goes on under its name, what it says of itself no longer counts.
    if (others.some((other) => other.name === name)) host.leave();
    host.reportStatus('StatusStopping');
    try {
      await instance.stop(drain);
    } catch (error) {
      const fields = { [node.kind]: node.id, error: messageOf(error) };
      this.#around.logger.error(fields, 'did not stop cleanly');
    }
    host.reportStatus('StatusStopped');
    host.leave();
  }

  #forgetGone({ stopFirst, stopLater }: Changes): void {
    const there = new Set([...this.#instances.values()].map(({ name }) => name));
    for (const { kind, id } of [...stopFirst, ...stopLater]) {
      const name = `${kind}:${id}`;
      if (there.has(name)) continue;
      this.#board.forget(name);
      this.#around.metrics.forget(kind, id);
    }
  }
}

/** By the keys of the graph and in its order; later instances of a key before earlier ones. */
function instancesOf(graph: Graph, instances: readonly Instance[]): Instances {
  const byKey = new Map(instances.map((instance) => [instance.node.key, instance]));
  return new Map(
    [...graph.keys()].flatMap((key) => {
      const instance = byKey.get(key);
      return instance === undefined ? [] : [[key, instance] as const];
    }),
  );
}

function consumersOf(instances: Instances): (key: string) => Consumer<Batch> {
  return (key) => instances.get(key)?.consumer ?? refusing(key);
}

/** Stands where something could not be started. */
function refusing(key: string): Consumer<Batch> {
  return {
    async consume() {
      throw new PipelineError('not_running', `${key} is not running`, {
        retryable: true,
        retryAfterMs: 1000,
      });
    },
  };
}

async function startOne(instance: Instance, signal: AbortSignal): Promise<void> {
  const { host, node } = instance;
  host.join();
  host.reportStatus('StatusStarting');
  try {
    await instance.start(signal);
  } catch (cause) {
    host.reportStatus('StatusPermanentError', messageOf(cause));
    throw startError(`${node.kind} ${node.id}`, cause);
  }
  host.reportStatus('StatusOK');
}

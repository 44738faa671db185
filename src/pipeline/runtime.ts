/** Runs one configuration: extensions first, then sinks to sources; at the end sources first, so
 *  that everything under way reaches its sink before the sink closes. */
import type { CreateContext } from '../component/define.ts';
import type { Endpoint } from '../component/host.ts';
import { Supervised } from '../component/lifecycle.ts';
import { StatusBoard } from '../component/status.ts';
import { OwnMetrics } from '../component/telemetry.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { orderedExtensions } from './extensions.ts';
import { buildGraph, type Kind, type Node } from './graph.ts';
import { measureProcess, OwnMetricsServer, type MetricsAddress } from './own-metrics-server.ts';
import { ProcessHost } from './process-host.ts';
import type { Settings } from './settings.ts';
import { startError } from './start-failure.ts';
import { describeTarget } from './target-info.ts';

export interface RuntimeOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly version: string;
  /** Called when a component says that it cannot go on. */
  readonly onFatal: (error: unknown) => void;
}

export class Runtime {
  readonly #settings: Settings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #version: string;
  readonly #metrics = new OwnMetrics();
  readonly #board: StatusBoard;
  readonly #host: ProcessHost;
  readonly #started: RunningNode[] = [];

  constructor({ settings, logger, clock, version, onFatal }: RuntimeOptions) {
    this.#version = version;
    this.#settings = settings;
    this.#logger = logger;
    this.#clock = clock;
    this.#board = new StatusBoard(() => clock.nowMs());
    this.#host = new ProcessHost(this.#board, onFatal);
  }

  /** Addresses that people and clients use; complete once `start` has resolved. */
  get endpoints(): readonly Endpoint[] {
    return this.#host.endpoints;
  }

  get notices(): readonly string[] {
    return this.#host.notices;
  }

  /** When one part does not start, those before it are stopped again.
   *  @throws StartError with a sentence for the operator */
  async start(signal: AbortSignal): Promise<void> {
    try {
      for (const node of this.#nodes()) {
        signal.throwIfAborted();
        await this.#startNode(node, signal);
      }
    } catch (error) {
      await this.stop(signal);
      throw error;
    }
    this.#board.setPhase('StatusOK');
  }

  /** Drains until the signal is aborted, then drops what is left. Never rejects: a part that fails
   *  to stop is logged, and the others are stopped all the same. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#board.setPhase('StatusStopping');
    for (let node = this.#started.pop(); node; node = this.#started.pop()) {
      await this.#stopNode(node, signal);
    }
    this.#board.setPhase('StatusStopped');
  }

  #nodes(): readonly RunningNode[] {
    const settings = this.#settings;
    const extensions = orderedExtensions(settings).map(({ id, definition, config }): Node => {
      const context = { ...this.#contextFor('extension', id), config, id };
      return { kind: 'extension', id, supervised: new Supervised(definition.create(context)) };
    });
    const graph = buildGraph({
      settings,
      metrics: this.#metrics,
      contextFor: (kind, id) => this.#contextFor(kind, id),
    });
    return [...this.#telemetry(), ...extensions, ...graph];
  }

  #contextFor(kind: Kind, id: string): Omit<CreateContext<unknown>, 'config' | 'id'> {
    return {
      telemetry: this.#metrics.forComponent(id),
      logger: this.#logger.child({ [kind]: id }),
      clock: this.#clock,
      host: this.#host.viewFor(`${kind}:${id}`),
    };
  }

  #telemetry(): RunningNode[] {
    const addresses = metricsAddresses(this.#settings);
    if (addresses.length > 0) {
      measureProcess(this.#metrics);
      const { resource } = this.#settings.service.telemetry;
      describeTarget(this.#metrics, resource, this.#version);
    }
    return addresses.map((address, index) => {
      const server = new OwnMetricsServer(this.#metrics, address);
      const announced = {
        start: async () => {
          await server.start();
          const { url } = server;
          if (url !== undefined) this.#host.endpoints.push({ label: 'own metrics', address: url });
        },
        stop: async () => server.stop(),
      };
      const id = index === 0 ? 'metrics' : `metrics/${index}`;
      return { kind: 'telemetry', id, supervised: new Supervised(announced) };
    });
  }

  async #startNode(node: RunningNode, signal: AbortSignal): Promise<void> {
    const key = `${node.kind}:${node.id}`;
    // Before it is started: what it opened before failing is closed too.
    this.#started.push(node);
    this.#board.set(key, 'StatusStarting');
    try {
      await node.supervised.start(signal);
    } catch (cause) {
      this.#board.set(key, 'StatusPermanentError', messageOf(cause));
      throw startError(`${node.kind} ${node.id}`, cause);
    }
    this.#board.set(key, 'StatusOK');
  }

  async #stopNode(node: RunningNode, signal: AbortSignal): Promise<void> {
    const key = `${node.kind}:${node.id}`;
    this.#board.set(key, 'StatusStopping');
    try {
      await node.supervised.stop(signal);
    } catch (error) {
      const fields = { [node.kind]: node.id, error: messageOf(error) };
      this.#logger.error(fields, 'did not stop cleanly');
    }
    this.#board.set(key, 'StatusStopped');
  }
}

interface RunningNode {
  readonly kind: Kind | 'telemetry';
  readonly id: string;
  readonly supervised: Supervised<object>;
}

function metricsAddresses({ service }: Settings): MetricsAddress[] {
  const { level, readers, address } = service.telemetry.metrics;
  if (level === 'none') return [];
  if (address !== undefined) return [address];
  return readers.map((reader) => reader.pull.exporter.prometheus);
}

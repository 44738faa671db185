/** Runs one configuration, and exchanges it for another while it runs. */
import { randomUUID } from 'node:crypto';
import type { Endpoint } from '../component/host.ts';
import { StatusBoard, type StatusReport } from '../component/status.ts';
import { OwnMetrics } from '../component/telemetry.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Changes } from './diff.ts';
import { graphOf } from './graph.ts';
import { outlinesOf } from './outline.ts';
import { measureProcess } from './own-metrics-server.ts';
import { ProcessHost } from './process-host.ts';
import { RunningGraph } from './running-graph.ts';
import type { Settings } from './settings.ts';
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
  readonly metrics = new OwnMetrics();
  /** Who this is, the same over every exchange of settings. */
  readonly #process: { readonly version: string; readonly instanceId: string };
  readonly #board: StatusBoard;
  readonly #host: ProcessHost;
  readonly #running: RunningGraph;
  #settings: Settings;
  /** The exchange under way; the next one and the end wait for it. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor({ settings, logger, clock, version, onFatal }: RuntimeOptions) {
    this.#process = { version, instanceId: randomUUID() };
    this.#settings = settings;
    this.#board = new StatusBoard(() => clock.nowMs());
    this.#host = new ProcessHost(this.#board, onFatal);
    const around = { metrics: this.metrics, logger, clock, host: this.#host };
    this.#running = new RunningGraph(around, this.#board);
    measureProcess(this.metrics);
  }

  /** Addresses that people and clients use; complete once `start` has resolved. */
  get endpoints(): readonly Endpoint[] {
    return this.#host.endpoints;
  }

  get notices(): readonly string[] {
    return this.#host.notices;
  }

  /** How it and each of its parts is doing. */
  status(): StatusReport {
    return this.#board.report();
  }

  /** When one part does not start, those before it are stopped again.
   *  @throws StartError with a sentence for the operator */
  async start(signal: AbortSignal): Promise<void> {
    describeTarget(this.metrics, this.#settings.service.telemetry.resource, this.#process);
    await this.#running.become(graphOf(this.#settings), { start: signal, drain: signal });
    this.#board.describe(this.#process.version, outlinesOf(this.#settings));
    this.#board.setPhase('StatusOK');
  }

  /** Goes over to other settings. Parts that they leave as they are run on untouched, and senders to
   *  a part that is exchanged wait for it. When a new part cannot be created or started, this
   *  rejects and the settings before are in force again.
   *  @param deadline what is not drained by then is dropped
   *  @throws StartError with a sentence for the operator */
  async reload(settings: Settings, deadline: AbortSignal): Promise<Changes> {
    const limits = { start: new AbortController().signal, drain: deadline };
    return this.#next(async () => {
      const changes = await this.#running.become(graphOf(settings), limits);
      this.#settings = settings;
      describeTarget(this.metrics, settings.service.telemetry.resource, this.#process);
      this.#board.describe(this.#process.version, outlinesOf(settings));
      return changes;
    });
  }

  /** Drains until the signal is aborted, then drops what is left. Never rejects: a part that fails
   *  to stop is logged, and the others are stopped all the same. */
  async stop(signal: AbortSignal): Promise<void> {
    await this.#next(async () => {
      this.#board.setPhase('StatusStopping');
      await this.#running.stop(signal);
      this.#board.setPhase('StatusStopped');
    });
  }

  /** One at a time, in the order asked for. */
  async #next<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(task, task);
    this.#busy = done.catch(() => {});
    return done;
  }
}

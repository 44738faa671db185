/** Lends trace storage by name to exporters and to the query side. A backend is opened by whoever
 *  asks first and closed here, after everything that uses it has stopped. */
import { defineExtension, type CreateContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import type { Timer } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import {
  traceStorage,
  type StorageBackend,
  type StorageCounts,
  type StorageHealth,
} from '../../storage/contract.ts';
import { ackOf, openPlan, planFor, type Engines, type Plan } from './backends.ts';
import { storageConfig, type StorageConfig } from './config.ts';
import { measured } from './measured.ts';

/** How often the stores are asked how they are. */
const healthPeriodMs = 2000;

const counters: readonly (readonly [keyof StorageCounts, string, string])[] = [
  [
    'damaged',
    'spoor_storage_damaged_total',
    'Number of files and parts of files that were found damaged.',
  ],
  [
    'repaired',
    'spoor_storage_repaired_total',
    'Number of damaged indexes that were made again from their spans, at no loss.',
  ],
  [
    'repeatedSpans',
    'spoor_storage_repeated_spans_total',
    'Number of spans that were stored again because they came again later than dedup.window, each ' +
      'found when the files it and its first copy lie in became one. Counts have them twice.',
  ],
];

export function storageExtension(engines: Engines) {
  return defineExtension<StorageConfig>({
    type: 'jaeger_storage',
    stability: 'beta',
    summary: 'Opens the stores that traces are written to and read from.',
    config: storageConfig(engines.embedded.config),
    offers: ({ backends }) =>
      Object.entries(backends).map(([name, backend]) => ({
        what: traceStorage.name,
        name,
        ack: ackOf(planFor(backend, engines.embedded)),
      })),
    create: (context) => new JaegerStorage(context, engines),
  });
}

class JaegerStorage implements Lifecycle {
  readonly #context: CreateContext<StorageConfig>;
  readonly #engines: Engines;
  readonly #open = new Map<string, Promise<StorageBackend>>();
  #health: Timer | undefined;
  /** Counted so far. */
  readonly #counted = new Map<keyof StorageCounts, number>();

  constructor(context: CreateContext<StorageConfig>, engines: Engines) {
    this.#context = context;
    this.#engines = engines;
  }

  async start(): Promise<void> {
    const { config, host } = this.#context;
    for (const [name, backend] of Object.entries(config.backends)) {
      const plan = planFor(backend, this.#engines.embedded);
      host.lend(traceStorage, name, { open: async () => this.#opened(name, plan) });
    }
    this.#health = this.#context.clock.every(healthPeriodMs, () => void this.#checkHealth());
  }

  /** What did not open needs no closing, and has been reported by whoever asked for it. */
  async stop(): Promise<void> {
    this.#health?.cancel();
    const results = await Promise.allSettled(this.#open.values());
    const backends = results.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    );
    const closings = await Promise.allSettled(backends.map(async (backend) => backend.close()));
    for (const closing of closings) {
      if (closing.status === 'fulfilled') continue;
      this.#context.logger.error({ error: messageOf(closing.reason) }, 'a store did not close');
    }
  }

  #opened(name: string, plan: Plan): Promise<StorageBackend> {
    const known = this.#open.get(name);
    if (known) return known;
    const opening = this.#openNow(name, plan);
    this.#open.set(name, opening);
    return opening;
  }

  async #openNow(name: string, plan: Plan): Promise<StorageBackend> {
    const { logger, clock, telemetry, host } = this.#context;
    const backend = await openPlan(plan, this.#engines.embedded, {
      logger,
      clock,
      registry: telemetry.registry,
    });
    if (plan.notice !== undefined) host.notice(plan.notice);
    if (plan.directory !== undefined) host.announce({ label: 'data', address: plan.directory });
    return measured(backend, {
      telemetry,
      name,
      kind: plan.kind,
      monotonicMs: () => clock.monotonicMs(),
    });
  }

  #count(found: readonly StorageHealth[]): void {
    for (const [key, name, help] of counters) {
      const count = found.reduce((sum, { counts }) => sum + (counts?.[key] ?? 0), 0);
      const counter = this.#context.telemetry.counter({ name, help, labels: [] });
      counter.inc(Math.max(0, count - (this.#counted.get(key) ?? 0)));
      this.#counted.set(key, count);
    }
  }

  /** A store that cannot write any more shows in the health of the process. */
  async #checkHealth(): Promise<void> {
    const backends = await Promise.allSettled(this.#open.values());
    const found = backends.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value.health()] : [],
    );
    const problems = found.flatMap((health) => health.problems);
    this.#count(found);
    const { host } = this.#context;
    if (problems.length > 0) host.reportStatus('StatusRecoverableError', problems.join('; '));
    else host.reportStatus('StatusOK');
  }
}

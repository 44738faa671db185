/** Keeps whole traces or none: spans wait until their trace is thought complete, then policies decide
 *  over all of them. Acknowledges in memory, because nobody can wait that long; a crash loses what
 *  is undecided. What was decided for a trace holds for its late spans. */

import { PipelineError, type Consumer } from '../../component/consumer.ts';
import { defineProcessor, type ProcessorContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import type { Timer } from '../../lib/clock.ts';
import { isRetryable, messageOf } from '../../lib/errors.ts';
import { concat, gather } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import type { Due } from './arena.ts';
import { type AnyPolicy, TailSamplingConfig } from './config.ts';
import { TailSamplingMetrics } from './metrics.ts';
import { buildDecider, buildPolicy, type Decider } from './policies.ts';
import { recorded, type Reason } from './record.ts';
import type { HeldTrace } from './trace.ts';
import { type DecisionTicks, type LateRow, type Sorted, TenantTraces } from './traces.ts';

const TICK_MS = 1000;
const TENANTS_MAX = 1000;

export const component = defineProcessor<TailSamplingConfig, SpanBatch>({
  type: 'tail_sampling',
  stability: 'beta',
  summary: 'Keeps whole traces by what happened in them.',
  signals: ['traces'],
  config: TailSamplingConfig,
  ack: () => ({ kind: 'memory', where: 'spans wait for decision_wait' }),
  create: (context) => new TailSampler(context),
});

export class TailSampler implements Lifecycle, Consumer<SpanBatch> {
  readonly #context: ProcessorContext<TailSamplingConfig, SpanBatch>;
  readonly #metrics: TailSamplingMetrics;
  readonly #policies: readonly AnyPolicy[];
  readonly #decider: Decider;
  readonly #tenants = new Map<string, TenantTraces>();
  readonly #reasons = new Map<string, Reason>();
  readonly #giveUp = new AbortController();
  /** Decided batches the next consumer has not taken yet; tried again at every tick. */
  #unsent: SpanBatch[] = [];
  #sending: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;

  constructor(context: ProcessorContext<TailSamplingConfig, SpanBatch>) {
    this.#context = context;
    this.#metrics = new TailSamplingMetrics(context.telemetry, context.id);
    const { policies } = context.config;
    // A drop outweighs everything, so it is asked before a first match may end the vote.
    this.#policies = [
      ...policies.filter(({ type }) => type === 'drop'),
      ...policies.filter(({ type }) => type !== 'drop'),
    ];
    this.#decider = this.#buildDecider();
  }

  async start(): Promise<void> {
    this.#timer = this.#context.clock.every(TICK_MS, () => this.#tick());
  }

  async consume(batch: SpanBatch, signal: AbortSignal): Promise<void> {
    const traces = this.#tracesOf(batch.tenant);
    let sorted = traces.sort(batch);
    this.#refuseOverload(traces, sorted.held);
    // First what may be refused, so that a repeated batch is not held twice.
    while (sorted.late.length > 0) {
      await this.#context.next.consume(this.#lateOf(batch, sorted.late), signal);
      this.#countSorted(sorted);
      // While that took its time, others may have been decided: they are late now.
      sorted = traces.sort(batch, sorted.held);
    }
    this.#countSorted(sorted);
    traces.hold(batch, sorted.held, this.#decisionTicks());
    this.#report();
  }

  #countSorted(sorted: Sorted): void {
    this.#metrics.droppedOrPassed(true, sorted.late.length);
    this.#metrics.droppedOrPassed(false, sorted.droppedCount);
    this.#metrics.cachedRelease(sorted.cachedCount);
    const nowMs = this.#context.clock.monotonicMs();
    for (const { decidedMs } of sorted.decidedTraces) this.#metrics.lateSpans(nowMs - decidedMs);
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#timer?.cancel();
    const giveUp = (): void => this.#giveUp.abort(deadline.reason);
    deadline.addEventListener('abort', giveUp, { once: true });
    if (this.#context.config.drop_pending_traces_on_shutdown) this.#dropPending();
    else this.#decide(Number.POSITIVE_INFINITY);
    await this.#sending;
    await this.#sendAll();
    deadline.removeEventListener('abort', giveUp);
    this.#drop(this.#unsent, 'shutting down');
  }

  #lateOf(batch: SpanBatch, late: readonly LateRow[]): SpanBatch {
    if (!this.#context.config.record_policy) {
      return gather(
        batch,
        Uint32Array.from(late, ({ row }) => row),
      );
    }
    return recorded(
      batch,
      late.map(({ row, reason, isCached }) => ({ rows: [row], reason, isCached })),
    );
  }

  #buildDecider(): Decider {
    const { config, clock } = this.#context;
    const nameOf = (i: number): string => this.#policies[i]?.name ?? '';
    return buildDecider(
      this.#policies.map((policy) => buildPolicy(policy, clock)),
      config.sample_on_first_match,
      {
        clock,
        hooks: {
          failed: (i, error) => {
            this.#metrics.evaluationError();
            const fields = { policy: nameOf(i), reason: messageOf(error) };
            this.#context.logger.debug(fields, 'a sampling policy failed');
          },
          voted: (i, vote) => this.#metrics.voted(nameOf(i), vote),
          took: (i, ms) => this.#metrics.policyTook(nameOf(i), ms),
        },
      },
    );
  }

  #tracesOf(tenant: string): TenantTraces {
    const known = this.#tenants.get(tenant);
    if (known) return known;
    if (this.#tenants.size >= TENANTS_MAX) {
      throw new PipelineError('overloaded', `more than ${TENANTS_MAX} tenants`);
    }
    const made = new TenantTraces(tenant, this.#context.config, {
      isNew: () => this.#metrics.newTrace(),
      evicted: (spans) => {
        this.#metrics.droppedTooEarly();
        this.#metrics.lost(spans);
      },
      removed: (ageMs) => this.#metrics.removed(ageMs),
      tooLarge: (spans) => {
        this.#metrics.tooLarge();
        this.#metrics.droppedOrPassed(false, spans);
      },
    });
    this.#tenants.set(tenant, made);
    return made;
  }

  #refuseOverload(traces: TenantTraces, held: readonly { row: number; key: string }[]): void {
    if (held.length === 0) return;
    const { max_held_bytes: most, block_on_overflow: blocks } = this.#context.config;
    const isFull = this.#heldBytes() >= most;
    if (!isFull && !(blocks && traces.isOverflowing([...held]))) return;
    const hint = isFull ? 'raise max_held_bytes or shorten decision_wait' : 'raise num_traces';
    throw new PipelineError('overloaded', 'tail_sampling holds as much as it may', {
      retryable: true,
      retryAfterMs: TICK_MS,
      hint,
    });
  }

  #now(): number {
    return Math.floor(this.#context.clock.monotonicMs() / TICK_MS);
  }

  #decisionTicks(): DecisionTicks {
    const { decision_wait: wait, decision_wait_after_root_received: rootWait } =
      this.#context.config;
    const now = this.#now();
    return {
      tick: now + ticksOf(wait),
      rootTick: rootWait === 0 ? undefined : now + ticksOf(rootWait),
      nowMs: this.#context.clock.monotonicMs(),
    };
  }

  #tick(): void {
    this.#decide(this.#now());
    this.#sending = this.#sending.then(() => this.#sendAll());
  }

  #decide(tick: number): void {
    const startedMs = this.#context.clock.monotonicMs();
    for (const traces of this.#tenants.values()) {
      for (const due of traces.due(tick)) this.#decideArena(traces, due);
    }
    this.#metrics.decisionTook(this.#context.clock.monotonicMs() - startedMs);
    this.#report();
  }

  #decideArena(traces: TenantTraces, due: readonly Due[]): void {
    const kept: { readonly rows: Uint32Array; readonly reason: Reason }[] = [];
    const nowMs = this.#context.clock.monotonicMs();
    for (const { trace, state } of due) {
      const { isSampled, by } = this.#decider.decide(trace);
      const reason = isSampled ? this.#reasonOf(by, trace) : undefined;
      traces.decided(state, { reason, nowMs });
      this.#metrics.decided(isSampled, trace.spanCount);
      if (reason !== undefined) kept.push({ rows: trace.rows, reason });
    }
    const [first] = due;
    if (first === undefined || kept.length === 0) return;
    const { batch } = first.trace;
    // Carries over only what the rows need, so that the rest of the arena can be freed.
    this.#unsent.push(
      this.#context.config.record_policy
        ? recorded(
            batch,
            kept.map((trace) => ({ ...trace, isCached: false })),
          )
        : concat([gather(batch, Uint32Array.from(kept.flatMap(({ rows }) => [...rows])))]),
    );
  }

  /** The same object for the traces a policy keeps: caches hold many. */
  #reasonOf(by: number, { compositePolicy }: HeldTrace): Reason {
    const policy = this.#policies[by]?.name ?? '';
    const key = `${policy}\n${compositePolicy ?? ''}`;
    const known = this.#reasons.get(key) ?? { policy, compositePolicy };
    this.#reasons.set(key, known);
    return known;
  }

  async #sendAll(): Promise<void> {
    const sending = this.#unsent;
    this.#unsent = [];
    for (const batch of sending) await this.#send(batch);
  }

  async #send(batch: SpanBatch): Promise<void> {
    try {
      await this.#context.next.consume(batch, this.#giveUp.signal);
    } catch (error) {
      if (isRetryable(error)) this.#unsent.push(batch);
      else this.#drop([batch], messageOf(error));
    }
  }

  #drop(batches: readonly SpanBatch[], reason: string): void {
    for (const batch of batches) {
      this.#metrics.lost(batch.count);
      this.#context.logger.error({ spans: batch.count, reason }, 'dropped sampled spans');
    }
  }

  #dropPending(): void {
    for (const traces of this.#tenants.values()) {
      for (const due of traces.due(Number.POSITIVE_INFINITY)) {
        for (const { trace } of due) this.#metrics.lost(trace.spanCount);
      }
    }
  }

  /** Undecided spans, and decided ones that nobody takes: both count against the bound. */
  #heldBytes(): number {
    let sum = 0;
    for (const traces of this.#tenants.values()) sum += traces.heldBytes;
    for (const batch of this.#unsent) sum += batch.byteSize;
    return sum;
  }

  #report(): void {
    let traces = 0;
    for (const tenant of this.#tenants.values()) traces += tenant.count;
    this.#metrics.inMemory(traces, this.#heldBytes());
  }
}

function ticksOf(waitMs: number): number {
  return Math.max(1, Math.ceil(waitMs / TICK_MS));
}

/** Refuses data while the process uses more memory than it may, so that senders slow down instead of
 *  the process dying. Receivers ask before they decode (`admit`), so refusing costs next to nothing;
 *  a batch that got past is refused too while memory is short. */

import { PipelineError, type Batch, type Consumer } from '../../component/consumer.ts';
import { defineProcessor, type ProcessorContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { itemNames } from '../../component/telemetry.ts';
import type { Timer } from '../../lib/clock.ts';
import { type Limits, limitsOf, MemoryLimiterConfig } from './config.ts';
import { type Memory, processMemory } from './memory.ts';

export const component = defineProcessor({
  type: 'memory_limiter',
  stability: 'beta',
  summary: 'Refuses data while memory is short.',
  signals: ['traces', 'metrics', 'logs'],
  config: MemoryLimiterConfig,
  create: (context) => new MemoryLimiter(context, processMemory()),
});

export class MemoryLimiter implements Lifecycle, Consumer<Batch> {
  readonly #context: ProcessorContext<MemoryLimiterConfig, Batch>;
  readonly #memory: Memory;
  readonly #limits: Limits;
  #usedBytes = 0;
  /** Let in since memory was looked at last: counted as if it were used already. */
  #admittedBytes = 0;
  #isRefusing = false;
  #collectedMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(context: ProcessorContext<MemoryLimiterConfig, Batch>, memory: Memory) {
    this.#context = context;
    this.#memory = memory;
    this.#limits = limitsOf(context.config, memory.totalBytes());
  }

  async start(): Promise<void> {
    this.#look();
    const { clock, config } = this.#context;
    this.#timer = clock.every(config.check_interval, () => this.#look());
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
  }

  admit(bytes: number): void {
    const expected = this.#usedBytes + this.#admittedBytes + bytes;
    if (this.#isRefusing || expected > this.#limits.hardBytes) throw this.#refusal();
    this.#admittedBytes += bytes;
  }

  async consume(batch: Batch, signal: AbortSignal): Promise<void> {
    if (this.#isRefusing) {
      this.#count('refused', batch.count);
      throw this.#refusal();
    }
    this.#count('accepted', batch.count);
    await this.#context.next.consume(batch, signal);
  }

  #look(): void {
    this.#usedBytes = this.#memory.usedBytes();
    this.#admittedBytes = 0;
    const { softBytes, hardBytes } = this.#limits;
    if (this.#usedBytes >= softBytes) this.#collect(this.#usedBytes >= hardBytes);
    const isShort = this.#usedBytes >= softBytes;
    if (isShort !== this.#isRefusing) this.#tell(isShort);
    this.#isRefusing = isShort;
  }

  #collect(isHard: boolean): void {
    const { clock, config } = this.#context;
    const gapMs = isHard
      ? config.min_gc_interval_when_hard_limited
      : config.min_gc_interval_when_soft_limited;
    if (clock.monotonicMs() - this.#collectedMs < gapMs) return;
    this.#memory.collectGarbage();
    this.#collectedMs = clock.monotonicMs();
    this.#usedBytes = this.#memory.usedBytes();
  }

  #tell(isShort: boolean): void {
    const fields = { usedBytes: this.#usedBytes, ...this.#limits };
    const { logger, host } = this.#context;
    if (isShort) {
      logger.warn(fields, 'memory is short: refusing data until it is not');
      host.reportStatus('StatusRecoverableError', 'memory is short');
    } else {
      logger.info(fields, 'memory is back below the limit: taking data again');
      host.reportStatus('StatusOK');
    }
  }

  #refusal(): PipelineError {
    return new PipelineError('overloaded', 'memory is short', {
      retryable: true,
      retryAfterMs: this.#context.config.check_interval,
      hint: 'raise limit_mib, or send less',
    });
  }

  #count(outcome: 'accepted' | 'refused', items: number): void {
    const { telemetry, signal, id } = this.#context;
    const item = itemNames[signal];
    telemetry
      .counter({
        name: `otelcol_processor_memory_limiter_${outcome}_${item}_total`,
        help: `Number of ${item} that the memory limiter ${outcome}.`,
        labels: ['processor'],
      })
      .labels({ processor: id })
      .inc(items);
  }
}

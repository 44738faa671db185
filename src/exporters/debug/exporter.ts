/** Writes what passes to the log: a line per batch, and with `detailed` a line per span. */
import { z } from 'zod';
import { isMessages, type Batch } from '../../component/consumer.ts';
import { defineExporter, type ExporterContext } from '../../component/define.ts';
import { describeSpan } from './describe-span.ts';

const DebugConfig = z.strictObject({
  verbosity: z
    .enum(['basic', 'normal', 'detailed'])
    .default('basic')
    .describe('A line per batch, a line per span, or every attribute too.'),
  sampling_initial: z
    .int()
    .nonnegative()
    .default(2)
    .describe('Batches written in the first second.'),
  sampling_thereafter: z
    .int()
    .nonnegative()
    .default(1)
    .describe('After that, every how many-th batch of the second is written; 0 writes none.'),
  use_internal_logger: z.boolean().default(true).describe('Write to the log; else to stdout.'),
});

type DebugConfig = z.output<typeof DebugConfig>;

export const component = defineExporter({
  type: 'debug',
  stability: 'stable',
  summary: 'Writes data to the log.',
  signals: ['traces', 'metrics', 'logs'],
  config: DebugConfig,
  ack: () => ({ kind: 'discarded', where: 'it only writes to the log' }),
  create: (context) => new DebugExporter(context),
});

class DebugExporter {
  readonly #context: ExporterContext<DebugConfig>;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #seen = 0;

  constructor(context: ExporterContext<DebugConfig>) {
    this.#context = context;
  }

  async consume(batch: Batch): Promise<void> {
    if (!this.#isSampled()) return;
    const { signal, config } = this.#context;
    this.#write(
      { signal, items: batch.count, bytes: batch.byteSize, tenant: batch.tenant },
      signal,
    );
    if (config.verbosity === 'basic' || isMessages(batch)) return;
    for (let row = 0; row < batch.count; row += 1) {
      this.#write(describeSpan(batch, row, config.verbosity === 'detailed'), 'span');
    }
  }

  #write(fields: object, message: string): void {
    if (this.#context.config.use_internal_logger) this.#context.logger.info(fields, message);
    else process.stdout.write(`${JSON.stringify({ message, ...fields })}\n`);
  }

  /** As the Collector's log sampling: the first few of a second, then one in so many. */
  #isSampled(): boolean {
    const { sampling_initial: initial, sampling_thereafter: thereafter } = this.#context.config;
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#windowStartMs >= 1000) {
      this.#windowStartMs = nowMs;
      this.#seen = 0;
    }
    this.#seen += 1;
    if (this.#seen <= initial) return true;
    return thereafter > 0 && (this.#seen - initial) % thereafter === 0;
  }
}

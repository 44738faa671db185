/** Writes spans to a store. No queue lies between unless one is configured: an acknowledgement comes
 *  when the store has given it, and a store that is full or slow is felt by the sender. */
import { z } from 'zod';
import { defineExporter, type ExporterContext } from '../../component/define.ts';
import { queueWhenAsked, retryWhenAsked } from '../../component/sending.ts';
import { withClient, type SpanBatch } from '../../model/batch/span-batch.ts';
import { StorageError, traceStorage, type TraceWriter } from '../../storage/contract.ts';

const ExporterConfig = z.strictObject({
  trace_storage: z
    .string()
    .min(1)
    .describe('The name of a backend in the jaeger_storage extension.'),
  queue: queueWhenAsked().describe(
    'Answer senders before the spans are stored; left out, when they are.',
  ),
  retry_on_failure: retryWhenAsked().describe(
    'Try again what the store refused for now; left out, the sender is told to.',
  ),
});

type ExporterConfig = z.output<typeof ExporterConfig>;

export const component = defineExporter<ExporterConfig, SpanBatch>({
  type: 'jaeger_storage_exporter',
  stability: 'beta',
  summary: 'Writes spans to a store of the jaeger_storage extension.',
  signals: ['traces'],
  config: ExporterConfig,
  needs: ({ trace_storage: name }) => [{ what: traceStorage.name, name, path: ['trace_storage'] }],
  ack: ({ trace_storage: name }) => ({ kind: 'lent', what: traceStorage.name, name }),
  sending: ({ queue, retry_on_failure }) => ({
    timeout: 0,
    retry_on_failure,
    sending_queue: queue,
    queueKey: 'queue',
  }),
  create: (context) => new StorageExporter(context),
});

class StorageExporter {
  readonly #context: ExporterContext<ExporterConfig>;
  #writer: TraceWriter | undefined;

  constructor(context: ExporterContext<ExporterConfig>) {
    this.#context = context;
  }

  async start(): Promise<void> {
    const { host, config } = this.#context;
    const storage = host.find(traceStorage, config.trace_storage);
    if (!storage) {
      const message = `there is no trace storage "${config.trace_storage}"`;
      throw new StorageError('unusable', message);
    }
    this.#writer = (await storage.open()).writer;
  }

  async consume(batch: SpanBatch, signal: AbortSignal): Promise<void> {
    if (!this.#writer) throw new StorageError('unavailable', 'not started', { retryable: true });
    // A store keeps batches for a while and asks nothing of their senders.
    await this.#writer.write(withClient(batch, undefined), signal);
  }
}

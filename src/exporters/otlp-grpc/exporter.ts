/** Sends OTLP over gRPC: to a collector, a Jaeger, a Tempo, another Spoor. */
import { z } from 'zod';
import { clientNeeds } from '../../component/auth/authenticator.ts';
import { fittingLevel, grpcClientShape } from '../../component/client/config.ts';
import { GrpcClient } from '../../component/client/grpc-client.ts';
import {
  isMessages,
  notRunning,
  PartlyRefused,
  type Batch,
  type Signal,
} from '../../component/consumer.ts';
import { defineExporter, type ExporterContext } from '../../component/define.ts';
import { retryOnFailure, sendingQueue, timeout } from '../../component/sending.ts';
import { encodeTraces } from '../../wire/otlp-proto/encode.ts';
import { readPartialSuccess, readStatus } from '../../wire/rpc-status.ts';

const OtlpGrpcConfig = z
  .strictObject({
    ...grpcClientShape,
    timeout: timeout('5s'),
    retry_on_failure: retryOnFailure(),
    sending_queue: sendingQueue(),
  })
  .superRefine(fittingLevel);

type OtlpGrpcConfig = z.output<typeof OtlpGrpcConfig>;

const PATHS: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
};

export const component = defineExporter({
  type: 'otlp_grpc',
  aliases: ['otlp'],
  stability: 'beta',
  summary: 'Sends OTLP over gRPC.',
  signals: ['traces', 'metrics', 'logs'],
  config: OtlpGrpcConfig,
  needs: (config) => clientNeeds(config),
  ack: ({ endpoint }) => ({ kind: 'peer', where: endpoint }),
  sending: (config) => config,
  create: (context) => new OtlpGrpcExporter(context),
});

class OtlpGrpcExporter {
  readonly #context: ExporterContext<OtlpGrpcConfig>;
  #client: GrpcClient | undefined;

  constructor(context: ExporterContext<OtlpGrpcConfig>) {
    this.#context = context;
  }

  async start(): Promise<void> {
    const client = new GrpcClient(this.#context.config, this.#context, readStatus);
    await client.start();
    this.#client = client;
  }

  async consume(batch: Batch, signal: AbortSignal): Promise<void> {
    if (this.#client === undefined) throw notRunning();
    const request = isMessages(batch) ? batch.payload.bytes : encodeTraces([batch]);
    const path = PATHS[this.#context.signal];
    const answer = await this.#client.call({ path, request, client: batch.client }, signal);
    const { rejected, message } = readPartialSuccess(answer);
    if (rejected === 0 && message === '') return;
    // The specification forbids sending a partial success again.
    this.#context.logger.warn({ rejected, message }, 'the destination took only a part');
    if (rejected > 0) throw new PartlyRefused(rejected, message);
  }

  async stop(): Promise<void> {
    this.#client?.close();
  }
}

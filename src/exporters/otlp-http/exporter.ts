/** Sends OTLP over HTTP, as protobuf or JSON. */
import { z } from 'zod';
import { clientNeeds } from '../../component/auth/authenticator.ts';
import { fittingLevel, httpClientShape } from '../../component/client/config.ts';
import { HttpClient } from '../../component/client/http-client.ts';
import {
  isMessages,
  notRunning,
  PartlyRefused,
  PipelineError,
  type Batch,
  type Signal,
} from '../../component/consumer.ts';
import { defineExporter, type ExporterContext } from '../../component/define.ts';
import { retryOnFailure, sendingQueue, timeout } from '../../component/sending.ts';
import { encodeTraces as encodeJson } from '../../wire/otlp-json/encode.ts';
import { encodeTraces as encodeProto } from '../../wire/otlp-proto/encode.ts';
import { readPartialSuccess, readStatus } from '../../wire/rpc-status.ts';

const url = () =>
  z.string().refine((text) => URL.canParse(text) && /^https?:/.test(text), {
    message: 'expected a URL like http://otel:4318',
  });

const OtlpHttpConfig = z
  .strictObject({
    endpoint: url().optional().describe('Base URL; /v1/traces and so on are added.'),
    traces_endpoint: url().optional().describe('Whole URL for traces.'),
    metrics_endpoint: url().optional().describe('Whole URL for metrics.'),
    logs_endpoint: url().optional().describe('Whole URL for logs.'),
    encoding: z
      .enum(['proto', 'json'])
      .default('proto')
      .describe('Of traces; metrics and logs are always sent as protobuf.'),
    ...httpClientShape,
    timeout: timeout('30s'),
    retry_on_failure: retryOnFailure(),
    sending_queue: sendingQueue(),
  })
  .refine(
    (config) =>
      [config.endpoint, config.traces_endpoint, config.metrics_endpoint, config.logs_endpoint].some(
        (given) => given !== undefined,
      ),
    { message: 'give endpoint, or the endpoint of each signal you send' },
  )
  .superRefine(fittingLevel);

type OtlpHttpConfig = z.output<typeof OtlpHttpConfig>;

const PROTOBUF = 'application/x-protobuf';

export const component = defineExporter({
  type: 'otlp_http',
  aliases: ['otlphttp'],
  stability: 'beta',
  summary: 'Sends OTLP over HTTP.',
  signals: ['traces', 'metrics', 'logs'],
  config: OtlpHttpConfig,
  needs: (config) => clientNeeds(config),
  ack: (config) => ({
    kind: 'peer',
    where: config.endpoint ?? config.traces_endpoint ?? 'the destination',
  }),
  sending: (config) => config,
  create: (context) => new OtlpHttpExporter(context),
});

class OtlpHttpExporter {
  readonly #context: ExporterContext<OtlpHttpConfig>;
  readonly #url: URL;
  #client: HttpClient | undefined;

  constructor(context: ExporterContext<OtlpHttpConfig>) {
    this.#context = context;
    this.#url = urlOf(context.config, context.signal);
  }

  async start(): Promise<void> {
    const client = new HttpClient(this.#context.config, this.#context);
    await client.start(this.#url);
    this.#client = client;
  }

  async consume(batch: Batch, signal: AbortSignal): Promise<void> {
    if (this.#client === undefined) throw notRunning();
    const request = this.#encode(batch);
    const answer = await this.#client.post(
      this.#url,
      { ...request, client: batch.client, readMessage: (body) => messageIn(body, request.type) },
      signal,
    );
    const { rejected, message } = partialSuccess(answer.body, request.type);
    if (rejected === 0 && message === '') return;
    this.#context.logger.warn({ rejected, message }, 'the destination took only a part');
    if (rejected > 0) throw new PartlyRefused(rejected, message);
  }

  async stop(): Promise<void> {
    this.#client?.close();
  }

  #encode(batch: Batch): { body: Uint8Array; type: string } {
    if (isMessages(batch)) return { body: batch.payload.bytes, type: PROTOBUF };
    if (this.#context.config.encoding === 'proto')
      return { body: encodeProto([batch]), type: PROTOBUF };
    return { body: Buffer.from(encodeJson([batch])), type: 'application/json' };
  }
}

/** The answer is encoded as the request was. One that cannot be read takes nothing back. */
function partialSuccess(body: Uint8Array, type: string): { rejected: number; message: string } {
  if (type === PROTOBUF) return readPartialSuccess(body);
  const { data } = JsonAnswer.safeParse(parsed(body));
  const { rejectedSpans = 0, errorMessage = '' } = data?.partialSuccess ?? {};
  return { rejected: rejectedSpans, message: errorMessage };
}

/** Only traces are sent as JSON. */
const JsonAnswer = z.object({
  partialSuccess: z
    .object({
      rejectedSpans: z.coerce.number().nonnegative().optional(),
      errorMessage: z.string().optional(),
    })
    .optional(),
});

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}

function urlOf(config: OtlpHttpConfig, signal: Signal): URL {
  const own = config[`${signal}_endpoint`];
  if (own !== undefined) return new URL(own);
  if (config.endpoint === undefined) {
    const hint = `set endpoint or ${signal}_endpoint`;
    throw new PipelineError('bad_settings', `otlp_http does not know where to send ${signal}`, {
      hint,
    });
  }
  return new URL(`${config.endpoint.replace(/\/$/, '')}/v1/${signal}`);
}

function messageIn(body: Uint8Array, type: string): string {
  if (type === PROTOBUF) return readStatus(body).message;
  return Buffer.from(body).toString().slice(0, 500);
}

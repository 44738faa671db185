/** What both transports do with a whole request: bytes to a batch, the batch to the pipelines, and
 *  the answer when they have answered. */

import type { Consumer, Signal } from '../../component/consumer.ts';
import type { ReceiverContext } from '../../component/define.ts';
import {
  messagesOfBytes,
  type MessageBatch,
  type MessageSignal,
} from '../../component/message-batch.ts';
import type { Client } from '../../model/batch/client.ts';
import { DEFAULT_TENANT, withClient, type SpanBatch } from '../../model/batch/span-batch.ts';
import { decodeTracesJson } from '../../wire/otlp-json/decode.ts';
import { opaqueProto } from '../../wire/otlp-json/opaque.ts';
import { countItems } from '../../wire/otlp-proto/count.ts';
import { decodeTraces } from '../../wire/otlp-proto/decode.ts';
import type { OtlpConfig } from './config.ts';
import { OtlpError } from './refusal.ts';

export type Transport = 'grpc' | 'http';
export type Encoding = 'proto' | 'json';

export interface ExportRequest {
  readonly signal: Signal;
  readonly body: Uint8Array;
  readonly encoding: Encoding;
  /** Who sent it, when somebody asked. */
  readonly client: Client | undefined;
  /** To be called once the body is needed no more, if that comes to pass. */
  readonly release?: (() => void) | undefined;
}

export class Exports {
  readonly #context: ReceiverContext<OtlpConfig>;
  readonly #transport: Transport;
  readonly #traces: Consumer<SpanBatch> | undefined;
  readonly #messages: Record<MessageSignal, Consumer<MessageBatch> | undefined>;

  constructor(context: ReceiverContext<OtlpConfig>, transport: Transport) {
    const { next, telemetry } = context;
    this.#context = context;
    this.#transport = transport;
    this.#traces = next.traces && telemetry.received('traces', transport, next.traces);
    this.#messages = {
      metrics: next.metrics && telemetry.received('metrics', transport, next.metrics),
      logs: next.logs && telemetry.received('logs', transport, next.logs),
    };
  }

  /** Resolves when the pipelines have accepted. An empty request is a success of nothing. */
  async accept(request: ExportRequest, abort: AbortSignal): Promise<void> {
    if (request.signal === 'traces') await this.#acceptTraces(request, abort);
    else await this.#acceptMessages(request.signal, request, abort);
  }

  async #acceptTraces(
    { body, encoding, client, release }: ExportRequest,
    abort: AbortSignal,
  ): Promise<void> {
    if (this.#traces === undefined) {
      throw new OtlpError('not_served', 'no pipeline takes traces from this receiver');
    }
    this.#admit('traces', this.#traces, body.length);
    const decoded = encoding === 'json' ? decodeTracesJson(body) : decodeTraces(body);
    // A batch has copies of all it needs.
    release?.();
    const batch = withClient(decoded, client);
    if (batch.count > 0) await this.#traces.consume(batch, abort);
  }

  /** Metrics and logs go on as they are. Without a pipeline they are counted and let go, so that an
   *  SDK with every signal on does not fail. */
  async #acceptMessages(
    signal: MessageSignal,
    { body, encoding, client }: ExportRequest,
    abort: AbortSignal,
  ): Promise<void> {
    const consumer = this.#messages[signal];
    if (consumer !== undefined) this.#admit(signal, consumer, body.length);
    const bytes = encoding === 'json' ? opaqueProto(signal, body) : body;
    const count = countItems(signal, bytes);
    if (count === 0) return;
    if (consumer === undefined) this.#countNotStored(signal, count);
    else {
      const tenant = DEFAULT_TENANT;
      const batch = messagesOfBytes({ signal, count, tenant, client, bytes });
      await consumer.consume(batch, abort);
    }
  }

  /** Before decoding, which costs most of the memory. How many items were refused is not known. */
  #admit(signal: Signal, next: Consumer<never>, bytes: number): void {
    try {
      next.admit?.(bytes);
    } catch (error) {
      this.#context.telemetry.refused(signal, this.#transport, 0);
      throw error;
    }
  }

  #countNotStored(signal: Signal, count: number): void {
    const { telemetry, id } = this.#context;
    telemetry
      .counter({
        name: 'spoor_receiver_not_stored_items_total',
        help: 'Number of metric points and log records accepted that no pipeline takes.',
        labels: ['receiver', 'transport', 'signal'],
      })
      .labels({ receiver: id, transport: this.#transport, signal })
      .inc(count);
  }
}

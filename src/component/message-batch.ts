/** Metrics and logs on their way: one OTLP export request. A pipeline that only passes it on never
 *  takes it apart; the first component that looks inside decodes it once for all that come after,
 *  and what was changed is encoded once, when somebody needs the bytes. */
import type { Client } from '../model/batch/client.ts';

export type MessageSignal = 'metrics' | 'logs';

/** How the messages of one signal are read and written: `wire` has them. */
export interface MessageCodec<Message> {
  readonly signal: MessageSignal;
  decode(bytes: Uint8Array): Message;
  encode(message: Message): Uint8Array;
  /** Data points or log records. */
  count(message: Message): number;
}

/** A plain record: a batch of another tenant or client is a copy with the same payload. */
export interface MessageBatch {
  readonly signal: MessageSignal;
  /** Data points or log records. */
  readonly count: number;
  /** Of the encoded request. Where that was changed and not yet encoded, an estimate; it never
   *  changes once the batch is made, so that what is added to a sum can be taken off again. */
  readonly byteSize: number;
  readonly tenant: string;
  /** Who sent it. */
  readonly client?: Client | undefined;
  readonly payload: Payload;
}

/** The request as bytes, as objects, or both; each is made from the other when first asked for.
 *  Shared by the branches of a fan-out: nobody changes the objects. */
export class Payload {
  #bytes: Uint8Array | undefined;
  #decoded: Decoded | undefined;

  constructor(from: { readonly bytes: Uint8Array } | Decoded) {
    if ('bytes' in from) this.#bytes = from.bytes;
    else this.#decoded = from;
  }

  /** `ExportMetricsServiceRequest` or `ExportLogsServiceRequest`, protobuf encoding. */
  get bytes(): Uint8Array {
    this.#bytes ??= this.#decoded?.encode() ?? new Uint8Array(0);
    return this.#bytes;
  }

  /** True when nothing but the bytes is held. */
  get isPacked(): boolean {
    return this.#decoded === undefined;
  }

  /** Always with the same codec: the one of the batch's signal. Throws what the codec throws. */
  message<Message>(codec: MessageCodec<Message>): Message {
    this.#decoded ??= decoded(codec, codec.decode(this.bytes));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/consistent-type-assertions -- kept by the same codec
    return this.#decoded.message as Message;
  }
}

interface Decoded {
  readonly message: unknown;
  encode(): Uint8Array;
}

function decoded<Message>(codec: MessageCodec<Message>, message: Message): Decoded {
  return { message, encode: () => codec.encode(message) };
}

/** A batch of a request that nobody has looked into. */
export function messagesOfBytes(
  from: Pick<MessageBatch, 'signal' | 'count' | 'tenant' | 'client'> & {
    readonly bytes: Uint8Array;
  },
): MessageBatch {
  const { signal, count, tenant, client, bytes } = from;
  const byteSize = bytes.length;
  return { signal, count, byteSize, tenant, client, payload: new Payload({ bytes }) };
}

/** The batch with another message inside; the same batch when the message is its own. */
export function withMessage<Message>(
  batch: MessageBatch,
  codec: MessageCodec<Message>,
  message: Message,
): MessageBatch {
  if (message === batch.payload.message(codec)) return batch;
  const count = codec.count(message);
  const byteSize = Math.ceil((batch.byteSize * count) / Math.max(batch.count, 1));
  return { ...batch, count, byteSize, payload: new Payload(decoded(codec, message)) };
}

/** The batch as bytes alone, for places where data waits: objects take many times their size. */
export function packed(batch: MessageBatch): MessageBatch {
  return batch.payload.isPacked ? batch : messagesOfBytes({ ...batch, bytes: batch.payload.bytes });
}

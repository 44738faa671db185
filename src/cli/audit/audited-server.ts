/** The server that is audited, as any client sees it: OTLP over HTTP in, api_v3 out. */

import { messageOf, SpoorError } from '../../lib/errors.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { decodeTracesJson } from '../../wire/otlp-json/decode.ts';
import { encodeTraces } from '../../wire/otlp-proto/encode.ts';

/** No usable answer: nothing is known. */
export class UnansweredError extends SpoorError<'unanswered'> {}

export interface Counted {
  readonly traceId: string;
  readonly spans: number;
}

const ANSWER_MS_MAX = 30_000;

export class AuditedServer {
  readonly #intake: string;
  readonly #query: string;

  /** Both like `http://localhost:4318`. */
  constructor(intake: string, query: string) {
    this.#intake = intake.replace(/\/$/, '');
    this.#query = query.replace(/\/$/, '');
  }

  /** Resolves when the server has acknowledged the batch. Throws UnansweredError otherwise. */
  async write(batch: SpanBatch, signal: AbortSignal): Promise<void> {
    await this.#ask(`${this.#intake}/v1/traces`, signal, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: Buffer.from(encodeTraces([batch])),
    });
  }

  /** As it was stored; undefined when there is none. */
  async read(traceId: string, signal: AbortSignal): Promise<SpanBatch | undefined> {
    const url = `${this.#query}/api/v3/traces/${traceId}?rawTraces=true`;
    const answer = await this.#ask(url, signal);
    if (answer.status === 404) return undefined;
    const { result }: { result?: unknown } = JSON.parse(answer.text);
    return decodeTracesJson(Buffer.from(JSON.stringify(result ?? {})));
  }

  /** The traces with this attribute that start from `startNano` on, before `endNano`. */
  async search(wanted: Wanted, signal: AbortSignal): Promise<Counted[]> {
    const query = new URLSearchParams({
      'query.serviceName': wanted.service,
      'query.attributes': JSON.stringify({ [wanted.key]: wanted.value }),
      'query.startTimeMin': rfc3339(wanted.startNano),
      'query.startTimeMax': rfc3339(wanted.endNano),
    });
    const answer = await this.#ask(
      `${this.#query}/api/v3/trace-summaries?${query.toString()}`,
      signal,
    );
    const { summaries = [] }: { summaries?: { traceId: string; spanCount: number }[] } =
      answer.status === 404 ? {} : JSON.parse(answer.text);
    return summaries.map(({ traceId, spanCount }) => ({ traceId, spans: spanCount }));
  }

  async #ask(
    url: string,
    signal: AbortSignal,
    init: RequestInit = {},
  ): Promise<{ status: number; text: string }> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
    try {
      const answer = await fetch(url, { ...init, signal: limited });
      const text = await answer.text();
      if (answer.ok || answer.status === 404) return { status: answer.status, text };
      throw new UnansweredError('unanswered', `HTTP ${answer.status}: ${text.slice(0, 200)}`);
    } catch (cause) {
      if (cause instanceof UnansweredError) throw cause;
      const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
      throw new UnansweredError('unanswered', messageOf(why), { cause });
    }
  }
}

export interface Wanted {
  readonly service: string;
  readonly key: string;
  readonly value: string;
  readonly startNano: bigint;
  readonly endNano: bigint;
}

function rfc3339(nano: bigint): string {
  const seconds = new Date(Number(nano / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${(nano % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}

/** A running receiver on free ports, what it passes on recorded. */

import { RecordingConsumer, testContext, type TestContext } from '../../component/testbed.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import type { NextConsumers } from '../../component/consumer.ts';
import type { MessageBatch } from '../../component/message-batch.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { RandomSpans } from '../../model/batch/random-spans.fixture.ts';
import { batchOf, type Span } from '../../model/trace/span.ts';
import { encodeTraces as encodeJson } from '../../wire/otlp-json/encode.ts';
import { encodeTraces } from '../../wire/otlp-proto/encode.ts';
import { OtlpConfig } from './config.ts';
import { component } from './receiver.ts';

export interface Running {
  readonly receiver: Lifecycle;
  readonly traces: RecordingConsumer<SpanBatch>;
  readonly metrics: RecordingConsumer<MessageBatch>;
  readonly context: TestContext<OtlpConfig>;
  /** `localhost:port` */
  readonly grpc: string;
  /** `http://localhost:port` */
  readonly http: string;
}

const never = new AbortController().signal;

export async function startReceiver(
  options: { grpc?: object; http?: object; inFlight?: number; next?: NextConsumers } = {},
): Promise<Running> {
  const config = OtlpConfig.parse({
    protocols: {
      grpc: { endpoint: '127.0.0.1:0', ...options.grpc },
      http: { endpoint: '127.0.0.1:0', ...options.http },
    },
    ...(options.inFlight === undefined ? {} : { max_in_flight_size: options.inFlight }),
  });
  const context = testContext(config, 'otlp');
  const traces = new RecordingConsumer<SpanBatch>();
  const metrics = new RecordingConsumer<MessageBatch>();
  const receiver = component.create({ ...context, next: options.next ?? { traces, metrics } });
  await receiver.start?.(never);
  const address = (label: string) =>
    context.host.endpoints.find((endpoint) => endpoint.label === label)?.address ?? '';
  return {
    receiver,
    traces,
    metrics,
    context,
    grpc: address('OTLP/gRPC'),
    http: address('OTLP/HTTP'),
  };
}

/** The value of one of the receiver's own metrics, summed over labels that match. */
export async function metric(running: Running, name: string): Promise<number> {
  const found = await running.context.telemetry.registry.getSingleMetric(name)?.get();
  return (found?.values ?? []).reduce((sum, { value }) => sum + value, 0);
}

export const SPANS: readonly Span[] = new RandomSpans(1).spans(30);
export const REQUEST = encodeTraces([batchOf('default', SPANS)]);
export const REQUEST_JSON = encodeJson([batchOf('default', SPANS)]);

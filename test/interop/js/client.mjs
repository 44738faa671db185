/** A program on the OpenTelemetry JS SDK: one trace with every kind of span and of attribute,
 *  sent by whatever OTEL_EXPORTER_OTLP_PROTOCOL says. Prints the trace id. */
import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';

const sdk = new NodeSDK();
sdk.start();

const tracer = trace.getTracer('interop-js', '1.2.3');
const root = tracer.startSpan('place order', {
  kind: SpanKind.SERVER,
  attributes: {
    'text.value': 'grüße 안녕',
    'int.value': 42,
    'double.value': 0.25,
    'bool.value': true,
    'array.value': ['a', 'b'],
  },
});
const inRoot = trace.setSpan(context.active(), root);
const send = tracer.startSpan('send', { kind: SpanKind.PRODUCER }, inRoot);
send.end();
const receive = tracer.startSpan(
  'receive',
  {
    kind: SpanKind.CONSUMER,
    links: [{ context: send.spanContext(), attributes: { 'link.reason': 'batch' } }],
  },
  inRoot,
);
receive.addEvent('unpacked', { 'item.count': 3 });
receive.end();
const call = tracer.startSpan('call', { kind: SpanKind.CLIENT }, inRoot);
call.recordException(new TypeError('no such item'));
call.setStatus({ code: SpanStatusCode.ERROR, message: 'no such item' });
call.end();
const inside = tracer.startSpan('think', {}, trace.setSpan(inRoot, call));
inside.end();
root.setStatus({ code: SpanStatusCode.OK });
root.end();

await sdk.shutdown();
process.stdout.write(`trace ${root.spanContext().traceId}\n`);

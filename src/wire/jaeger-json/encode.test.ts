import { expect, test } from 'vitest';
import { makeAttributes, makeSpan } from '../../model/trace/span.fixture.ts';
import { encodeJaegerTrace } from './encode.ts';

test('a span with everything, as Jaeger UI reads it', () => {
  const link = { traceState: '', flags: 0, droppedAttributes: 0, attributes: [] };
  const root = makeSpan({ traceId: 'a1', spanId: 'b1', at: 1999, takes: 2_500, flags: 0x101 });
  const span = makeSpan({
    traceId: 'a1',
    spanId: 'b2',
    parentSpanId: 'b1',
    name: 'SELECT',
    kind: 3,
    statusCode: 2,
    statusMessage: 'gone',
    traceState: 'v=1',
    scope: { name: 'lib', version: '2', schemaUrl: 'x', droppedAttributes: 0, attributes: [] },
    attributes: {
      text: '한글',
      yes: true,
      int: 7,
      big: { type: 'int', value: 2n ** 60n },
      double: 1.5,
      nan: { type: 'double', value: Number.NaN },
      bytes: { type: 'bytes', value: Uint8Array.of(1, 2, 3) },
      list: {
        type: 'array',
        value: [
          { type: 'int', value: 1n },
          { type: 'string', value: 'b' },
        ],
      },
      map: { type: 'kvlist', value: makeAttributes({ k: false }) },
    },
    events: [
      {
        timeNano: root.startNano,
        name: 'exception',
        droppedAttributes: 0,
        attributes: makeAttributes({ 'exception.type': 'Error' }),
      },
    ],
    links: [
      { ...link, traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) },
      {
        ...link,
        traceId: root.traceId,
        spanId: root.spanId,
        attributes: makeAttributes({ 'opentracing.ref_type': 'child_of' }),
      },
    ],
    resource: {
      schemaUrl: '',
      droppedAttributes: 0,
      attributes: makeAttributes({ 'service.name': 'db', 'host.name': 'h' }),
    },
  });
  expect(encodeJaegerTrace([root, span])).toMatchSnapshot();
});

test('resources of equal content are one process, in order of appearance', () => {
  const spans = ['a', 'b', 'a', ''].map((service, i) => makeSpan({ spanId: `${i + 1}`, service }));
  const trace = encodeJaegerTrace(spans);
  expect(trace.spans.map(({ processID }) => processID)).toEqual(['p1', 'p2', 'p1', 'p3']);
  expect(trace.processes['p3']?.serviceName).toBe('OTLPResourceNoServiceName');
});

test('a trace id prints 16 digits when its high half is zero, else 32', () => {
  expect(encodeJaegerTrace([makeSpan({ traceId: 'f00' })]).traceID).toBe('0000000000000f00');
  expect(encodeJaegerTrace([makeSpan({ traceId: 'f'.repeat(32) })]).traceID).toBe('f'.repeat(32));
});

import { expect, test } from 'vitest';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { makeAttributes, makeSpan } from '../../model/trace/span.fixture.ts';
import { batchOf, spansOf } from '../../model/trace/span.ts';
import { component } from './processor.ts';

const never = new AbortController().signal;
const event = (name: string) => ({
  timeNano: 1n,
  name,
  droppedAttributes: 0,
  attributes: makeAttributes({ 'event.name': name }),
});
const spans = [
  makeSpan({
    spanId: '1',
    name: 'GET /health',
    attributes: { n: 1 },
    events: [event('a'), event('b')],
  }),
  makeSpan({ spanId: '2', name: 'GET /cart', kind: 2, attributes: { n: 5 }, events: [event('b')] }),
  makeSpan({ spanId: '3', name: 'SELECT', service: 'db', events: [event('c')] }),
];

function setUp(settings: object) {
  const { value, problems } = decode(component.config, settings);
  expect(problems).toEqual([]);
  const context = testContext(value, 'filter');
  const next = new RecordingConsumer<SpanBatch>();
  return { ...context, next, processor: component.create({ ...context, signal: 'traces', next }) };
}

async function kept(settings: object): Promise<string[]> {
  const { processor, next } = setUp(settings);
  await processor.consume(batchOf('default', spans), never);
  return next.batches
    .flatMap(spansOf)
    .map(({ spanId, events }) => `${Number(spanId)}${events.map(({ name }) => name).join('')}`);
}

test.each<[object, string[]]>([
  [{ trace_conditions: ['span.name == "GET /health"'] }, ['2b', '3c']],
  [{ trace_conditions: ['name == "GET /health"', 'span.attributes["n"] == 5'] }, ['3c']],
  [{ trace_conditions: ['resource.attributes["service.name"] == "db"'] }, ['1ab', '2b']],
  [{ trace_conditions: ['spanevent.name == "b"'] }, ['1a', '2', '3c']],
  [
    { trace_conditions: ['spanevent.name == "b" and span.name == "GET /cart"'] },
    ['1ab', '2', '3c'],
  ],
  [
    {
      trace_conditions: [
        { context: 'spanevent', conditions: ['name != "c"'] },
        'IsRootSpan() and kind == SPAN_KIND_SERVER',
      ],
    },
    ['1', '3c'],
  ],
  [
    { traces: { span: ['attributes["n"] > 0'], resource: ['attributes["service.name"] == "db"'] } },
    [],
  ],
  [{ traces: { spanevent: ['attributes["event.name"] == "a"'] } }, ['1b', '2b', '3c']],
  [{ spans: { include: { match_type: 'strict', services: ['web'] } } }, ['1ab', '2b']],
  [{ spans: { exclude: { match_type: 'regexp', span_names: ['^GET'] } } }, ['3c']],
  [{ trace_conditions: ['span.name == "spanevent.x"'] }, ['1ab', '2b', '3c']],
  [{ trace_conditions: ['Len(kind) == 1'] }, ['1ab', '2b', '3c']],
])('%j keeps %j', async (settings, expected) => {
  expect(await kept(settings)).toEqual(expected);
});

test('nothing left is not passed on, and what is dropped is counted', async () => {
  const { processor, next, telemetry } = setUp({ trace_conditions: ['true'] });
  await processor.consume(batchOf('default', spans), never);
  expect(next.batches).toEqual([]);
  const metric = telemetry.registry.getSingleMetric(
    'otelcol_processor_filter_spans_filtered_total',
  );
  expect((await metric?.get())?.values[0]?.value).toBe(3);
});

test('an untouched batch is passed on as it is', async () => {
  const { processor, next } = setUp({ trace_conditions: ['false'] });
  const batch = batchOf('default', spans);
  await processor.consume(batch, never);
  expect(next.batches[0]).toBe(batch);
});

test('error_mode propagate gives the error to the sender', async () => {
  const { processor } = setUp({ error_mode: 'propagate', trace_conditions: ['Len(kind) == 1'] });
  await expect(processor.consume(batchOf('default', spans), never)).rejects.toMatchObject({
    code: 'bad_value',
  });
});

test('a condition that cannot be read fails when the processor is made, with its place', () => {
  expect(() => setUp({ trace_conditions: ['span.nmae == "x"'] })).toThrow('span.nmae at column 1');
});

test.each([
  [{}, 'give one of'],
  [{ spans: { include: { match_type: 'strict', metric_names: ['a'] } } }, 'nothing about spans'],
  [{ logs: { include: { severity_number: { min: 'loud' } } } }, 'no severity'],
])('%j is refused: %s', (settings, part) => {
  expect(JSON.stringify(decode(component.config, settings).problems)).toContain(part);
});

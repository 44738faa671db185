import { describe, expect, test } from 'vitest';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import { silentLogger } from '../../lib/logger.ts';
import type { Batch } from '../../component/consumer.ts';
import { makeAttributes } from '../../model/trace/span.fixture.ts';
import {
  logRecord,
  logsBatch,
  metric,
  metricsBatch,
  metricsIn,
  point,
  recordsIn,
} from '../../component/messages.fixture.ts';
import { component } from './processor.ts';

const never = new AbortController().signal;
const around = {
  resource: makeAttributes({ 'service.name': 'web' }),
  scope: { name: 'meter', version: '2' },
};
const text = (value: string) => ({ type: 'string', value }) as const;

function setUp(settings: object, signal: 'metrics' | 'logs') {
  const { value, problems } = decode(component.config, settings);
  expect(problems).toEqual([]);
  const context = testContext(value, 'filter');
  const next = new RecordingConsumer();
  const errors: string[] = [];
  const error = (_: object, message: string) => void errors.push(message);
  const logger = { ...silentLogger, error };
  const processor = component.create({ ...context, logger, signal, next });
  return {
    context,
    next,
    errors,
    consume: async (batch: Batch) => processor.consume(batch, never),
  };
}

const metrics = metricsBatch(
  [
    metric('hits', {
      kind: 'sum',
      temporality: 2,
      isMonotonic: true,
      points: [
        point(makeAttributes({ path: '/a' }), 5n),
        point(makeAttributes({ path: '/b' }), 50n),
      ],
    }),
    metric('temperature', [point([], 21.5)]),
    metric('wait', {
      kind: 'histogram',
      temporality: 1,
      points: [
        {
          ...point(makeAttributes({ path: '/a' })),
          count: 7,
          sum: 3.5,
          bucketCounts: [3, 4],
          bounds: [1],
          min: undefined,
          max: undefined,
        },
      ],
    }),
  ],
  around,
);

async function metricsKept(settings: object): Promise<string> {
  const { next, consume } = setUp(settings, 'metrics');
  await consume(metrics);
  const kept = metricsIn(next.batches[0]);
  const points = kept.reduce((sum, { data }) => sum + (data?.points.length ?? 0), 0);
  expect(next.batches[0]?.count ?? 0).toBe(points);
  return kept.map(({ name, data }) => `${name}:${data?.points.length ?? 0}`).join(' ');
}

const conditions = (...metric_conditions: unknown[]) => ({ metric_conditions });
const all = 'hits:2 temperature:1 wait:1';

test.each<[object, string]>([
  [conditions('metric.name == "hits"'), 'temperature:1 wait:1'],
  [conditions('name == "none"'), all],
  [conditions('metric.type == METRIC_DATA_TYPE_HISTOGRAM'), 'hits:2 temperature:1'],
  [
    conditions('metric.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA'),
    'hits:2 temperature:1',
  ],
  [conditions('metric.is_monotonic == true'), 'temperature:1 wait:1'],
  [conditions('metric.is_monotonic == false'), all],
  [conditions('Len(metric.data_points) > 1'), 'temperature:1 wait:1'],
  [conditions('HasAttrKeyOnDatapoint("path")'), 'temperature:1'],
  [conditions('HasAttrOnDatapoint("path", "/b")'), 'temperature:1 wait:1'],
  [conditions('datapoint.attributes["path"] == "/a"'), 'hits:1 temperature:1'],
  [conditions('datapoint.value_int > 10'), 'hits:1 temperature:1 wait:1'],
  [conditions('datapoint.value_double > 20.0'), 'hits:2 wait:1'],
  [conditions('datapoint.count == 7 and datapoint.sum == 3.5'), 'hits:2 temperature:1'],
  [conditions('datapoint.bucket_counts[1] == 4'), 'hits:2 temperature:1'],
  [conditions('datapoint.explicit_bounds == [1.0]'), 'hits:2 temperature:1'],
  [conditions('datapoint.flags == FLAG_NO_RECORDED_VALUE'), all],
  [
    conditions('metric.name == "hits" and datapoint.attributes["path"] == "/b"'),
    'hits:1 temperature:1 wait:1',
  ],
  [conditions({ context: 'datapoint', conditions: ['true'] }), ''],
  [conditions('resource.attributes["service.name"] == "web"'), ''],
  [conditions('resource.attributes["service.name"] == "db"'), all],
  [conditions('scope.name == "meter" and metric.unit == ""'), ''],
  [conditions({ context: 'scope', conditions: ['scope.version == "1"'] }), all],
  [
    { metrics: { metric: ['name == "wait"'], datapoint: ['value_int == 5'] } },
    'hits:1 temperature:1',
  ],
  [{ metrics: { resource: ['attributes["service.name"] == "web"'] } }, ''],
  [{ metrics: { include: { match_type: 'strict', metric_names: ['hits'] } } }, 'hits:2'],
  [{ metrics: { exclude: { match_type: 'regexp', metric_names: ['^w', '^h'] } } }, 'temperature:1'],
  [
    {
      metrics: {
        include: {
          match_type: 'strict',
          resource_attributes: [{ key: 'service.name', value: 'db' }],
        },
      },
    },
    '',
  ],
  [{ trace_conditions: ['true'] }, all],
])('%j keeps the metrics "%s"', async (settings, kept) => {
  expect(await metricsKept(settings)).toBe(kept);
});

const logs = logsBatch(
  [
    logRecord({ body: text('paid'), severityNumber: 9, severityText: 'INFO' }),
    logRecord({
      body: { type: 'kvlist', value: makeAttributes({ code: 500 }) },
      severityNumber: 17,
      attributes: makeAttributes({ n: 1 }),
      traceId: new Uint8Array(16).fill(0xab),
      spanId: new Uint8Array(8).fill(0xcd),
      eventName: 'failed',
      flags: 1,
      timeNano: 3_000_000_000n,
    }),
    logRecord(),
  ],
  around,
);

test.each<[object, number[]]>([
  [{ log_conditions: ['log.body == "paid"'] }, [1, 2]],
  [{ log_conditions: ['log.body["code"] == 500'] }, [0, 2]],
  [{ log_conditions: ['IsMatch(log.body.string, "500")'] }, [0, 2]],
  [{ log_conditions: ['log.severity_number >= SEVERITY_NUMBER_ERROR'] }, [0, 2]],
  [{ log_conditions: ['log.severity_number == SEVERITY_NUMBER_UNSPECIFIED'] }, [0, 1]],
  [{ log_conditions: ['log.severity_text == "INFO"'] }, [1, 2]],
  [{ log_conditions: ['log.attributes["n"] == 1'] }, [0, 2]],
  [{ log_conditions: ['log.trace_id == nil'] }, [1]],
  [{ log_conditions: ['log.trace_id.string == "abababababababababababababababab"'] }, [0, 2]],
  [{ log_conditions: ['log.span_id == SpanID(0xcdcdcdcdcdcdcdcd)'] }, [0, 2]],
  [{ log_conditions: ['log.event_name == "failed" and log.flags == 1'] }, [0, 2]],
  [{ log_conditions: ['UnixSeconds(log.time) == 3'] }, [0, 2]],
  [{ log_conditions: ['log.observed_time_unix_nano == 2'] }, []],
  [{ log_conditions: ['resource.attributes["service.name"] == "web"'] }, []],
  [{ log_conditions: ['instrumentation_scope.version == "2"'] }, []],
  [{ logs: { log_record: ['body == "paid"'] } }, [1, 2]],
  [{ logs: { include: { match_type: 'strict', bodies: ['paid'] } } }, [0]],
  [{ logs: { include: { match_type: 'strict', severity_number: { min: 'INFO' } } } }, [0, 1]],
  [{ logs: { exclude: { match_type: 'strict', severity_texts: ['INFO'] } } }, [1, 2]],
  [
    { logs: { include: { match_type: 'strict', record_attributes: [{ key: 'n', value: 1 }] } } },
    [1],
  ],
  // A body that is no text has no key: the condition fails on it, and is true of nothing.
  [{ log_conditions: ['log.body["x"] == nil'] }, [0]],
])('%j keeps the log records %j', async (settings, wanted) => {
  const { next, consume } = setUp(settings, 'logs');
  await consume(logs);
  const given = recordsIn(logs).map((record) => JSON.stringify(record, plain));
  const kept = recordsIn(next.batches[0]).map((record) => JSON.stringify(record, plain));
  expect(kept.map((record) => given.indexOf(record))).toEqual(wanted);
});

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

describe('a condition that fails', () => {
  const failing = 'log.body["x"] == nil';

  test.each([
    ['ignore', ['a filter condition failed']],
    ['silent', []],
  ])('is true of nothing with error_mode %s', async (error_mode, logged) => {
    const { next, errors, consume } = setUp({ error_mode, log_conditions: [failing] }, 'logs');
    await consume(logsBatch([logRecord({ body: text('a') })]));
    expect(next.itemCount).toBe(1);
    expect(errors).toEqual(logged);
  });

  test('refuses the data with error_mode propagate', async () => {
    const { next, consume } = setUp({ error_mode: 'propagate', log_conditions: [failing] }, 'logs');
    await expect(consume(logsBatch([logRecord({ body: text('a') })]))).rejects.toThrow(
      /cannot take/,
    );
    expect(next.batches).toEqual([]);
  });
});

test.each([
  [{ metric_conditions: ['metric.nme == "a"'] }, 'metrics', /metric\.nme at column 1/],
  [{ log_conditions: ['true and log.bdy == "a"'] }, 'logs', /log\.bdy at column 10/],
  [{ log_conditions: ['HasAttrKeyOnDatapoint("a")'] }, 'logs', /HasAttrKeyOnDatapoint at column 1/],
  [{ metric_conditions: ['IsMatch(metric.name'] }, 'metrics', /column 20/],
] as const)('%j is refused when the processor is made', (settings, signal, message) => {
  expect(() => setUp(settings, signal)).toThrow(message);
});

test('what match_type expr asked for is told how to say', () => {
  const expr = { match_type: 'expr', expressions: ['MetricName == "a"'] };
  const { problems } = decode(component.config, { metrics: { include: expr } });
  expect(JSON.stringify(problems)).toContain('metric_conditions');
});

test('what is dropped is counted, and nothing left goes nowhere', async () => {
  const { context, next, consume } = setUp(
    { metric_conditions: ['datapoint.time != nil'] },
    'metrics',
  );
  await consume(metrics);
  expect(next.batches).toEqual([]);
  expect(await context.telemetry.registry.metrics()).toMatch(
    /^otelcol_processor_filter_datapoints_filtered_total{filter="filter"} 4$/m,
  );
});

test('random points: what is kept is what a plain filter keeps', async () => {
  let seed = 11;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const { next, consume } = setUp(
    conditions('datapoint.attributes["n"] >= 5 or datapoint.value_int == 3'),
    'metrics',
  );
  for (let round = 0; round < 100; round++) {
    next.batches.splice(0);
    const given = Array.from({ length: random(6) }, (_, i) =>
      metric(
        `m${i}`,
        Array.from({ length: random(5) }, () =>
          point(makeAttributes(random(3) === 0 ? {} : { n: random(10) }), BigInt(random(6))),
        ),
      ),
    );
    await consume(metricsBatch(given));
    const wanted = given.flatMap((one) => {
      if (one.data?.kind !== 'gauge') return [];
      const points = one.data.points.filter(({ attributes, value }) => {
        const n = attributes[0]?.value;
        return !((n?.type === 'int' && n.value >= 5n) || value === 3n);
      });
      const isEmptied = points.length === 0 && one.data.points.length > 0;
      return isEmptied ? [] : [{ ...one, data: { ...one.data, points } }];
    });
    const left = wanted.some(({ data }) => data.points.length > 0);
    const had = given.some(({ data }) => data?.points.length !== 0);
    expect(metricsIn(next.batches[0])).toEqual(left || !had ? wanted : []);
  }
});

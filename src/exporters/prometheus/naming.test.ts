/** Names as the Prometheus project's translator makes them. */
import { expect, test } from 'vitest';
import { labelName, metricName } from './naming.ts';

test.each([
  ['http.server.duration', 's', 'other', 'http_server_duration_seconds'],
  ['http.server.duration.seconds', 's', 'other', 'http_server_duration_seconds'],
  ['requests', '{request}', 'counter', 'requests_total'],
  ['total.requests', '', 'counter', 'requests_total'],
  ['network.io', 'By/s', 'gauge', 'network_io_bytes_per_second'],
  ['speed', 'm/h', 'other', 'speed_meters_per_hour'],
  ['cpu.use', '1', 'gauge', 'cpu_use_ratio'],
  ['cpu.use', '1', 'counter', 'cpu_use_total'],
  ['load', '%', 'gauge', 'load_percent'],
  ['queue__size..now', 'widgets', 'gauge', 'queue_size_now_widgets'],
  ['5xx', '', 'counter', '_5xx_total'],
  ['rate:5m', '', 'gauge', 'rate:5m'],
  ['größe', '', 'gauge', 'gr_e'],
] as const)('%s in %s, a %s, is %s', (name, unit, type, expected) => {
  expect(metricName({ name, unit, type }, '', 'UnderscoreEscapingWithSuffixes')).toBe(expected);
});

test.each([
  ['UnderscoreEscapingWithSuffixes', 'app_http_wait_milliseconds_total'],
  ['UnderscoreEscapingWithoutSuffixes', 'app_http_wait'],
  ['NoUTF8EscapingWithSuffixes', 'app_http.wait_milliseconds_total'],
  ['NoTranslation', 'app_http.wait'],
] as const)('%s', (strategy, expected) => {
  const metric = { name: 'http.wait', unit: 'ms', type: 'counter' } as const;
  expect(metricName(metric, 'app', strategy)).toBe(expected);
});

test.each([
  ['http.method', 'http_method'],
  ['a..b', 'a_b'],
  ['0day', 'key_0day'],
  ['__name__', '__name__'],
  ['_private', '_private'],
  ['___', undefined],
  ['..', undefined],
  ['', undefined],
])('label %s is %s', (name, expected) => {
  expect(labelName(name, 'UnderscoreEscapingWithSuffixes')).toBe(expected);
});

import { expect, test } from 'vitest';

import { parseFlags } from './flags.ts';

test('the defaults send OTLP over HTTP to a Spoor on this machine', () => {
  expect(parseFlags([], {})).toMatchObject({
    endpoint: 'http://localhost:4318',
    protocol: 'http/protobuf',
    port: 8080,
    load: 0,
    switches: { transactions: false, lookups: false, workers: false },
  });
});

test('flags win over the environment, and the endpoint follows the protocol', () => {
  const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
  expect(parseFlags([], env).protocol).toBe('http/json');
  expect(parseFlags(['--protocol', 'grpc'], env)).toMatchObject({
    protocol: 'grpc',
    endpoint: 'http://localhost:4317',
  });
});

test('--fix takes names, or all', () => {
  expect(parseFlags(['--fix', 'lookups'], {}).switches).toEqual({
    transactions: false,
    lookups: true,
    workers: false,
  });
  expect(Object.values(parseFlags(['--fix', 'all'], {}).switches)).toEqual([true, true, true]);
});

test.for([
  [['--load', 'many'], '--load takes a number from 0 to 1000, not "many"'],
  [['--port', '70000'], '--port takes a number from 0 to 65532, not "70000"'],
  [['--protocol', 'thrift'], '--protocol takes http/protobuf, http/json, grpc, not "thrift"'],
  [['--fix', 'speed'], '--fix takes a list of transactions, lookups, workers, all, not "speed"'],
  [['--endpoint', 'here'], '--endpoint takes a URL, not "here"'],
] as const)('%j is refused by name', ([args, message]) => {
  expect(() => parseFlags(args, {})).toThrow(message);
});

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decode } from './decode.ts';
import {
  byteSize,
  defaultBlock,
  duration,
  enabled,
  endpoint,
  opaque,
  optionalBlock,
  parseByteSize,
  parseDuration,
  parseEndpoint,
} from './kinds.ts';
import { tlsClient, tlsServer } from './tls.ts';
import { redacted } from './redact.ts';

test.for([
  ['0', 0],
  ['300ms', 300],
  ['1h2m', 3_720_000],
  ['1.5s', 1500],
  ['.5s', 500],
  ['1m0.25s', 60_250],
  ['-1s', -1000],
  ['+2s', 2000],
  ['250us', 0.25],
  ['10ns', 0.00001],
  ['5', undefined],
  ['', undefined],
  ['s', undefined],
  ['1 s', undefined],
  ['1s2', undefined],
  ['soon', undefined],
  ['1d', undefined],
] as const)('the duration %j is %j ms', ([text, ms]) => {
  if (ms === undefined) expect(parseDuration(text)).toBeUndefined();
  else expect(parseDuration(text)).toBeCloseTo(ms, 9);
});

test.for([
  ['10GB', 10e9],
  ['512MiB', 512 * 2 ** 20],
  ['1.5 KiB', 1536],
  [100, 100],
  ['100', 100],
  ['ten', undefined],
  ['10XB', undefined],
  ['-1', undefined],
] as const)('the size %j is %j bytes', ([text, bytes]) => {
  expect(parseByteSize(text)).toBe(bytes);
});

test.for([
  ['localhost:4317', { host: 'localhost', port: 4317 }],
  [':4317', { host: '', port: 4317 }],
  ['[::1]:80', { host: '::1', port: 80 }],
  ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
  ['localhost', undefined],
  ['host:70000', undefined],
  ['::1:80', undefined],
  ['http://host:80', undefined],
] as const)('the endpoint %j is %j', ([text, expected]) => {
  expect(parseEndpoint(text)).toEqual(expected);
});

describe('blocks', () => {
  const block = () =>
    z.strictObject({
      size: z.int().default(1),
      every: duration().prefault('1s'),
      enabled: enabled(),
    });
  const schema = z.strictObject({ off: optionalBlock(block()), on: defaultBlock(block()) });
  const on = { size: 1, every: 1000, enabled: true };
  test.for([
    [{}, undefined, on],
    [{ off: null, on: null }, on, on],
    [{ off: { size: 2 } }, { ...on, size: 2 }, on],
    [{ off: { enabled: false }, on: { enabled: false } }, undefined, undefined],
  ] as const)('%j', ([input, off, onValue]) => {
    const { value, problems } = decode(schema, input);
    expect(problems).toEqual([]);
    expect(value).toEqual({ off, on: onValue });
  });
});

test('a wrong value says where it is and what was expected', () => {
  const schema = z.strictObject({
    at: endpoint().prefault('localhost:1'),
    size: byteSize().prefault(1),
    list: z.array(z.string()).default([]),
    mode: z.enum(['fast', 'slow']).default('fast'),
    must: z.string(),
  });
  const input = { at: 'nowhere', size: true, list: [1, 'a'], mode: 'fats' };
  expect(decode(schema, input, ['x']).problems).toEqual([
    { path: ['x', 'at'], message: 'expected host:port like localhost:4317, got "nowhere"' },
    { path: ['x', 'size'], message: 'expected a size like 512MiB or 10GB, got boolean true' },
    { path: ['x', 'list', '0'], message: 'expected string, got number 1' },
    {
      path: ['x', 'mode'],
      message: 'expected one of "fast", "slow", got string "fats", did you mean "fast"?',
    },
    { path: ['x', 'must'], message: 'is required' },
  ]);
});

test('TLS takes a file or its text, and a server needs certificate and key', () => {
  const schema = z.strictObject({ server: tlsServer(), client: tlsClient() });
  expect(
    decode(schema, { server: { cert_file: 'c' }, client: { ca_file: 'a', ca_pem: 'b' } }).problems,
  ).toEqual([
    { path: ['server'], message: 'a TLS server needs a certificate and a key' },
    { path: ['client'], message: 'give ca_file or ca_pem, not both' },
  ]);
  expect(decode(schema, { client: { insecure: true } }).value?.client?.insecure).toBe(true);
});

test('secrets are hidden wherever the schema says so', () => {
  const schema = z.strictObject({
    token: opaque().optional(),
    headers: z.record(z.string(), opaque()).default({}),
    list: z.array(z.strictObject({ password: opaque(), user: z.string() })).default([]),
  });
  const input = {
    token: 't',
    headers: { authorization: 'Bearer x' },
    list: [{ password: 'p', user: 'u' }],
    unknown: 1,
  };
  expect(redacted(schema, input)).toEqual({
    token: '[REDACTED]',
    headers: { authorization: '[REDACTED]' },
    list: [{ password: '[REDACTED]', user: 'u' }],
    unknown: 1,
  });
});

test('without a schema headers are secrets, and what a URL says of its user always is', () => {
  const reader = { otlp: { endpoint: 'https://u:p@otel:4318/v1?a=b@c', headers: { key: 'k' } } };
  expect(redacted(undefined, [reader, 'a@b', 7, null])).toEqual([
    { otlp: { endpoint: 'https://[REDACTED]@otel:4318/v1?a=b@c', headers: '[REDACTED]' } },
    'a@b',
    7,
    null,
  ]);
});

test('every kind has a JSON Schema', () => {
  const schema = z.strictObject({
    every: duration().prefault('1s'),
    size: byteSize().optional(),
    at: endpoint(),
    tls: tlsServer(),
  });
  expect(z.toJSONSchema(schema, { io: 'input' })).toMatchObject({
    properties: { every: { default: '1s' }, at: { type: 'string' } },
    required: ['at'],
  });
});

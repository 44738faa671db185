/** The schema for editors takes what the program takes, and refuses what a schema can tell. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { registry } from '../registry.ts';
import { allInOne } from './all-in-one.ts';
import { configSchema } from './config-schema.ts';

let validate: (value: unknown) => boolean;
beforeAll(async () => {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: false });
  validate = ajv.compile(await configSchema(registry));
});

const outside = readFileSync(
  new URL('../../test/fixtures/pipeline/outside.yaml', import.meta.url),
  'utf8',
);

/** A processor's section, and the rest of a configuration around it. */
const processors = (text: string) => `processors: {${text}}`;

test.for([
  ['the built-in configuration', allInOne({})],
  ['a configuration of a Collector', outside],
  ['nothing', '{}'],
  ['empty sections', 'receivers:\nexporters: {}\nservice:'],
  ['names', processors('batch/2: , batch / two: {timeout: 1s}')],
  ['an older name', 'exporters: {otlp/jaeger: {endpoint: "jaeger:4317", tls: {insecure: true}}}'],
  ['a reference for a number', processors('batch: {send_batch_size: "${env:SIZE:-5}"}')],
  ['a reference for a section', processors('batch: "${file:batch.yaml}"')],
  ['a reference for a list', 'service: {pipelines: {traces: {receivers: "${env:R}"}}}'],
  ['one string for a list', 'service: {extensions: "a,b"}'],
  ['a key with nothing after it', processors('batch: {timeout: }')],
  ['zero as a duration', processors('batch: {timeout: 0}')],
  [
    'a pipeline with a name',
    'service: {pipelines: {logs/2: {receivers: [otlp], exporters: [nop]}}}',
  ],
  ['telemetry', 'service: {telemetry: {logs: {level: debug}, metrics: {level: none}}}'],
] as const)('takes %s', ([, text]) => {
  expect(validate(parse(text))).toBe(true);
});

test.for([
  ['an unknown section', 'recievers: {}'],
  ['an unknown type', processors('bacth: ')],
  ['an unknown key', processors('batch: {timeot: 1s}')],
  ['a string for a number', processors('batch: {send_batch_size: "8"}')],
  ['a bare number for a duration', processors('batch: {timeout: 5}')],
  ['a word for a duration', processors('batch: {timeout: soon}')],
  ['an unknown signal', 'service: {pipelines: {spans: {}}}'],
  ['an unknown policy', processors('tail_sampling: {policies: [{name: a, type: slowest}]}')],
  ['a missing key', 'exporters: {otlp: {}}'],
  ['an unknown choice', 'service: {telemetry: {logs: {encoding: xml}}}'],
  ['a list for a section', 'exporters: [nop]'],
] as const)('refuses %s', ([, text]) => {
  expect(validate(parse(text))).toBe(false);
});

/** Wrong configurations and everything that is said about each. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Registry } from '../component/registry.ts';
import { problemLine } from '../config/problem.ts';
import { isMap, parseYaml, type ConfigMap } from '../config/yaml.ts';
import type { Engine } from '../extensions/jaeger-storage/backends.ts';
import { storageExtension } from '../extensions/jaeger-storage/extension.ts';
import { registry } from '../registry.ts';
import { EmbeddedConfig } from '../storage/embedded/config.ts';
import { ackLines } from './acks.ts';
import { readSettings } from './settings.ts';
import { validateSettings } from './validate.ts';

/** The store's engine is not wanted here, only what a configuration may say of it. */
const engine: Engine = {
  config: EmbeddedConfig,
  open: async () => {
    throw new Error('nothing is opened while validating');
  },
};
const jaegerStorage = storageExtension({ embedded: engine });
const everything: Registry = {
  ...registry,
  extensions: {
    ...registry.extensions,
    jaeger_storage: async () => ({ component: jaegerStorage }),
  },
};

const ErrorCase = z.strictObject({
  title: z.string(),
  config: z.record(z.string(), z.unknown()),
  problems: z.array(z.string()),
});

const path = new URL('../../test/fixtures/config/errors.yaml', import.meta.url);
const cases = z.array(ErrorCase).parse(parseYaml(readFileSync(path, 'utf8')));

function tree(text: string): ConfigMap {
  const parsed = parseYaml(text);
  return isMap(parsed) ? parsed : {};
}

async function read(config: ConfigMap) {
  const reading = await readSettings(config, everything);
  const problems = [...reading.problems, ...validateSettings(reading)].map(problemLine);
  return { settings: reading.settings, problems };
}

/** Which components there are is the registry's business. */
const withoutTypes = (problem: string) => problem.replace(/valid types: [^)]+/, 'valid types: …');

test.for(cases)('$title', async ({ config, problems }) => {
  expect((await read(config)).problems.map(withoutTypes)).toEqual(problems);
});

const forwarding = `
receivers: {nop: }
processors: {batch: {timeout: 1s}, batch/slow: {timeout: 2s}}
exporters: {nop: , jaeger_storage_exporter: {trace_storage: main}}
connectors: {forward: }
extensions: {jaeger_storage: {backends: {main: {embedded: {directory: /data/spoor}}}}}
service:
  extensions: [jaeger_storage]
  pipelines:
    traces: {receivers: [nop], processors: [batch], exporters: [jaeger_storage_exporter]}
    traces/slow: {receivers: [nop], processors: [batch/slow], exporters: [jaeger_storage_exporter]}
    traces/in: {receivers: [nop], exporters: [forward, nop]}
    traces/out: {receivers: [forward], exporters: [jaeger_storage_exporter]}
`;

test('each pipeline says where it acknowledges', async () => {
  const { settings, problems } = await read(tree(forwarding));
  expect(problems).toEqual([]);
  const durable = 'when durable on disk (exporter jaeger_storage_exporter, /data/spoor)';
  const nowhere = 'without being kept (exporter nop: it keeps nothing)';
  expect(ackLines(settings)).toEqual([
    `traces: acknowledged ${durable}`,
    'traces/slow: acknowledged in memory (processor batch/slow, its timeout is above 1000 ms): a crash loses what it holds',
    `traces/in: acknowledged ${durable} and ${nowhere}`,
    `traces/out: acknowledged ${durable}`,
  ]);
});

test('with its gate open, a configuration may have no pipeline', async () => {
  const reading = await readSettings(tree('extensions: {healthcheckv2: }'), everything);
  expect(validateSettings(reading)).not.toEqual([]);
  expect(validateSettings(reading, new Set(['service.AllowNoPipelines']))).toEqual([]);
});

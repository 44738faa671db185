/** Tables of merging and expansion: what sources go in and what comes out. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decode, plainMap } from './decode.ts';
import { openGates } from './gates.ts';
import { loadTree } from './load.ts';
import type { Surroundings } from './providers.ts';
import { isMap, parseYaml } from './yaml.ts';

const directory = mkdtempSync(join(tmpdir(), 'spoor-config-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const environment = z.record(z.string(), z.string()).default({});

const MergeCase = z.strictObject({
  title: z.string(),
  sources: z.array(z.string()).default([]),
  locations: z.array(z.string()).default([]),
  sets: z.array(z.string()).default([]),
  gates: z.array(z.string()).default([]),
  env: environment,
  result: z.unknown().optional(),
  text: z.string().optional(),
  problem: z.string().optional(),
});

const ExpandCase = z.strictObject({
  title: z.string(),
  env: environment,
  value: z.unknown(),
  int: z.unknown().optional(),
  string: z.unknown().optional(),
  bool: z.unknown().optional(),
  list: z.unknown().optional(),
  map: z.unknown().optional(),
  fails: z.array(z.enum(['int', 'string', 'bool', 'list', 'map'])).default([]),
  problem: z.string().optional(),
});

function table<T>(name: string, schema: z.ZodType<T>): T[] {
  const path = new URL(`../../test/fixtures/config/${name}.yaml`, import.meta.url);
  return z.array(schema).parse(parseYaml(readFileSync(path, 'utf8')));
}

function around(env: Record<string, string>): Surroundings {
  return {
    env,
    warn: () => {},
    fetch: async (url) => {
      throw new Error(`no network in tests: ${url}`);
    },
  };
}

let fileCount = 0;
function asFile(text: string): string {
  fileCount += 1;
  const path = join(directory, `source-${fileCount}.yaml`);
  writeFileSync(path, text);
  return path;
}

describe('merging', () => {
  test.for(table('merge', MergeCase))('$title', async (item) => {
    const configs = [...item.locations, ...item.sources.map(asFile)];
    const loading = loadTree(
      { configs, sets: item.sets, gates: openGates(item.gates) },
      around(item.env),
    );
    if (item.problem !== undefined) {
      await expect(loading).rejects.toMatchObject({
        code: 'source_failed',
        message: expect.stringContaining(item.problem),
      });
      return;
    }
    const tree = plainMap((await loading).tree);
    if (item.text !== undefined) expect(JSON.stringify(tree)).toBe(item.text);
    else expect(tree).toEqual(item.result);
  });

  test('asks for a source when there is none', async () => {
    await expect(loadTree({ configs: [], sets: [] }, around({}))).rejects.toMatchObject({
      code: 'source_failed',
    });
  });
});

const fields = {
  int: z.strictObject({ field: z.int().default(7) }),
  string: z.strictObject({ field: z.string().default('default') }),
  bool: z.strictObject({ field: z.boolean().default(false) }),
  list: z.strictObject({ field: z.array(z.string()).default([]) }),
  map: z.strictObject({ field: z.record(z.string(), z.string()).default({}) }),
};
const types = ['int', 'string', 'bool', 'list', 'map'] as const;

describe('expansion', () => {
  test.for(table('expand', ExpandCase))('$title', async (item) => {
    // A literal source would be expanded as a string; JSON keeps numbers numbers.
    const location = asFile(JSON.stringify({ at: { field: item.value } }));
    const loading = loadTree({ configs: [location], sets: [] }, around(item.env));
    if (item.problem !== undefined) {
      await expect(loading).rejects.toMatchObject({
        code: 'source_failed',
        message: expect.stringMatching(/^\S+:1:8: at::field: /),
      });
      await expect(loading).rejects.toThrow(item.problem);
      return;
    }
    const { at } = (await loading).tree;
    expect(isMap(at)).toBe(true);
    for (const type of types) {
      const result = decode<{ field: unknown }>(fields[type], at, ['at']);
      if (item.fails.includes(type)) expect(result.value, type).toBeUndefined();
      if (item[type] === undefined) continue;
      expect(result.problems, type).toEqual([]);
      expect(result.value?.field, type).toEqual(item[type]);
    }
  });
});

test('unset and empty variables are worth a warning', async () => {
  const warnings: string[] = [];
  const location = asFile('a: "${env:UNSET}"\nb: "${env:EMPTY}"\nc: "${env:UNSET:-d}"');
  await loadTree(
    { configs: [location], sets: [] },
    { ...around({ EMPTY: '' }), warn: (message) => void warnings.push(message) },
  );
  expect(warnings).toEqual([
    'environment variable UNSET is not set, the default applies',
    'environment variable EMPTY is set but empty',
  ]);
});

test('http sources are fetched, and only status 200 counts', async () => {
  const answer = (status: number, body: string): Surroundings => ({
    ...around({}),
    fetch: async () => new Response(status === 204 ? null : body, { status }),
  });
  const sources = { configs: ['http://config.test/spoor.yaml'], sets: [] };
  expect((await loadTree(sources, answer(200, 'a: 1'))).tree).toEqual({ a: 1 });
  await expect(loadTree(sources, answer(204, ''))).rejects.toThrow('status 204');
});

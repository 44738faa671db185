/** Where problems are said to be, through merges, aliases, expansion and `--set`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadTree } from './load.ts';

const directory = mkdtempSync(join(tmpdir(), 'spoor-places-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const base = file(
  'base.yaml',
  `shared: &shared
  timeout: 1s
  size: 8
a:
  <<: *shared
  size: 9
  list:
    - x: 1
    - x: 2
b: *shared
" spaced ": {k: v}
port: \${env:PORT}
block: \${file:${file('block.yaml', 'inner: 1')}}
`,
);
const over = file('over.yaml', 'a: {list: [{y: 3}]}\nb:\n  size: 1\ngone:\n');

async function at(path: string, below?: readonly string[]) {
  const sources = {
    configs: [base, over, 'yaml:c::d: {e: 1}', 'env:WHOLE'],
    sets: ['a.deep.key=5'],
  };
  const loaded = await loadTree(sources, {
    env: { PORT: '1', WHOLE: 'w:\n  x: 1' },
    warn: () => {},
    fetch: async () => new Response(''),
  });
  const problem = loaded.located({ path: path.split('::'), message: '', ...(below && { below }) });
  return problem.at?.replace(`${directory}/`, '');
}

test.for([
  ['shared::size', 'base.yaml:3:3'],
  ['a', '--set a.deep.key'],
  ['a::size', 'base.yaml:6:3'],
  // What a merge key brings stands where it was written.
  ['a::timeout', 'base.yaml:2:3'],
  // A list is replaced, so nothing of the first one is left.
  ['a::list::0::y', 'over.yaml:1:13'],
  ['a::list::1', 'over.yaml:1:5'],
  ['b::timeout', 'base.yaml:2:3'],
  ['b::size', 'over.yaml:3:3'],
  ['gone', 'over.yaml:4:1'],
  ['a::missing', '--set a.deep.key'],
  ['a::deep::key', '--set a.deep.key'],
  ['c::d::e', 'yaml::1:8'],
  ['w::x', 'env:WHOLE:2:3'],
  ['spaced::k', 'base.yaml:11:14'],
  ['port', 'base.yaml:12:1 (expanded)'],
  ['block::inner', 'base.yaml:13:1 (expanded)'],
] as const)('%s is at %s', async ([path, expected]) => {
  expect(await at(path)).toBe(expected);
});

test('what is not written is nowhere, a key below may be', async () => {
  expect(await at('service::pipelines')).toBeUndefined();
  expect(await at('a', ['size'])).toBe('base.yaml:6:3');
});

test('every bad source is named, and every bad reference', async () => {
  const around = { env: {}, warn: () => {}, fetch: async () => new Response('') };
  const configs = [file('broken.yaml', 'a: 1\na: 2'), join(directory, 'none.yaml'), 's3:x'];
  await expect(loadTree({ configs, sets: ['x', 'y=[', 'z: {'] }, around)).rejects.toMatchObject({
    problems: [
      { message: expect.stringContaining('broken.yaml:2:1: this is not valid YAML') },
      { message: expect.stringContaining('none.yaml: it does not exist') },
      { message: expect.stringContaining('scheme "s3" is not supported') },
      { message: '--set x: expected key=value' },
      { message: expect.stringMatching(/^--set y: /) },
      { message: expect.stringContaining('expected key=value') },
    ],
  });
  const references = file('references.yaml', 'a: ${env:1X}\nb:\n  - ${vault:y}\n');
  await expect(loadTree({ configs: [references], sets: [] }, around)).rejects.toMatchObject({
    problems: [
      { path: ['a'], at: expect.stringMatching(/:1:1$/) },
      { path: ['b', '0'], at: expect.stringMatching(/:3:5$/) },
    ],
  });
});

test('an alias inside what it names is a problem, not an endless read', async () => {
  const around = { env: {}, warn: () => {}, fetch: async () => new Response('') };
  const configs = [file('circle.yaml', 'a: &a [*a]')];
  await expect(loadTree({ configs, sets: [] }, around)).rejects.toThrow(
    'an alias stands inside what it names',
  );
});

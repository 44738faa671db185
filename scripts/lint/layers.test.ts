/** Proves that the folder map is enforced: the linter runs with our configuration on files that
 *  break it, in a folder of its own. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** path of the importing file, what it imports, whether the map allows it. */
const cases: [file: string, specifier: string, isAllowed: boolean][] = [
  ['src/model/a.ts', './ids.ts', true],
  ['src/model/a.ts', '../query/find-traces.ts', false],
  ['src/model/trace/b.ts', '../ids.ts', true],
  ['src/model/trace/b.ts', '../../query/find-traces.ts', false],
  ['src/model/trace/c.ts', 'node:fs', false],
  ['src/wire/otlp-proto/a.ts', '../../model/ids.ts', true],
  ['src/wire/otlp-proto/a.ts', '../../storage/contract.ts', false],
  ['src/receivers/otlp/receiver.ts', '../../component/define.ts', true],
  ['src/receivers/otlp/receiver.ts', '../body.ts', true],
  ['src/receivers/otlp/receiver.ts', '../zipkin/receiver.ts', false],
  ['src/receivers/otlp/receiver.ts', '../../query/find-traces.ts', false],
  ['src/storage/embedded/wal/log.ts', '../catalog.ts', true],
  ['src/storage/embedded/wal/log.ts', '../../contract.ts', true],
  ['src/storage/embedded/wal/log.ts', '../../../filter/ast.ts', true],
  ['src/storage/embedded/wal/log.ts', '../../clickhouse/store.ts', false],
  ['src/storage/embedded/wal/log.ts', '../../../query/find-traces.ts', false],
  ['src/query/find-traces.ts', '../storage/contract.ts', true],
  ['src/query/find-traces.ts', '../storage/embedded/store.ts', false],
  ['src/query/find-traces.ts', '../api/contract.ts', false],
  ['src/api/http/server.ts', '../../query/find-traces.ts', true],
  ['src/api/http/server.ts', '../../storage/contract.ts', true],
  ['src/api/http/server.ts', '../../storage/embedded/store.ts', false],
  ['src/pipeline/graph.ts', '../receivers/otlp/receiver.ts', false],
  ['src/registry.ts', './receivers/otlp/receiver.ts', true],
  ['src/cli/main.ts', '../registry.ts', true],
  ['ui/src/pages/trace.ts', '../../../src/model/trace/tree.ts', true],
  ['ui/src/pages/trace.ts', '../../../src/query/find-traces.ts', false],
  ['ui/src/pages/trace.ts', '../../../src/model/batch/span-batch.ts', false],
];

let folder: string;
let refused: Set<string>;

function oxlint(): Promise<string> {
  const program = join(root, 'node_modules/oxlint/bin/oxlint');
  const args = [program, '--format', 'unix', 'src', 'ui'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (_error, stdout) => resolve(stdout));
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spoor-layers-'));
  await copyFile(join(root, 'oxlint.config.ts'), join(folder, 'oxlint.config.ts'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  for (const file of new Set(cases.map(([path]) => path))) {
    const imports = cases.filter(([path]) => path === file);
    const text = imports.map(([, specifier], i) => `export * as n${i} from '${specifier}';\n`);
    await mkdir(join(folder, dirname(file)), { recursive: true });
    await writeFile(join(folder, file), text.join(''));
  }
  const lines = (await oxlint()).split('\n').filter((line) => /restricted|nodejs/.test(line));
  refused = new Set(lines.map((line) => line.split(':').slice(0, 2).join(':')));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test.each(cases)('%s imports %s: %s', (file, specifier, isAllowed) => {
  const line = cases.filter(([path]) => path === file).findIndex((one) => one[1] === specifier) + 1;
  expect(refused.has(`${file}:${line}`)).toBe(!isAllowed);
});

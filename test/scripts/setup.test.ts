/** The parts of the bootstrap that a fresh clone does not exercise by itself: signals, exit codes,
 *  what has changed, and the sentence for every failure. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { npm } from '../../scripts/setup/npm.mjs';
import { SetupProblem } from '../../scripts/setup/problem.mjs';
import { isNewEnough } from '../../scripts/setup/runtime.mjs';
import { contentHash } from '../../scripts/setup/stamp.mjs';
import { withLock } from '../../scripts/setup/lock.mjs';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spoor-setup-test-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const childModule = new URL('../../scripts/setup/child.mjs', import.meta.url).href;

/** Starts a launcher that runs `program` as `npm start` runs the server. */
async function launch(program: string): Promise<ChildProcess> {
  const programFile = join(folder, 'program.mjs');
  const launcherFile = join(folder, 'launcher.mjs');
  await writeFile(programFile, program);
  await writeFile(
    launcherFile,
    `import { runChild } from ${JSON.stringify(childModule)};
     const runtime = { node: process.execPath, env: process.env };
     process.exitCode = await runChild(runtime, [${JSON.stringify(programFile)}]);`,
  );
  return spawn(process.execPath, [launcherFile], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  if (child.stdout !== null) yield* createInterface({ input: child.stdout });
}

async function exitCodeOf(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = await once(child, 'exit');
  return code;
}

const countingProgram = `
  let count = 0;
  process.on('SIGINT', () => {
    count += 1;
    console.log('signal ' + count);
    if (count === 2) process.exit(130);
  });
  setInterval(() => {}, 1000);
  console.log('ready');`;

describe.skipIf(process.platform === 'win32')('the launched program', () => {
  test('gives us its exit code', async () => {
    expect(await exitCodeOf(await launch('process.exit(7)'))).toBe(7);
  });

  test('that a signal ended gives 128 + its number', async () => {
    expect(await exitCodeOf(await launch(`process.kill(process.pid, 'SIGKILL')`))).toBe(137);
  });

  test('hears a Ctrl-C that npm repeats once, and a second Ctrl-C as a second', async () => {
    const child = await launch(countingProgram);
    const heard: string[] = [];
    for await (const line of linesOf(child)) {
      heard.push(line);
      if (line === 'ready') {
        child.kill('SIGINT');
        child.kill('SIGINT');
      }
      // Later than the time in which two signals count as one.
      if (line === 'signal 1') setTimeout(() => child.kill('SIGINT'), 400);
    }
    expect(heard).toEqual(['ready', 'signal 1', 'signal 2']);
    expect(await exitCodeOf(child)).toBe(130);
  });

  test('that ignores a second Ctrl-C is ended', async () => {
    const child = await launch(`process.on('SIGINT', () => console.log('ignored'));
      setInterval(() => {}, 1000); console.log('ready');`);
    for await (const line of linesOf(child)) {
      if (line === 'ready') child.kill('SIGINT');
      else setTimeout(() => child.kill('SIGINT'), 400);
    }
    expect(await exitCodeOf(child)).toBe(137);
  });
});

test.each([
  ['20.20.2', false],
  ['22.17.1', false],
  ['22.18.0', true],
  ['24.0.0', true],
  ['26.1.0', true],
])('Node %s runs the sources: %s', (version, answer) => {
  expect(isNewEnough(version)).toBe(answer);
});

describe('npm fails', () => {
  test('without a network: the sentence says so', async () => {
    const manifest = { name: 'x', version: '1.0.0', dependencies: { zod: '4.6.7' } };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    const args = ['install', '--registry=http://127.0.0.1:1', '--fetch-retries=0'];
    args.push(`--cache=${join(folder, 'cache')}`);
    const attempt = () => npm(args, { cwd: folder, what: 'install' });
    expect(attempt).toThrow(SetupProblem);
    expect(attempt).toThrow(/cannot install: the npm registry does not answer/);
  });

  test('because it is not there: the sentence says so', () => {
    const { PATH, npm_execpath: outer } = process.env;
    process.env['PATH'] = folder;
    delete process.env['npm_execpath'];
    try {
      const attempt = () => npm(['ci'], { cwd: folder, what: 'install' });
      expect(attempt).toThrow(/npm is not on the PATH/);
    } finally {
      process.env['PATH'] = PATH;
      if (outer !== undefined) process.env['npm_execpath'] = outer;
    }
  });
});

test('the hash of inputs tells files apart and stays when nothing changes', () => {
  expect(contentHash(['scripts/setup/'])).toBe(contentHash(['scripts/setup/']));
  expect(contentHash(['scripts/setup/'])).not.toBe(contentHash(['scripts/start.mjs']));
});

test('two setups at once run one after the other', async () => {
  const events: string[] = [];
  const work = (name: string) => async () => {
    events.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    events.push(`${name} ends`);
  };
  await Promise.all([withLock(work('a')), withLock(work('b'))]);
  expect(events.map((event) => event.split(' ')[1])).toEqual(['begins', 'ends', 'begins', 'ends']);
});

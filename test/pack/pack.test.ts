/** The package as a user gets it: packed, installed elsewhere without development dependencies, run.
 *  What only works in the checkout (a source file, a missing dependency, no UI) fails here. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const minutes = 60_000;

let folder: string;
let tarball: string;

const spoor = (...args: string[]) =>
  run(process.execPath, [join(folder, 'app/node_modules/spoor/bin/spoor.mjs'), ...args], {
    cwd: join(folder, 'app'),
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spoor-pack-'));
  const app = join(folder, 'app');
  await mkdir(app);
  await writeFile(join(app, 'package.json'), '{"private":true}');
  // prepack builds, even where scripts of dependencies do not run.
  await run('npm', ['run', 'build'], { cwd: root });
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
  tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '';
  const install = ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', [...install, join(folder, tarball)], { cwd: app });
}, 5 * minutes);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

test('the package is well formed', async () => {
  const { messages } = await publint({ pkgDir: join(folder, 'app/node_modules/spoor') });
  expect(messages.filter(({ type }) => type !== 'suggestion')).toEqual([]);
});

test('it carries no sources, tests or runtime', async () => {
  const names = await readdir(join(folder, 'app/node_modules/spoor'), { recursive: true });
  expect(names.filter((name) => /\.test\.js$|^src|^scripts|^test/.test(name))).toEqual([]);
  expect(names).toContain(join('ui', 'dist', 'index.html'));
  expect(names).toContain('LICENSE');
});

test('`spoor version` says the version', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { stdout } = await spoor('version');
  expect(stdout).toContain(version);
});

test('`npx spoor help` names the commands', async () => {
  const { stdout } = await run('npx', ['--no-install', 'spoor', 'help'], {
    cwd: join(folder, 'app'),
  });
  expect(stdout).toMatch(/--config/);
  expect(stdout).toMatch(/loadgen/);
});

test('on an older Node one sentence and exit code 1', async () => {
  const older = `data:text/javascript,${encodeURIComponent(
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })`,
  )}`;
  const program = join(folder, 'app/node_modules/spoor/bin/spoor.mjs');
  const failure: { code?: number; stderr?: string } = await run(process.execPath, [
    '--import',
    older,
    program,
  ]).catch((error: unknown) => error as object);
  expect(failure.code).toBe(1);
  expect(failure.stderr?.trim().split('\n')).toHaveLength(1);
  expect(failure.stderr).toContain('22.18');
});

/** Starts the built-in configuration with every address moved to a free port. */
async function startServer(): Promise<{ server: ChildProcess; ui: string }> {
  const places = [
    'receivers.otlp.protocols.grpc.endpoint',
    'receivers.otlp.protocols.http.endpoint',
    'extensions.healthcheckv2.http.endpoint',
  ];
  const ui = `127.0.0.1:${await freePort()}`;
  const sets = [`extensions.jaeger_query.http.endpoint=${ui}`];
  for (const place of places) sets.push(`${place}=127.0.0.1:${await freePort()}`);
  sets.push('service.telemetry.metrics.level=none');
  const server = spawn(
    process.execPath,
    [
      join(folder, 'app/node_modules/spoor/bin/spoor.mjs'),
      ...sets.flatMap((set) => ['--set', set]),
    ],
    {
      cwd: join(folder, 'app'),
      env: { ...process.env, SPOOR_DATA_DIR: join(folder, 'data') },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.includes('ready')) return { server, ui: `http://${ui}` };
  }
  throw new Error(`it ended with ${server.exitCode ?? server.signalCode} before it was ready`);
}

test('it starts with the UI inside and stops cleanly', async () => {
  const { server, ui } = await startServer();
  try {
    const page = await (await fetch(ui)).text();
    const script = /<script[^>]+src="\.?\/?([^"]+\.js)"/.exec(page)?.[1];
    expect(script).toBeDefined();
    const asset = await fetch(`${ui}/${script}`);
    expect(asset.status).toBe(200);
    expect(asset.headers.get('content-type')).toContain('javascript');
    expect((await fetch(`${ui}/api/services`)).status).toBe(200);
    server.kill('SIGTERM');
    const [code] = await once(server, 'exit');
    expect(code).toBe(0);
  } finally {
    server.kill('SIGKILL');
  }
});

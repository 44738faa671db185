/** The command as a person meets it: real processes, real ports, real signals. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { spoor, SpoorProcess } from './spoor-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'spoor-cli-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const running: SpoorProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (process) => process.end()));
});

function start(args: readonly string[], env: Record<string, string> = {}): SpoorProcess {
  const started = new SpoorProcess(args, env);
  running.push(started);
  return started;
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const small = file(
  'small.yaml',
  `
receivers: {nop: }
processors: {batch: }
exporters: {debug: , nop: }
extensions: {healthcheckv2: {http: {endpoint: "localhost:0"}}}
service:
  extensions: [healthcheckv2]
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {port: 0}}}}]}}
  pipelines: {traces: {receivers: [nop], processors: [batch], exporters: [nop]}}
`,
);

describe('a newcomer', () => {
  test('reads help, and the version', async () => {
    for (const args of [['help'], ['--help'], ['validate', '--help'], ['-h']]) {
      const { code, stdout } = await spoor(args);
      expect(code).toBe(0);
      expect(stdout).toContain('http://localhost:16686');
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    }
    for (const args of [['version'], ['--version']]) {
      expect((await spoor(args)).stdout).toMatch(/^spoor \d+\.\d+\.\d+ \(Node\.js 2\d\./);
    }
  });

  test('is told the nearest command and where help is', async () => {
    const { code, stderr } = await spoor(['validat']);
    expect(code).toBe(1);
    expect(stderr).toBe(
      'spoor: there is no command "validat", did you mean "validate"? (see `spoor help`)\n',
    );
  });

  test('is told of a flag that does not exist', async () => {
    const { code, stderr } = await spoor(['--confg', 'x']);
    expect(code).toBe(1);
    expect(stderr).toBe("spoor: Unknown option '--confg' (see `spoor help`)\n");
  });
});

describe('validate', () => {
  test('is quiet about problems there are none, and says where each pipeline acknowledges', async () => {
    const { code, stdout, stderr } = await spoor(['validate', '--config', small]);
    expect(stderr).toBe('');
    expect(stdout).toBe(
      'traces: acknowledged without being kept (exporter nop: it keeps nothing)\n',
    );
    expect(code).toBe(0);
  });

  test('names every problem with its place, and exits 1', async () => {
    const { code, stdout, stderr } = await spoor([
      'validate',
      '--config',
      small,
      '--set',
      'processors.batch.timeot=1s',
      '--set',
      'service.pipelines.traces.receivers=[npo]',
    ]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe(`spoor: invalid configuration:
  --set processors.batch.timeot: processors::batch: unknown key "timeot", did you mean "timeout"?
  --set service.pipelines.traces.receivers: service::pipelines::traces::receivers: references receiver "npo" which is not configured, did you mean "nop"?
`);
  });

  test('says which file is missing', async () => {
    const { code, stderr } = await spoor(['validate', '--config', '/nonexistent.yaml']);
    expect(code).toBe(1);
    expect(stderr).toBe('spoor: cannot read the file /nonexistent.yaml: it does not exist\n');
  });
});

test('print-config shows what the sources add up to, without secrets', async () => {
  const second = file('second.yaml', 'processors: {batch: {timeout: "${env:WAIT:-5s}"}}');
  const args = ['print-config', '--config', small, '--config', second];
  const printed: unknown = parse((await spoor(args, { WAIT: '3s' })).stdout);
  expect(printed).toMatchObject({ processors: { batch: { timeout: '3s' } } });
  const json = await spoor([...args, '--format', 'json', '--set', 'processors.batch.timeout=1s']);
  expect(JSON.parse(json.stdout)).toMatchObject({ processors: { batch: { timeout: '1s' } } });
});

test('components lists every kind', async () => {
  const { stdout } = await spoor(['components']);
  expect(parse(stdout)).toMatchObject({
    receivers: expect.arrayContaining([expect.objectContaining({ name: 'nop' })]),
    processors: expect.arrayContaining([expect.objectContaining({ name: 'batch' })]),
    connectors: expect.arrayContaining([expect.objectContaining({ name: 'forward' })]),
    providers: [
      { scheme: 'env' },
      { scheme: 'file' },
      { scheme: 'http' },
      { scheme: 'https' },
      { scheme: 'yaml' },
    ],
  });
});

test('feature gates are listed, switched, and an unknown one is refused', async () => {
  const listed = await spoor(['featuregate']);
  expect(listed.stdout).toMatch(/^service\.AllowNoPipelines +false +alpha /m);
  const one = await spoor(['featuregate', 'service.AllowNoPipelines']);
  expect(parse(one.stdout)).toMatchObject({ id: 'service.AllowNoPipelines', stage: 'alpha' });
  const wrong = await spoor(['validate', '--config', small, '--feature-gates', 'nope']);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('there is no feature gate "nope" (valid: confmap.');
  const empty = ['validate', '--config', 'yaml:extensions: {}'];
  expect((await spoor(empty)).code).toBe(1);
  expect((await spoor([...empty, '--feature-gates', 'service.AllowNoPipelines'])).code).toBe(0);
});

test('config schema prints a JSON Schema', async () => {
  const { code, stdout } = await spoor(['config', 'schema']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    properties: { service: {} },
  });
  expect((await spoor(['config', 'shema'])).stderr).toContain('did you mean "schema"?');
});

test('a reader that leaves early is no error', () => {
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const command = '"$0" --disable-warning=ExperimentalWarning "$1" config schema | head -c 1';
  const { stdout, stderr } = spawnSync('sh', ['-c', command, process.execPath, main]);
  expect([stdout.toString(), stderr.toString()]).toEqual(['{', '']);
});

describe('a running process', () => {
  test('is healthy, serves its own metrics, and stops in order on SIGTERM', async () => {
    const process = start(['--config', small]);
    const health = await process.address('health');
    const response = await fetch(health);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'StatusOK', healthy: true });
    expect(await (await fetch(`${health}?verbose`)).json()).toMatchObject({
      components: {
        'pipeline:traces': { components: { 'processor:batch': { status: 'StatusOK' } } },
      },
    });
    const metrics = await fetch(await process.address('own metrics'));
    expect(await metrics.text()).toContain('otelcol_process_uptime');
    process.kill('SIGTERM');
    const { code, stderr } = await process.finished;
    expect(code).toBe(0);
    expect(stderr).toMatch(/starting[^]*everything is ready[^]*stopping[^]*stopped/);
  });

  test('says in one sentence that a port is taken', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => {
      blocker.listen(0, '127.0.0.1', resolve);
    });
    const address = blocker.address();
    const port = address && typeof address === 'object' ? address.port : 0;
    const endpoint = `extensions.healthcheckv2.http.endpoint=127.0.0.1:${port}`;
    const { code, stderr } = await spoor(['--config', small, '--set', endpoint]);
    blocker.close();
    expect(code).toBe(1);
    const last = stderr.trim().split('\n').at(-1);
    expect(last).toBe(
      `spoor: cannot start extension healthcheckv2: port ${port} on 127.0.0.1 is taken by ` +
        'another process (stop that process, or choose another port in the configuration)',
    );
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

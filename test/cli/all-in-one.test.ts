/** What `spoor` alone does: OTLP in, durable on disk, Jaeger's API out; and the ways in which a data
 *  directory can be unusable. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { FREE_PORTS, SpoorProcess } from './spoor-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'spoor-all-in-one-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const running: SpoorProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (process) => process.end()));
});

/** The built-in configuration, on ports that are free. */
function start(data: string, args: readonly string[] = []): SpoorProcess {
  const started = new SpoorProcess([...FREE_PORTS, ...args], { SPOOR_DATA_DIR: data });
  running.push(started);
  return started;
}

const traceId = '5b8aa5a2d2c872e8321cf37308d69df2';

function exportRequest() {
  const startNano = BigInt(Date.now()) * 1_000_000n;
  const span = {
    traceId,
    spanId: '051581bf3cb55c13',
    name: 'GET /cart',
    kind: 2,
    startTimeUnixNano: String(startNano),
    endTimeUnixNano: String(startNano + 5_000_000n),
  };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
  return { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] };
}

async function send(process: SpoorProcess, signal: string, body: object): Promise<Response> {
  return fetch(`${await process.address('OTLP/HTTP')}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function ask(process: SpoorProcess, path: string): Promise<unknown> {
  return (await fetch(`${await process.address('UI and API')}${path}`)).json();
}

test('what was acknowledged is found, by id and by search, also after a restart', async () => {
  const data = join(directory, 'kept');
  const first = start(data);
  const output = await first.ready();
  expect(output).toContain(
    `traces: acknowledged when durable on disk (exporter jaeger_storage_exporter, ${data})`,
  );
  const sent = await send(first, 'traces', exportRequest());
  expect([sent.status, await sent.json()]).toEqual([200, {}]);
  expect(await ask(first, `/api/traces/${traceId}`)).toMatchObject({
    data: [{ traceID: traceId, spans: [{ operationName: 'GET /cart' }] }],
  });
  first.kill('SIGKILL');
  await first.finished;

  const second = start(data);
  expect(await ask(second, `/api/traces/${traceId}`)).toMatchObject({
    data: [{ traceID: traceId, spans: [{ operationName: 'GET /cart' }] }],
  });
  expect(await ask(second, '/api/services')).toMatchObject({ data: ['shop'] });
  expect(await ask(second, '/api/traces?service=shop')).toMatchObject({
    data: [{ traceID: traceId }],
  });
  const metrics = await (await fetch(await second.address('own metrics'))).text();
  expect(metrics).toMatch(
    /^jaeger_storage_requests\{operation="get_services",result="ok",name="main",kind="embedded",role="tracestore"\} 1$/m,
  );
  second.kill('SIGINT');
  expect(await second.finished).toMatchObject({ code: 0 });
});

test('metrics and logs are accepted, so that SDKs with every signal on do not fail', async () => {
  const process = start(join(directory, 'signals'));
  const metric = { name: 'm', gauge: { dataPoints: [{ asInt: '1' }] } };
  const metrics = { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] };
  const logs = {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x' } }] }] }],
  };
  expect((await send(process, 'metrics', metrics)).status).toBe(200);
  expect((await send(process, 'logs', logs)).status).toBe(200);
  const own = await (await fetch(await process.address('own metrics'))).text();
  expect(own).toContain(
    'otelcol_receiver_accepted_metric_points{receiver="otlp",transport="http"} 1',
  );
  expect(own).toContain('otelcol_exporter_sent_log_records{exporter="nop",data_type="logs"} 1');
});

test('the memory backend says that it forgets, and leaves nothing behind', async () => {
  // Maps merge: null takes the built-in backend away first.
  const backends = 'extensions.jaeger_storage.backends';
  const sets = ['--set', `${backends}=`, '--set', `${backends}.main.memory.max_traces=100`];
  const process = start(join(directory, 'unused'), sets);
  const output = await process.ready();
  expect(output).toContain('the memory backend keeps its data in a temporary directory');
  expect((await send(process, 'traces', exportRequest())).status).toBe(200);
  expect(await ask(process, `/api/traces/${traceId}`)).toMatchObject({ data: [{}] });
  process.kill('SIGTERM');
  expect((await process.finished).code).toBe(0);
});

async function refusal(process: SpoorProcess): Promise<string> {
  const { code, stderr } = await process.finished;
  expect(code).toBe(1);
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr.trim().split('\n').at(-1) ?? '';
}

test('a directory in use by another process is refused in one sentence', async () => {
  const data = join(directory, 'shared');
  const first = start(data);
  await first.ready();
  const sentence = await refusal(start(data));
  expect(sentence).toMatch(/^spoor: cannot start /);
  expect(sentence).toContain(`${data} is in use by process ${first.pid}`);
});

test('a directory that cannot be made is refused in one sentence', async () => {
  const file = join(directory, 'a-file');
  writeFileSync(file, 'not a directory');
  const sentence = await refusal(start(join(file, 'data')));
  expect(sentence).toMatch(/^spoor: cannot start /);
  expect(sentence).toContain(file);
});

test.runIf(process.platform === 'linux')(
  'a place where nothing can be made is refused, not waited for',
  async () => {
    const sentence = await refusal(start('/proc/spoor'));
    expect(sentence).toContain('cannot make /proc/spoor');
  },
);

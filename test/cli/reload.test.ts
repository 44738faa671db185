/** The configuration of a running process is edited: requests go on, mistakes change nothing. */
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sendTraces } from '../pipeline/traffic.ts';
import { SpoorProcess } from './spoor-process.ts';

let directory: string;
let path: string;
const running: SpoorProcess[] = [];
const blockers: Server[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-reload-'));
  path = join(directory, 'spoor.yaml');
});

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (process) => process.end()));
  for (const blocker of blockers.splice(0)) blocker.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Parts {
  readonly value?: string;
  readonly port?: number;
  readonly processors?: string;
  readonly level?: string;
}

function config({ value = 'one', port = 0, ...parts }: Parts = {}): string {
  return `
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}
processors:
  attributes: {actions: [{key: environment, value: ${value}, action: upsert}]}
  batch: {timeout: 50ms}
exporters:
  nop:
  jaeger_storage_exporter: {trace_storage: main}
extensions:
  jaeger_storage: {backends: {main: {embedded: {directory: ${join(directory, 'data')}}}}}
service:
  extensions: [jaeger_storage]
  telemetry:
    logs: {level: ${parts.level ?? 'info'}}
    metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}
  pipelines:
    traces:
      receivers: [otlp]
      processors: [${parts.processors ?? 'attributes, batch'}]
      exporters: [jaeger_storage_exporter]
`;
}

async function started(flags: readonly string[] = []): Promise<SpoorProcess> {
  const process = new SpoorProcess(['--config', path, ...flags]);
  running.push(process);
  await process.ready();
  return process;
}

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

async function reloaded(
  process: SpoorProcess,
  change: () => void,
  line = 'reloaded',
): Promise<void> {
  const before = countOf(process.stderr, line);
  change();
  await process.until(() => countOf(process.stderr, line) > before, line);
}

const hangUp = (process: SpoorProcess) => () => process.kill('SIGHUP');

/** Sends without a pause over one connection until told to stop. */
class Load {
  readonly statuses = new Map<number, number>();
  readonly ports = new Set<number>();
  sent = 0;
  #isStopped = false;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;
  readonly done: Promise<void>;

  constructor(http: string) {
    this.#url = `${http}/v1/traces`;
    this.done = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.done;
    this.#agent.destroy();
  }

  async until(count: number): Promise<void> {
    const goal = this.sent + count;
    while (this.sent < goal) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const status = await this.#send();
      this.sent += 1;
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    }
  }

  #send(): Promise<number> {
    const id = this.sent.toString(16).padStart(16, '0');
    const span = { traceId: id.repeat(2), spanId: id.replace(/^0/, '1'), name: 'load' };
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
    return new Promise((resolve, reject) => {
      const sending = request(this.#url, {
        method: 'POST',
        agent: this.#agent,
        headers: { 'content-type': 'application/json' },
      });
      sending.once('error', reject);
      sending.once('response', (response) => {
        this.ports.add(response.socket.localPort ?? 0);
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
      });
      sending.end(body);
    });
  }
}

async function metricsOf(process: SpoorProcess): Promise<string> {
  return (await fetch(await process.address('own metrics'))).text();
}

test('no request fails and no connection breaks while processors and the store behind change', async () => {
  writeFileSync(path, config());
  const process = await started();
  const load = new Load(await process.address('OTLP/HTTP'));
  await load.until(5);
  const steps = [
    config({ value: 'two' }),
    config({ value: 'two', processors: 'batch' }),
    config({ processors: 'batch, attributes' }),
    // Its directory would be locked, were it opened before the other was closed.
    config().replace('embedded: {', 'embedded: {retention: {max_age: 24h}, '),
    config({ level: 'warn' }),
    config(),
  ];
  for (const [index, step] of steps.entries()) {
    writeFileSync(path, step);
    process.kill('SIGHUP');
    const wanted = `spoor_config_reloads{outcome="success"} ${index + 1}`;
    // Not the log: at level warn nothing is said.
    while (!(await metricsOf(process)).includes(wanted)) await load.until(1);
    await load.until(5);
  }
  await load.stop();
  expect([...load.statuses.keys()]).toEqual([200]);
  expect(load.ports.size).toBe(1);
  expect(await metricsOf(process)).toMatch(
    /^spoor_config_last_reload_success_timestamp_seconds 1\d{9}/m,
  );
  process.kill('SIGTERM');
  const { code } = await process.finished;
  expect(code).toBe(0);
});

test('a faulty configuration changes nothing, and every problem is in the log', async () => {
  writeFileSync(path, config());
  const process = await started();
  const http = await process.address('OTLP/HTTP');
  const faulty = config({ processors: 'attributes, btch' }).replace(
    'timeout: 50ms',
    'timeout: soon',
  );
  writeFileSync(path, faulty);
  await reloaded(process, hangUp(process), 'the configuration before goes on');
  expect(process.stderr).toContain(`at=${path}:6:11 path=processors::batch::timeout`);
  expect(process.stderr).toContain('references processor "btch" which is not configured');
  await sendTraces(http, [{ number: 1 }]);
  expect(await metricsOf(process)).toContain('spoor_config_reloads{outcome="failure"} 1');
});

test('a taken port brings the configuration before back', async () => {
  writeFileSync(path, config());
  const process = await started();
  const http = await process.address('OTLP/HTTP');
  const blocker = createServer();
  blockers.push(blocker);
  await new Promise<void>((resolve) => {
    blocker.listen(0, '127.0.0.1', resolve);
  });
  const address = blocker.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  // The receiver that runs must come back on the port it had.
  writeFileSync(path, config({ port: Number(new URL(http).port) }));
  await reloaded(process, hangUp(process), 'configuration reloaded');
  writeFileSync(path, config({ port, value: 'two' }));
  await reloaded(process, hangUp(process), 'the configuration before goes on');
  expect(process.stderr).toContain(`port ${port} on 127.0.0.1 is taken`);
  await sendTraces(http, [{ number: 1 }]);
});

test('--watch sees a file saved by renaming, a file it refers to, and a link that is turned', async () => {
  const actions = join(directory, 'actions.yaml');
  writeFileSync(actions, '[{key: a, value: 1, action: upsert}]');
  const text = config().replace(/actions: \[.*\]/, `actions: "\${file:${actions}}"`);
  writeFileSync(join(directory, 'real.yaml'), text);
  symlinkSync('real.yaml', path);
  const process = await started(['--watch']);
  await reloaded(process, () => writeFileSync(actions, '[{key: a, value: 2, action: upsert}]'));
  expect(process.stderr).toContain('started=["processor:traces:attributes"]');
  await reloaded(process, () => {
    writeFileSync(join(directory, 'next.yaml'), text.replace('50ms', '60ms'));
    renameSync(join(directory, 'next.yaml'), join(directory, 'real.yaml'));
  });
  expect(process.stderr).toContain('started=["processor:traces:batch"]');
  // Broken, and mended in the file that is to blame.
  await reloaded(process, () => writeFileSync(actions, '[{key: a'), 'not reloaded');
  await reloaded(process, () => writeFileSync(actions, '[{key: b, value: 2, action: upsert}]'));
  await reloaded(process, () => {
    writeFileSync(join(directory, 'other.yaml'), text.replace('50ms', '70ms'));
    symlinkSync('other.yaml', join(directory, 'link'));
    renameSync(join(directory, 'link'), path);
  });
  expect(process.stderr).not.toContain('unexpected');
});

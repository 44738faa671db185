/** An agent that forwards to a gateway. The gateway is killed and comes back while the agent's queue
 *  holds what it could not send; then the agent is killed too. Nothing that the agent acknowledged
 *  is lost. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SpoorProcess } from '../cli/spoor-process.ts';
import { eventually, sendTraces, SPANS_PER_TRACE, traceIdOf, type TraceLook } from './traffic.ts';

const TRACES = 300;
let directory: string;
let gatewayPort: number;
const running = new Set<SpoorProcess>();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-chain-'));
  const probe = createServer().listen(0, 'localhost');
  await once(probe, 'listening');
  const address = probe.address();
  gatewayPort = typeof address === 'object' ? (address?.port ?? 0) : 0;
  probe.close();
  await once(probe, 'close');
});

afterAll(async () => {
  for (const spoor of running) await spoor.end();
  rmSync(directory, { recursive: true, force: true });
});

const own = 'telemetry: { metrics: { level: none } }';

/** Keeps what it cannot send on disk. */
const agent = () => `
receivers:
  otlp: { protocols: { http: { endpoint: "localhost:0" } } }
extensions:
  file_storage: { directory: ${JSON.stringify(join(directory, 'queue'))}, create_directory: true, fsync: true }
exporters:
  otlp_grpc:
    endpoint: localhost:${gatewayPort}
    tls: { insecure: true }
    timeout: 2s
    sending_queue: { storage: file_storage, num_consumers: 2 }
    retry_on_failure: { initial_interval: 100ms, max_interval: 500ms, max_elapsed_time: 0s }
service:
  ${own}
  extensions: [file_storage]
  pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } }
`;

const gateway = () => `
receivers:
  otlp: { protocols: { grpc: { endpoint: "localhost:${gatewayPort}" } } }
extensions:
  jaeger_storage: { backends: { main: { embedded: { directory: ${JSON.stringify(join(directory, 'data'))} } } } }
  jaeger_query: { storage: { traces: main }, http: { endpoint: "localhost:0" } }
exporters:
  jaeger_storage_exporter: { trace_storage: main }
service:
  ${own}
  extensions: [jaeger_storage, jaeger_query]
  pipelines: { traces: { receivers: [otlp], exporters: [jaeger_storage_exporter] } }
`;

async function start(config: string): Promise<SpoorProcess> {
  const spoor = new SpoorProcess(['--config', 'env:CHAIN'], { CHAIN: config });
  running.add(spoor);
  await spoor.ready();
  return spoor;
}

async function killed(spoor: SpoorProcess): Promise<void> {
  spoor.kill('SIGKILL');
  await spoor.finished;
  running.delete(spoor);
}

/** Numbers of traces that are there whole. */
async function stored(gatewayProcess: SpoorProcess): Promise<number[]> {
  const api = await gatewayProcess.address('UI and API');
  const found: number[] = [];
  for (let number = 0; number < TRACES; number++) {
    const answer = await fetch(`${api}/api/traces/${traceIdOf(number)}`);
    if (answer.status !== 200) continue;
    const { data }: { data: { spans: unknown[] }[] } = JSON.parse(await answer.text());
    if (data[0]?.spans.length === SPANS_PER_TRACE) found.push(number);
  }
  return found;
}

test('nothing is lost between two that are killed', { timeout: 240_000 }, async () => {
  let front = await start(agent());
  let back = await start(gateway());
  const send = async (from: number, to: number) => {
    const http = await front.address('OTLP/HTTP');
    for (let number = from; number < to; number += 5) {
      const traces = Array.from({ length: 5 }, (_, i): TraceLook => ({ number: number + i }));
      await sendTraces(http, traces);
    }
  };
  await send(0, 100);
  // While some are on their way, and many come while there is nobody to take them.
  await killed(back);
  await send(100, 250);
  back = await start(gateway());
  await send(250, TRACES);
  await killed(front);
  front = await start(agent());
  const all = Array.from({ length: TRACES }, (_, number) => number);
  const found = await eventually(
    () => stored(back),
    (numbers) => numbers.length === TRACES,
  );
  expect(found).toEqual(all);
});

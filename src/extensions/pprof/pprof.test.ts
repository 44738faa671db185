import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { afterEach, expect, test } from 'vitest';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import { systemClock } from '../../lib/clock.ts';
import { component } from './extension.ts';

const never = new AbortController().signal;
let running: Lifecycle | undefined;
afterEach(async () => running?.stop?.(never));

async function started(input: object = {}): Promise<string> {
  const { value, problems } = decode(component.config, { endpoint: 'localhost:0', ...input });
  expect(problems).toEqual([]);
  const context = { ...testContext(value), clock: systemClock };
  running = component.create(context);
  await running.start?.(never);
  return context.host.endpoints[0]?.address ?? '';
}

/** Function names, and the sum of each column. */
function read(bytes: Uint8Array) {
  const profile = Profile.decode(gunzipSync(bytes));
  const { strings } = profile.stringTable;
  const text = (index: number | bigint) => strings[Number(index)] ?? '';
  const sums = profile.sampleType.map((_, i) =>
    profile.sample.reduce((sum, { value }) => sum + Number(value[i]), 0),
  );
  return {
    functions: profile.function.map(({ name }) => text(name)),
    columns: profile.sampleType.map(({ type, unit }) => `${text(type)}/${text(unit)}`),
    sums,
    depths: profile.sample.map(({ locationId }) => locationId.length),
  };
}

async function get(url: string): Promise<Uint8Array> {
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  return new Uint8Array(await answer.arrayBuffer());
}

function busyForTheProfile(untilMs: number): number {
  let sum = 0;
  while (performance.now() < untilMs) for (let i = 0; i < 1000; i++) sum += Math.sqrt(i);
  return sum;
}

test('a CPU profile that pprof reads names what was running', async () => {
  const url = await started();
  const asked = get(`${url}profile?seconds=0.4`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  busyForTheProfile(performance.now() + 200);
  const profile = read(await asked);
  expect(profile.columns).toEqual(['samples/count', 'cpu/nanoseconds']);
  expect(profile.functions).toContain('busyForTheProfile');
  expect(profile.sums[1]).toBeGreaterThan(50e6);
  expect(Math.max(...profile.depths)).toBeGreaterThan(1);
});

test('one CPU profile at a time, of a sensible length', async () => {
  const url = await started();
  const first = fetch(`${url}profile?seconds=0.5&format=cpuprofile`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await fetch(`${url}profile?seconds=0.1`)).status).toBe(503);
  const answer = await first;
  expect(answer.headers.get('content-disposition')).toContain('spoor.cpuprofile');
  expect(await answer.json()).toHaveProperty('nodes');
  for (const seconds of ['0', 'x', '601']) {
    expect((await fetch(`${url}profile?seconds=${seconds}`)).status).toBe(400);
  }
});

test('no profile that write_timeout would cut off is begun', async () => {
  const url = await started({ write_timeout: '5s' });
  const refused = await fetch(`${url}profile?seconds=5`);
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('write_timeout');
  expect((await fetch(`${url}profile?seconds=0.1`)).status).toBe(200);
});

test('heap profiles say where live memory was allocated', async () => {
  const url = await started();
  const kept = Array.from({ length: 200_000 }, (_, i) => ({ i }));
  const profile = read(await get(`${url}heap`));
  expect(profile.columns).toEqual(['inuse_space/bytes']);
  expect(profile.sums[0]).toBeGreaterThan(1e6);
  expect(kept).toHaveLength(200_000);
  const own = Buffer.from(await get(`${url}heap?format=heapprofile`)).toString();
  expect(JSON.parse(own)).toHaveProperty('head');
});

test('a heap snapshot is one that DevTools open', { timeout: 60_000 }, async () => {
  const url = await started();
  const bytes = Buffer.from(await get(`${url}heap?format=heapsnapshot`));
  expect(bytes.subarray(0, 20).toString()).toContain('{"snapshot"');
});

test('the index, and a path that is not there', async () => {
  const url = await started();
  expect(Buffer.from(await get(url)).toString()).toContain('profile?seconds=10');
  expect((await fetch(`${url}goroutine`)).status).toBe(404);
});

test('the whole run goes to a file at the end', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-pprof-'));
  const path = join(directory, 'run.pb.gz');
  await started({ save_to_file: path });
  busyForTheProfile(performance.now() + 100);
  await running?.stop?.(never);
  expect(read(readFileSync(path)).functions).toContain('busyForTheProfile');
  rmSync(directory, { recursive: true });
});

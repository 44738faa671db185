/** A disk that is really full: a file system of a few MiB in a file. Writes are refused, in the words
 *  of HTTP and of gRPC, and may be tried again; what is stored is read; when there is room again the
 *  same process takes spans again. Nothing that was acknowledged is lost, also when the process is
 *  killed while the disk is full and started on it as it is. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, status as GrpcStatus } from '@grpc/grpc-js';
import { afterAll, afterEach, expect, test } from 'vitest';
import { SpoorProcess } from '../cli/spoor-process.ts';

const TIMEOUT = 240_000;
const DISK_MIB = 24;

const root = mkdtempSync(join(tmpdir(), 'spoor-disk-full-'));
const disk = join(root, 'disk');
const refusal = mount();
const note = refusal === undefined ? '' : ` (needs root, mkfs.ext4 and loop devices: ${refusal})`;

const running: SpoorProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (process) => process.end()));
});
afterAll(() => {
  if (refusal === undefined) run('umount', [disk]);
  rmSync(root, { recursive: true, force: true });
});

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Why there is no small disk; undefined when there is. */
function mount(): string | undefined {
  const image = join(root, 'image');
  mkdirSync(disk);
  try {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'this user is not root';
    run('truncate', ['-s', `${DISK_MIB}M`, image]);
    run('mkfs.ext4', ['-q', '-m', '0', image]);
    run('mount', ['-o', 'loop', image, disk]);
    return undefined;
  } catch (error) {
    return String(error).split('\n')[0];
  }
}

const ballast = join(disk, 'ballast');
const free = () => {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
};

/** Takes the room that is left, to the last block. */
function fillDisk(): void {
  for (let bytes = free(); bytes > 0; bytes = Math.floor(bytes / 2)) {
    while (free() >= Math.max(bytes, 1)) {
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(bytes, 1), 1), { flag: 'a' });
      } catch {
        break;
      }
      if (free() === 0) return;
    }
  }
}

function start(): SpoorProcess {
  const sets = [
    'receivers.otlp.protocols.grpc.endpoint=localhost:0',
    'receivers.otlp.protocols.http.endpoint=localhost:0',
    'extensions.jaeger_query.http.endpoint=localhost:0',
    'extensions.healthcheckv2.http.endpoint=localhost:0',
    'service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {port: 0}}}}]',
  ].flatMap((set) => ['--set', set]);
  const started = new SpoorProcess(sets, { SPOOR_DATA_DIR: join(disk, 'data') });
  running.push(started);
  return started;
}

const traceIdOf = (number: number) => (0xabc000 + number).toString(16).padStart(32, '1');

/** Text that does not shrink, so that a few thousand of them matter. */
function noise(number: number): string {
  let state = number + 1;
  return Array.from({ length: 12_000 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return String.fromCodePoint(33 + ((state >> 16) % 90));
  }).join('');
}

function exportRequest(number: number) {
  const startNano = BigInt(Date.now()) * 1_000_000n;
  const span = {
    traceId: traceIdOf(number),
    spanId: '051581bf3cb55c13',
    name: 'GET /cart',
    startTimeUnixNano: String(startNano),
    endTimeUnixNano: String(startNano + 5_000_000n),
    attributes: [{ key: 'noise', value: { stringValue: noise(number) } }],
  };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
  return { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] };
}

class Spans {
  readonly acknowledged: number[] = [];
  #next = 0;

  async send(process: SpoorProcess): Promise<Response> {
    const number = this.#next++;
    const response = await fetch(`${await process.address('OTLP/HTTP')}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(exportRequest(number)),
    });
    await response.arrayBuffer();
    if (response.status === 200) this.acknowledged.push(number);
    return response;
  }

  /** Until one is refused. */
  async sendUntilFull(process: SpoorProcess): Promise<Response> {
    for (let i = 0; i < 5000; i++) {
      const response = await this.send(process);
      if (response.status !== 200) return response;
    }
    throw new Error('the disk was never full');
  }

  async expectAll(process: SpoorProcess): Promise<void> {
    const api = await process.address('UI and API');
    for (const number of this.acknowledged) {
      const response = await fetch(`${api}/api/traces/${traceIdOf(number)}`);
      const answer = JSON.stringify(await response.json());
      expect(answer.includes(JSON.stringify(noise(number))), `trace ${number}`).toBe(true);
    }
  }
}

/** The status of an export of nothing that can be stored: one span by OTLP/gRPC. */
async function grpcStatus(process: SpoorProcess): Promise<number> {
  const address = (await process.address('OTLP/gRPC')).replace(/^https?:\/\//, '');
  const client = new Client(address, credentials.createInsecure());
  const field = (number: number, bytes: Uint8Array) =>
    Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  const span = Buffer.concat([
    field(1, Buffer.from('ab'.repeat(16), 'hex')),
    field(2, Buffer.from('cd'.repeat(8), 'hex')),
  ]);
  const request = field(1, field(2, field(2, span)));
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest(
        '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        request,
        (error) => resolve(error?.code ?? GrpcStatus.OK),
      );
    });
  } finally {
    client.close();
  }
}

/** What the process says of itself, with the reason. */
async function health(process: SpoorProcess): Promise<string> {
  const address = await process.address('health');
  const response = await fetch(address.startsWith('http') ? address : `http://${address}`);
  return response.text();
}

test.skipIf(refusal !== undefined)(
  `a full disk refuses, answers, and takes spans again when there is room${note}`,
  async () => {
    const sent = new Spans();
    let process = start();
    for (let i = 0; i < 20; i++) expect((await sent.send(process)).status).toBe(200);
    fillDisk();
    const refused = await sent.sendUntilFull(process);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await grpcStatus(process)).toBe(GrpcStatus.RESOURCE_EXHAUSTED);
    await sent.expectAll(process);
    await expect.poll(() => health(process), { timeout: 30_000 }).toContain('ENOSPC');

    // Killed, and started on a disk that is as full.
    process.kill('SIGKILL');
    await process.finished;
    fillDisk();
    process = start();
    await sent.expectAll(process);
    expect((await sent.sendUntilFull(process)).status).toBe(503);
    await sent.expectAll(process);

    rmSync(ballast);
    await expect.poll(async () => (await sent.send(process)).status, { timeout: 60_000 }).toBe(200);
    await expect.poll(() => health(process), { timeout: 60_000 }).toContain('StatusOK');
    await sent.expectAll(process);
    process.kill('SIGTERM');
    expect((await process.finished).code).toBe(0);
    process = start();
    await sent.expectAll(process);
  },
  TIMEOUT,
);

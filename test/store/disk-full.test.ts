/** A disk that is really full: a file system of a few MiB in a file. Writes are refused, in the words
 *  of HTTP and of gRPC, and may be tried again; what is stored is read; when there is room again the
 *  same process takes spans again. Nothing that was acknowledged is lost, also when the process is
 *  killed while the disk is full and started on it as it is. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status as GrpcStatus } from '@grpc/grpc-js';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { SpoorProcess } from '../cli/spoor-process.ts';
import { grpcStatus, healthOf, SentSpans, startServer } from './served-store.ts';

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
  const started = startServer(join(disk, 'data'));
  running.push(started);
  return started;
}

test.skipIf(refusal !== undefined)(
  `a full disk refuses, answers, and takes spans again when there is room${note}`,
  async () => {
    const sent = new SentSpans();
    let process = start();
    for (let i = 0; i < 20; i++) expect((await sent.send(process)).status).toBe(200);
    fillDisk();
    const refused = await sent.sendUntilFull(process);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await grpcStatus(process)).toBe(GrpcStatus.RESOURCE_EXHAUSTED);
    await sent.expectAll(process);
    await expect
      .poll(async () => (await healthOf(process)).text, { timeout: 30_000 })
      .toContain('ENOSPC');

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
    await expect
      .poll(async () => (await healthOf(process)).text, { timeout: 60_000 })
      .toContain('StatusOK');
    await sent.expectAll(process);
    process.kill('SIGTERM');
    expect((await process.finished).code).toBe(0);
    process = start();
    await sent.expectAll(process);
  },
  TIMEOUT,
);

/** A disk that cannot keep what it was given, below a real server: fdatasync of the log fails with EIO
 *  and its bytes are gone, while the next sync says that all is well. Nothing is acknowledged that the
 *  disk has not; health says why; reads go on; and a server that is killed and started again has all
 *  that was acknowledged before, meanwhile and after. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { status as GrpcStatus } from '@grpc/grpc-js';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { SpoorProcess } from '../cli/spoor-process.ts';
import { grpcStatus, healthOf, SentSpans, startServer } from './served-store.ts';

const TIMEOUT = 240_000;

const root = mkdtempSync(join(tmpdir(), 'spoor-sync-fails-'));
const library = join(root, 'failing-sync.so');
const refusal = compile();
const note = refusal === undefined ? '' : ` (needs Linux and a C compiler as cc: ${refusal})`;
const isFailing = join(root, 'is-failing');

const running: SpoorProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (process) => process.end()));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Why there is no such disk; undefined when there is. */
function compile(): string | undefined {
  if (process.platform !== 'linux') return 'this is no Linux';
  const source = fileURLToPath(new URL('./faults/failing-sync.c', import.meta.url));
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return undefined;
  } catch (error) {
    return String(error).split('\n')[0];
  }
}

/** libuv may hand syncs to the kernel past libc, if it is let. */
function start(): SpoorProcess {
  const env = { LD_PRELOAD: library, FAILING_SYNC: isFailing, UV_USE_IO_URING: '0' };
  const started = startServer(join(root, 'data'), env);
  running.push(started);
  return started;
}

test.skipIf(refusal !== undefined)(
  `what a failing disk has lost was never acknowledged${note}`,
  async () => {
    const sent = new SentSpans();
    let server = start();
    for (let i = 0; i < 10; i++) expect((await sent.send(server)).status).toBe(200);
    expect(readFileSync(`/proc/${server.pid}/maps`, 'utf8')).toContain(library);

    writeFileSync(isFailing, '');
    for (let i = 0; i < 3; i++) {
      const refused = await sent.send(server);
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(await grpcStatus(server)).toBe(GrpcStatus.UNAVAILABLE);
    await expect
      .poll(async () => (await healthOf(server)).text, { timeout: 30_000 })
      .toContain('EIO');
    await sent.expectAll(server);

    // Many at once, some of them while the disk is well again.
    const crowd = Array.from({ length: 20 }, () => sent.send(server));
    rmSync(isFailing);
    await Promise.all(crowd);
    expect((await sent.send(server)).status).toBe(200);
    await expect
      .poll(async () => (await healthOf(server)).text, { timeout: 30_000 })
      .toContain('StatusOK');
    await sent.expectAll(server);

    server.kill('SIGKILL');
    await server.finished;
    server = start();
    await sent.expectAll(server);

    // Killed while it fails.
    writeFileSync(isFailing, '');
    expect((await sent.send(server)).status).toBe(503);
    server.kill('SIGKILL');
    await server.finished;
    rmSync(isFailing);
    server = start();
    await sent.expectAll(server);
    expect((await healthOf(server)).status).toBe(200);
    expect((await sent.send(server)).status).toBe(200);
  },
  TIMEOUT,
);

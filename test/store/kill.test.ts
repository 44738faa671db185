/** What was acknowledged is there after kill -9, whenever it comes. A process that writes under load
 *  is killed at random moments, again and again on one directory; a ledger of what it said to have
 *  stored is held against the reopened store. SPOOR_KILL_ROUNDS sets how often. */

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { storedSpans, texts } from '../../src/storage/conformance/plain-spans.ts';
import { Chance } from '../../src/storage/conformance/random-spans.ts';
import { batchOf, killTestConfig, tenantOf, TENANTS, traceIdOf } from './killed-batches.ts';

const ROUNDS = Number(process.env['SPOOR_KILL_ROUNDS'] ?? 15);
const SEED = Number(process.env['SPOOR_KILL_SEED'] ?? Math.floor(Date.now() / 1000));
const chance = new Chance(SEED);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spoor-kill-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** What the writers of all rounds said. */
const begun = new Set<number>();
const acknowledged = new Set<number>();
let interruptedFiles = 0;

test(
  `${ROUNDS} kills lose and alter nothing, SPOOR_KILL_SEED=${SEED}`,
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const before = acknowledged.size;
      await killOneWriter(round);
      interruptedFiles += await countInterrupted();
      const fresh = [...acknowledged].slice(before);
      await audit([...fresh, ...sample(acknowledged, 40)], begun);
    }
    await audit([...acknowledged], new Set());
    console.info(
      `${ROUNDS} kills: ${acknowledged.size} batches acknowledged, 0 lost, 0 altered; ` +
        `${interruptedFiles} files were being written`,
    );
    expect(acknowledged.size).toBeGreaterThan(ROUNDS);
  },
  60_000 + ROUNDS * 20_000,
);

/** Lets a writer run for a while and kills it. */
async function killOneWriter(round: number): Promise<void> {
  const first = Math.max(0, ...begun) + 1;
  const child = fork(join(import.meta.dirname, 'killed-writer.ts'), [directory, String(first)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr?.on('data', (chunk) => (complaint += chunk));
  const started = whenStarted(child);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await Promise.race([started, ended]);
  // Now and then at once: while it reads back what the last one left.
  await new Promise((resolve) => setTimeout(resolve, round % 5 === 4 ? 0 : chance.below(1500)));
  const isAlive = child.exitCode === null && child.signalCode === null;
  child.kill('SIGKILL');
  await ended;
  expect(isAlive, `the writer ended by itself: ${complaint}`).toBe(true);
}

/** Resolves at the first acknowledgement, and notes all of them. */
function whenStarted(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on('message', (message: { begun?: number; acknowledged?: number }) => {
      if (message.begun !== undefined) begun.add(message.begun);
      if (message.acknowledged === undefined) return;
      acknowledged.add(message.acknowledged);
      resolve();
    });
  });
}

/** Temporary files, and an index that has no Parquet file yet. */
async function countInterrupted(): Promise<number> {
  let count = 0;
  for (const tenant of await readdir(join(directory, 'tenants'))) {
    const names = await readdir(join(directory, 'tenants', tenant, 'seg'));
    count += names.filter((name) => name.endsWith('.tmp')).length;
  }
  return count;
}

/** Each of these is there whole and once; the others that were begun are there as sent or not. */
async function audit(wanted: readonly number[], others: ReadonlySet<number>): Promise<void> {
  const backend = await openEmbedded(killTestConfig(directory), {
    clock: systemClock,
    logger: silentLogger,
  });
  try {
    expect(backend.health()).toMatchObject({ ok: true, problems: [] });
    const resent = sample(new Set(wanted), 5);
    for (const number of resent) await backend.writer.write(batchOf(number));
    const unsure = [...others].filter((number) => !acknowledged.has(number)).slice(-40);
    for (const tenant of TENANTS) {
      const own = (numbers: readonly number[]) => numbers.filter((n) => tenantOf(n) === tenant);
      const found = await readTraces(backend, tenant, [...own(wanted), ...own(unsure)]);
      for (const number of own(wanted)) {
        const expected = texts(storedSpans(batchOf(number)));
        expect(found.get(traceIdOf(number)), `batch ${number} of ${tenant}`).toEqual(expected);
      }
      for (const number of own(unsure)) {
        const expected = new Set(texts(storedSpans(batchOf(number))));
        const rows = found.get(traceIdOf(number)) ?? [];
        expect(
          rows.filter((row) => !expected.has(row)),
          `batch ${number}`,
        ).toEqual([]);
      }
    }
  } finally {
    await backend.close();
  }
}

async function readTraces(
  backend: StorageBackend,
  tenant: string,
  numbers: readonly number[],
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const refs = numbers.map((number) => ({ traceId: traceIdOf(number) }));
  for await (const batch of backend.reader.getTraces(tenant, refs)) {
    const rows = storedSpans(batch);
    found.set(rows[0]!.traceId, texts(rows));
  }
  return found;
}

function sample(all: ReadonlySet<number>, count: number): number[] {
  const list = [...all];
  return list.length === 0 ? [] : Array.from({ length: count }, () => chance.of(list));
}

/** Deleted stays deleted and the rest stays whole, when the process is killed at any moment of a
 *  deletion. SPOOR_KILL_ROUNDS sets how often. */

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { storedSpans, texts } from '../../src/storage/conformance/plain-spans.ts';
import { Chance } from '../../src/storage/conformance/random-spans.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { filesWith, formsOf } from './byte-scan.ts';
import { DELETION_RANGE, madeTraces, traceBatch } from './deleted-traces.ts';

const ROUNDS = Math.min(40, Number(process.env['SPOOR_KILL_ROUNDS'] ?? 8));
const SEED = Number(process.env['SPOOR_KILL_SEED'] ?? Math.floor(Date.now() / 1000));
const chance = new Chance(SEED);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spoor-deletion-kill-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Numbers of traces, as the processes of all rounds told. */
const begun = new Set<number>();
const written = new Set<number>();
const deleting = new Set<number>();
const hidden = new Set<number>();
let interrupted = 0;

const tombstones = () =>
  readdir(join(directory, 'tenants', 't-default', 'tombstones')).catch(() => []);

test(
  `${ROUNDS} kills bring nothing back and take nothing else, SPOOR_KILL_SEED=${SEED}`,
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await killOne(round);
      interrupted += (await tombstones()).length;
      await audit();
    }
    console.info(
      `${ROUNDS} kills: ${written.size} traces written, ${hidden.size} deleted, ` +
        `${interrupted} deletions were interrupted`,
    );
    expect(hidden.size).toBeGreaterThan(0);
  },
  60_000 + ROUNDS * 60_000,
);

interface Told {
  readonly begun?: number;
  readonly written?: number;
  readonly deleting?: readonly number[];
  readonly hidden?: readonly number[];
}

async function killOne(round: number): Promise<void> {
  const first = Math.max(0, ...begun) + 1;
  const child = fork(join(import.meta.dirname, 'killed-deleter.ts'), [directory, String(first)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr?.on('data', (chunk) => (complaint += chunk));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await Promise.race([whenDeleted(child), ended]);
  // Now and then at once: while it goes on with what the last one began.
  await new Promise((resolve) => setTimeout(resolve, round % 4 === 3 ? 0 : chance.below(600)));
  const isAlive = child.exitCode === null && child.signalCode === null;
  child.kill('SIGKILL');
  await ended;
  expect(isAlive, `the process ended by itself: ${complaint}`).toBe(true);
}

/** Resolves at the first deletion, and notes everything. */
function whenDeleted(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on('message', (told: Told) => {
      if (told.begun !== undefined) begun.add(told.begun);
      if (told.written !== undefined) written.add(told.written);
      for (const number of told.deleting ?? []) deleting.add(number);
      for (const number of told.hidden ?? []) hidden.add(number);
      if (told.hidden !== undefined) resolve();
    });
  });
}

async function audit(): Promise<void> {
  const config = EmbeddedConfig.parse({ directory, flush_spans: 60, stitch_row_groups: 3 });
  const backend = await openEmbedded(config, { clock: systemClock, logger: silentLogger });
  try {
    expect(backend.health()).toMatchObject({ ok: true, problems: [] });
    await expectAnswers(backend);
    await expect.poll(tombstones, { timeout: 60_000 }).toEqual([]);
    await expectAnswers(backend);
    const gone = [...hidden].flatMap((number) => madeTraces(1, number));
    const needles = gone.flatMap(({ traceId, spanIds, secret }) => [
      ...formsOf(traceId),
      ...spanIds.flatMap(formsOf),
      Buffer.from(secret),
    ]);
    expect(await filesWith(directory, needles)).toEqual(new Map());
  } finally {
    await backend.close();
  }
}

async function expectAnswers({ reader }: StorageBackend): Promise<void> {
  const query = { tenant: 'default', range: DELETION_RANGE, limit: 100_000 };
  const { traces, warnings } = await reader.findTraces(query);
  expect(warnings).toEqual([]);
  const found = new Set(traces.map(({ traceId }) => traceId));
  for (const number of written) {
    const [trace] = madeTraces(1, number);
    if (trace === undefined) continue;
    const { traceId } = trace;
    const stored = texts(storedSpans(await reader.getTrace('default', { traceId })));
    expect(found.has(traceId), `trace ${number}, by search`).toBe(stored.length > 0);
    if (hidden.has(number)) expect(stored, `trace ${number} was deleted`).toEqual([]);
    else if (stored.length > 0 || !deleting.has(number)) {
      expect(stored, `trace ${number}`).toEqual(texts(storedSpans(traceBatch(trace))));
    }
  }
}

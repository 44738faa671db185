/** A backup of a store in use is a store: it has everything that had been acknowledged when it began,
 *  and nothing that had been deleted, whatever flushes, stitches and deletions do meanwhile. */

import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { storedSpans, texts } from '../../src/storage/conformance/plain-spans.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { backUp } from '../../src/storage/embedded/inspect/backup.ts';
import { type MadeTrace, madeTraces, traceBatch } from './deleted-traces.ts';

const TIMEOUT = 120_000;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spoor-backup-'));
});
afterEach(() => rm(root, { recursive: true }));

const open = (directory: string) =>
  openEmbedded(EmbeddedConfig.parse({ directory, flush_spans: 60, stitch_row_groups: 3 }), {
    clock: systemClock,
    logger: silentLogger,
  });

async function expectContent(
  directory: string,
  there: readonly MadeTrace[],
  gone: readonly MadeTrace[],
): Promise<void> {
  const backend = await open(directory);
  try {
    expect(backend.health()).toMatchObject({ ok: true, problems: [] });
    const stored = async ({ traceId }: MadeTrace) =>
      texts(storedSpans(await backend.reader.getTrace('default', { traceId })));
    for (const trace of there) {
      expect(await stored(trace), `${trace.number}`).toEqual(texts(storedSpans(traceBatch(trace))));
    }
    for (const trace of gone) expect(await stored(trace), `${trace.number} is gone`).toEqual([]);
  } finally {
    await backend.close();
  }
}

/** A flush every eight writes and a stitch every third flush must not outrun a slow disk's copies. */
const PAUSE_MS = 20;

/** Writes until it is told to stop; what it has written stands in `written`. */
class Writer {
  readonly written: MadeTrace[] = [];
  readonly #over = new AbortController();
  readonly #run: Promise<void>;

  constructor(backend: StorageBackend) {
    this.#run = this.#write(backend);
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#run;
  }

  async #write({ writer }: StorageBackend): Promise<void> {
    for (let number = 0; !this.#over.signal.aborted; number++) {
      const [trace] = madeTraces(1, number);
      if (trace === undefined) return;
      await writer.write(traceBatch(trace));
      this.written.push(trace);
      await setTimeout(PAUSE_MS);
    }
  }
}

for (const isLinked of [false, true]) {
  test(
    `a store that changes all the while, ${isLinked ? 'linked' : 'copied'}, again and again`,
    async () => {
      const source = join(root, 'source');
      const target = join(root, 'target');
      const backend = await open(source);
      const writer = new Writer(backend);
      const gone: MadeTrace[] = [];
      let there: MadeTrace[] = [];
      try {
        for (let round = 0; round < 3; round++) {
          const wanted = writer.written.length + 60;
          await expect
            .poll(() => writer.written.length, { timeout: TIMEOUT })
            .toBeGreaterThan(wanted);
          const victims = [writer.written[round * 7 + 3]!, writer.written.at(-2)!];
          const traceIds = victims.map(({ traceId }) => traceId);
          // Hidden is enough: its files may hold it still.
          await new Promise<void>((resolve, reject) => {
            backend
              .maintenance!.deleteTraces('default', { traceIds }, { onProgress: () => resolve() })
              .catch(reject);
          });
          gone.push(...victims);
          there = writer.written.filter((trace) => !gone.includes(trace));
          const onProgress = () => {};
          const { files } = await backUp({ source, target, isLinked, onProgress });
          expect(files).toBeGreaterThan(0);
        }
      } finally {
        await writer.stop();
        await backend.close();
      }
      await expectContent(target, there, gone);
    },
    TIMEOUT,
  );
}

test(
  'a file that an interruption left short is copied again',
  async () => {
    const source = join(root, 'source');
    const target = join(root, 'target');
    const traces = madeTraces(50);
    const backend = await open(source);
    for (const trace of traces) await backend.writer.write(traceBatch(trace));
    await backend.close();
    const options = { source, target, isLinked: false, onProgress: () => {} };
    await backUp(options);
    const segments = join(target, 'tenants', 't-default', 'seg');
    for (const name of await readdir(segments)) await truncate(join(segments, name), 10);
    await backUp(options);
    await expectContent(target, traces, []);
    await expectContent(source, traces, []);
  },
  TIMEOUT,
);

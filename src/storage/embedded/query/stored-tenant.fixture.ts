/** A tenant's files and head without the engine: what reads are tested on. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/logger.ts';
import { encodeFrame } from '../../../model/batch/frame.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { Encoder } from '../encode/encoder.ts';
import { Head, HeadEntry } from '../head.ts';
import { type HashSeed, identityHashes } from '../identity.ts';
import type { DataFile, Manifest } from '../manifest.ts';
import { FileReader } from '../read/file-reader.ts';
import { QueryProcess, type QueryProcessSettings } from './query-process.ts';
import type { ReadContext } from './read-context.ts';
import { SharedTraces } from './shared-traces.ts';
import { DamageFound, VerifiedFiles } from './verified-files.ts';

const SEED: HashSeed = [1, 2];

export class StoredTenant {
  readonly directory = mkdtempSync(join(tmpdir(), 'spoor-reads-'));
  readonly port: QueryProcess;
  readonly reader = new FileReader(
    { waitingMax: 1000, timeLimitMs: 60_000, resultBytesMax: 512e6 },
    { clock: systemClock, logger: silentLogger },
  );
  readonly pages = new VerifiedFiles({
    verifier: this.reader,
    clock: systemClock,
    timeLimitMs: 60_000,
    onDamage: ({ path }, damage) => {
      this.files = this.files.map((file) => (file.path === path ? { ...file, damage } : file));
    },
  });
  readonly shared = new SharedTraces();
  readonly warnings: string[] = [];
  files: DataFile[] = [];
  readonly #encoder = new Encoder({ seed: 1 });
  #entries: HeadEntry[] = [];
  #walSeq = 0;
  #flushes = 0;
  #fresh = 0;

  constructor(settings: Partial<QueryProcessSettings> = {}) {
    this.port = new QueryProcess(
      {
        threads: 2,
        memoryBytes: 1e9,
        rssBytesMax: 4e9,
        resultBytesMax: 512e6,
        tempDirectory: this.directory,
        directories: [this.directory],
        concurrency: 4,
        waitingMax: 1000,
        timeLimitMs: 60_000,
        ...settings,
      },
      { clock: systemClock, logger: silentLogger },
    );
  }

  add(batch: SpanBatch): void {
    const walSeq = ++this.#walSeq;
    const frame = encodeFrame(batch);
    this.#encoder.append('t', { walSeq, frame, hashes: identityHashes(batch, SEED) });
    this.#entries.push(new HeadEntry(walSeq, batch));
  }

  async flush(): Promise<void> {
    const from = ++this.#flushes;
    this.files.unshift(await this.#encoder.flush('t', { directory: this.directory, from }));
    this.#entries = [];
  }

  /** All files become segments of so many row groups. */
  async stitch(rowGroups = Infinity): Promise<void> {
    const inOrder = this.files.toReversed();
    const segments: DataFile[] = [];
    while (inOrder.length > 0) {
      const inputs = inOrder.splice(0, rowGroups);
      const [first, last] = [inputs[0]?.from ?? 0, inputs.at(-1)?.to ?? 0];
      const path = join(this.directory, `segment-${first}-${last}.parquet`);
      segments.unshift(await this.#encoder.stitch(inputs, path));
    }
    this.files = segments;
  }

  /** Traces of files are hidden, until `rewrite`. */
  hide(traceId: string): void {
    this.files = this.files.map((file) => ({
      ...file,
      deleted: new Set([...(file.deleted ?? []), traceId]),
    }));
  }

  /** Files without what is hidden in them; then they may be stitched again. */
  async rewrite(): Promise<void> {
    const rewritten = this.files.map(async (file) => {
      const path = join(this.directory, `${file.from}-${file.to}.${++this.#fresh}.parquet`);
      return file.deleted === undefined ? file : this.#encoder.rewrite(file, path, SEED);
    });
    const files = await Promise.all(rewritten);
    this.files = files.filter((file) => file !== undefined);
  }

  async context(): Promise<ReadContext> {
    const path = join(this.directory, `fresh-${++this.#fresh}.parquet`);
    const fresh = this.#entries.length > 0 ? await this.#encoder.snapshot('t', path) : undefined;
    const manifest: Manifest = {
      tenant: 't',
      files: this.files,
      head: new Head([...this.#entries]),
      fresh,
      release() {},
    };
    const onWarning = (warning: string) => void this.warnings.push(warning);
    const { port, reader, pages, shared } = this;
    return { port, reader, pages, shared, manifest, seed: SEED, onWarning };
  }

  /** As the store asks: again when damage was found. */
  async ask<T>(question: (context: ReadContext) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await question(await this.context());
      } catch (error) {
        if (!(error instanceof DamageFound) || attempt === 20) throw error;
      }
    }
  }

  async close(): Promise<void> {
    await this.port.close();
    await this.reader.close();
    await this.#encoder.close();
    rmSync(this.directory, { recursive: true });
  }
}

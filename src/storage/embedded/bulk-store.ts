/** A store directory written while no server runs: spans go straight to the encoder, in two threads
 *  by turns, and no log is kept. What a crash interrupts is missing from the last whole flush on,
 *  so this is for spans that can be made or read again. The directory is like any other afterwards;
 *  its lock is held meanwhile. */

import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { encodeFrame } from '../../model/batch/frame.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { StorageError } from '../contract.ts';
import { Catalogue } from './catalogue.ts';
import {
  listTenant,
  openDirectory,
  type OpenDirectoryDeps,
  type StoreDirectory,
  type TenantDirectory,
  tenantDirectory,
} from './directory.ts';
import { openDataFile } from './encode/data-file.ts';
import { Encoder } from './encode/encoder.ts';
import { replaceFile } from './file-system.ts';
import { type DataFile, indexPathOf } from './manifest.ts';
import { nextStitch } from './stitch-policy.ts';
import { decodeTenantState, encodeTenantState } from './tenant-state.ts';
import { listWal } from './wal/replay.ts';

const FLUSH_SPANS = 32_768;
const STITCH_ROW_GROUPS = 32;
/** A third would have no core: whoever makes the spans takes half of one. */
const THREADS_MAX = 2;

interface BulkState {
  readonly files: readonly DataFile[];
  readonly nextFlush: number;
  readonly walTo: number;
  readonly catalogue: Catalogue;
}

export class BulkStore {
  readonly #deps: OpenDirectoryDeps;
  readonly #store: StoreDirectory;
  readonly #directory: TenantDirectory;
  readonly #tenant: string;
  readonly #encoders: readonly Encoder[];
  readonly #catalogue: Catalogue;
  /** Oldest first. */
  #files: readonly DataFile[];
  readonly #flushes: Promise<DataFile>[] = [];
  #stitching: Promise<void> = Promise.resolve();
  #nextFlush: number;
  #walTo: number;
  #rows = 0;

  private constructor(
    at: { store: StoreDirectory; directory: TenantDirectory; tenant: string },
    { files, nextFlush, walTo, catalogue }: BulkState,
    deps: OpenDirectoryDeps,
  ) {
    this.#deps = deps;
    this.#store = at.store;
    this.#directory = at.directory;
    this.#tenant = at.tenant;
    this.#files = files;
    this.#nextFlush = nextFlush;
    this.#walTo = walTo;
    this.#catalogue = catalogue;
    const threads = Math.min(THREADS_MAX, availableParallelism());
    const [seed] = at.store.hashSeed;
    const { clock } = deps;
    this.#encoders = Array.from({ length: threads }, () => new Encoder({ seed, clock }));
  }

  /** Throws StorageError 'unusable' when a server uses the directory, or has spans in its log. */
  static async open(root: string, tenant: string, deps: OpenDirectoryDeps): Promise<BulkStore> {
    const store = await openDirectory(root, deps);
    try {
      if ((await listWal(deps.files, store.wal)).length > 0) {
        throw new StorageError('unusable', `${root} has spans in its log`, {
          hint: 'start a server on it and stop it: it moves them to files',
        });
      }
      const directory = tenantDirectory(root, tenant);
      const state = await readState(directory, deps);
      return new BulkStore({ store, directory, tenant }, state, deps);
    } catch (error) {
      await store.release();
      throw error;
    }
  }

  /** In files already. */
  get storedSpans(): number {
    return this.#files.reduce((sum, { rows }) => sum + rows, 0);
  }

  get bytes(): number {
    return this.#files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Waits while the encoders are behind. */
  async add(batch: SpanBatch): Promise<void> {
    this.#walTo += 1;
    this.#encoder().append(this.#tenant, {
      walSeq: this.#walTo,
      frame: encodeFrame(batch),
      // Nobody sends these again.
      hashes: new Uint32Array(0),
    });
    this.#catalogue.add(batch, this.#deps.clock.nowMs());
    this.#rows += batch.count;
    if (this.#rows >= FLUSH_SPANS) await this.#flush();
  }

  /** Writes what is left and gives the directory back. Everything added is then on the disk. */
  async close(): Promise<void> {
    try {
      if (this.#rows > 0) await this.#flush();
      while (this.#flushes.length > 0) await this.#settleOldest();
      await this.#stitching;
      await this.#stitch(Infinity);
      const catalogue = this.#catalogue.takeState();
      const state = { nextFlush: this.#nextFlush, walTo: this.#walTo, catalogue };
      await replaceFile(this.#deps.files, this.#directory.catalogue, encodeTenantState(state));
    } finally {
      await Promise.all(this.#encoders.map((encoder) => encoder.close()));
      await this.#store.release();
    }
  }

  #encoder(): Encoder {
    const encoder = this.#encoders[this.#nextFlush % this.#encoders.length];
    if (encoder === undefined) throw new RangeError('no encoder');
    return encoder;
  }

  async #flush(): Promise<void> {
    const target = { directory: this.#directory.segments, from: this.#nextFlush };
    const flush = this.#encoder().flush(this.#tenant, target);
    // Whoever waits for it hears of it; until then it must not count as unheard.
    flush.catch(() => {});
    this.#flushes.push(flush);
    this.#nextFlush += 1;
    this.#rows = 0;
    if (this.#flushes.length >= this.#encoders.length) await this.#settleOldest();
  }

  async #settleOldest(): Promise<void> {
    const file = await this.#flushes.shift();
    if (file === undefined) return;
    this.#files = [...this.#files, file];
    await this.#stitching;
    this.#stitching = this.#stitch(0);
    this.#stitching.catch(() => {});
  }

  async #stitch(nowMs: number): Promise<void> {
    const { files } = this.#deps;
    for (;;) {
      const inputs = nextStitch(this.#files, { rowGroups: STITCH_ROW_GROUPS, nowMs });
      const first = inputs[0];
      const last = inputs.at(-1);
      if (first === undefined || last === undefined) return;
      const path = join(this.#directory.segments, `${first.from}-${last.to}.parquet`);
      const output = await this.#encoder().stitch(inputs, path);
      this.#files = this.#files.flatMap((file) => {
        if (!inputs.includes(file)) return [file];
        return file === first ? [output] : [];
      });
      for (const input of inputs) {
        await files.unlink(input.path);
        await files.unlink(indexPathOf(input.path));
      }
    }
  }
}

async function readState(directory: TenantDirectory, deps: OpenDirectoryDeps): Promise<BulkState> {
  const { files } = deps;
  const listing = await listTenant(files, directory);
  const open: DataFile[] = [];
  for (const { path } of listing.files) open.push(await openDataFile(path));
  const isKnown = (await files.stat(directory.catalogue)) !== undefined;
  const state = isKnown ? decodeTenantState(await files.read(directory.catalogue)) : undefined;
  const catalogue = new Catalogue();
  if (state !== undefined) catalogue.restore(state.catalogue);
  return {
    files: open,
    nextFlush: Math.max(state?.nextFlush ?? 1, (open.at(-1)?.to ?? 0) + 1),
    walTo: open.reduce((most, { walTo }) => Math.max(most, walTo), state?.walTo ?? 0),
    catalogue,
  };
}

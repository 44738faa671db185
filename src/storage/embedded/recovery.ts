/** From a directory to a running engine: the files that are there, then the records of the log that
 *  are in none of them. */

import { messageOf } from '../../lib/errors.ts';
import {
  listTenant,
  openDirectory,
  type OpenDirectoryDeps,
  type StoreDirectory,
  type StoredFile,
  tenantDirectory,
} from './directory.ts';
import { findRows } from './deletion/find-rows.ts';
import { hashesOf } from './deletion/forget-spent.ts';
import { decodeTombstone, listTombstones } from './deletion/tombstone.ts';
import { openDataFile, readSegmentIndex } from './encode/data-file.ts';
import { Encoder, type StartWorker } from './encode/encoder.ts';
import type { SegmentEncoder } from './encoder-port.ts';
import { Engine, type EngineDeps, type EngineOptions } from './engine.ts';
import { temporaryPath } from './file-system.ts';
import type { DataFile } from './manifest.ts';
import type { SegmentIndex } from './segment-index.ts';
import { decodeTenantState } from './tenant-state.ts';
import type { TenantStore } from './tenant-store.ts';
import { listWal, replayFile } from './wal/replay.ts';
import { Wal } from './wal/wal.ts';

export interface OpenEngineDeps extends OpenDirectoryDeps, Pick<EngineDeps, 'logger'> {
  readonly startWorker?: StartWorker | undefined;
}

export interface OpenedEngine {
  readonly engine: Engine;
  readonly encoder: SegmentEncoder;
  readonly directory: StoreDirectory;
  readonly wal: Wal;
  /** What could not be read, for people. */
  readonly damage: readonly string[];
  /** The part of it for which answers lack something, or have what they should not. */
  readonly missing: readonly string[];
}

export async function openEngine(
  root: string,
  options: EngineOptions,
  deps: OpenEngineDeps,
): Promise<OpenedEngine> {
  const directory = await openDirectory(root, deps);
  let engine: Engine | undefined;
  const encoder = new Encoder({
    seed: directory.hashSeed[0],
    clock: deps.clock,
    startWorker: deps.startWorker,
    onFailure: () => engine?.encoderLost(),
  });
  try {
    const wal = new Wal({
      ...deps,
      directory: directory.wal,
      salt: directory.hashSeed[0],
      // A file is unlinked as a whole.
      fileBytesMax: Math.ceil(options.unflushedBytesMax / 3),
    });
    engine = new Engine({ ...deps, options, directory, encoder, wal });
    const recovery = new Recovery({ engine, wal, directory, deps, options });
    await recovery.run();
    engine.start();
    const { damage, missing } = recovery;
    return { engine, encoder, directory, wal, damage, missing };
  } catch (error) {
    await encoder.close();
    await directory.release();
    throw error;
  }
}

interface RecoveryDeps {
  readonly engine: Engine;
  readonly wal: Wal;
  readonly directory: StoreDirectory;
  readonly deps: OpenEngineDeps;
  readonly options: EngineOptions;
}

/** More records than any file has. Numbers last for two million such starts. */
const RECORDS_A_FILE_MAX = 2 ** 32;

/** Files are opened so many at a time. */
const OPENING_MAX = 8;

interface Hashes {
  readonly writtenAtMs: number;
  readonly words: Uint32Array;
}

class Recovery {
  readonly #with: RecoveryDeps;
  readonly damage: string[] = [];
  readonly missing: string[] = [];
  /** Words of identity hashes, with when they were written. */
  readonly #hashes: Hashes[] = [];

  constructor(parts: RecoveryDeps) {
    this.#with = parts;
  }

  async run(): Promise<void> {
    for (const tenant of this.#with.directory.tenants) await this.#openTenant(tenant);
    await this.#replayLog();
    this.#rememberHashes();
  }

  async #openTenant(tenant: string): Promise<void> {
    const { engine, wal, directory, deps } = this.#with;
    const folder = tenantDirectory(directory.root, tenant);
    const listing = await listTenant(deps.files, folder);
    await deps.files.unlink(temporaryPath(folder.catalogue));
    const state = await this.#readState(folder.catalogue);
    const files = await this.#openFiles(listing.files);
    const store = engine.openTenant(tenant);
    for (const problem of await store.rollups.restore()) this.#miss(problem);
    // A damaged file keeps its number: no other may take its name.
    const nextFlush = Math.max(state?.nextFlush ?? 1, (listing.files.at(-1)?.to ?? 0) + 1);
    store.restore({ ...state, nextFlush }, files);
    await this.#buryAgain(store, folder.tombstones);
    // A file that cannot be read today may be read at the next start, which skips the records that it
    // has: no new one may get a number of theirs, and only the file knows these.
    const isAllRead = files.length === listing.files.length;
    wal.continueAfter(store.walTo + (isAllRead ? 0 : RECORDS_A_FILE_MAX));
    await this.#readHashes(store, listing.spentIndexes);
  }

  /** Of files and of indexes that are kept for them alone. */
  async #readHashes(store: TenantStore, spentIndexes: readonly string[]): Promise<void> {
    for (const path of spentIndexes) {
      const index = await this.#attempt(path, () => readSegmentIndex(path));
      if (index === undefined) continue;
      const { rows, writtenAtMs } = index.header;
      store.files.adoptSpent({ path, rows, writtenAtMs });
      // When they are damaged, rows that are sent again may be stored twice.
      const hashes = await this.#attempt(path, async () => hashesIn(index));
      if (hashes !== undefined) this.#hashes.push(hashes);
    }
    for (const file of store.files.all) {
      try {
        if (file.index === undefined) void store.repairs.repair(file);
        else this.#hashes.push(hashesIn(file.index));
      } catch {
        // Who makes it again says and counts that it was damaged.
        void store.repairs.repair(file);
      }
    }
  }

  /** What was deleted and not erased yet stays hidden. Files of later records have none of it. */
  async #buryAgain(store: TenantStore, directory: string): Promise<void> {
    const { deps, wal } = this.#with;
    for (const path of await listTombstones(deps.files, directory)) {
      const bytes = await deps.files.read(path);
      // Answers have what was deleted then, and have to say so.
      const tombstone = await this.#attempt(
        path,
        async () => decodeTombstone(path, bytes),
        'missing',
      );
      if (tombstone === undefined) continue;
      const older = store.files.all.filter(({ walTo }) => walTo <= tombstone.walTo);
      store.bury(tombstone, (await findRows(older, tombstone.traceIds)).byPath);
      wal.continueAfter(tombstone.walTo);
    }
  }

  async #readState(path: string) {
    const { files } = this.#with.deps;
    if ((await files.stat(path)) === undefined) return undefined;
    const state = decodeTenantState(await files.read(path));
    if (state === undefined) this.#report(`${path} cannot be read; its lists begin anew`);
    return state;
  }

  async #openFiles(listed: readonly StoredFile[]): Promise<DataFile[]> {
    const opened: DataFile[] = [];
    for (let i = 0; i < listed.length; i += OPENING_MAX) {
      const some = listed.slice(i, i + OPENING_MAX);
      const files = await Promise.all(
        some.map(({ path }) => this.#attempt(path, () => openDataFile(path), 'missing')),
      );
      opened.push(...files.filter((file) => file !== undefined));
    }
    return opened;
  }

  async #replayLog(): Promise<void> {
    const { engine, wal, directory, deps } = this.#with;
    const options = { ...deps, directory: directory.wal, salt: directory.hashSeed[0] };
    const numbers = await listWal(deps.files, directory.wal);
    let spans = 0;
    for (const number of numbers) {
      const { file, records, damagedBytes, tornBytes } = await replayFile(number, options);
      if (damagedBytes > 0) this.#miss(`${file.path}: ${damagedBytes} bytes are damaged`);
      if (tornBytes > 0) {
        deps.logger.info({ path: file.path, bytes: tornBytes }, 'a write that was cut short');
      }
      for (const { seq, batch } of records) {
        if (seq <= (engine.tenant(batch.tenant)?.walTo ?? 0)) continue;
        await engine.prepareTenant(batch.tenant);
        engine.replay(seq, batch);
        spans += batch.count;
      }
      wal.adopt(file, number);
      await engine.relieve();
    }
    if (spans > 0) deps.logger.info({ spans }, 'read back from the log');
  }

  /** The youngest first, as far as there is room for them. */
  #rememberHashes(): void {
    const { engine, deps, options } = this.#with;
    const sinceMs = deps.clock.nowMs() - options.dedupWindowMs;
    const young = this.#hashes
      .filter(({ writtenAtMs }) => writtenAtMs >= sinceMs)
      .toSorted((a, b) => b.writtenAtMs - a.writtenAtMs);
    const gone = hashesOf(engine.stores.flatMap(({ tombstones }) => tombstones.all));
    const isGone = (low: number, high: number) =>
      gone.size > 0 && gone.has((BigInt(high) << 32n) | BigInt(low));
    let room = options.dedupSpansMax - engine.seen.size;
    for (const { words } of young) {
      room -= words.length / 2;
      if (room < 0) return;
      for (let i = 0; i < words.length; i += 2) {
        const [low = 0, high = 0] = words.subarray(i, i + 2);
        if (!isGone(low, high)) engine.seen.add(low, high);
      }
    }
  }

  /** `kind`: whether answers are not as they should be when it cannot be read. */
  async #attempt<T>(
    path: string,
    open: () => Promise<T>,
    kind: 'missing' | 'nothing' = 'nothing',
  ): Promise<T | undefined> {
    try {
      return await open();
    } catch (error) {
      const why = messageOf(error);
      const problem = why.startsWith(path) ? why : `${path} cannot be read: ${why}`;
      if (kind === 'missing') this.#miss(problem);
      else this.#report(problem);
      return undefined;
    }
  }

  #miss(problem: string): void {
    this.missing.push(problem);
    this.#report(problem);
  }

  #report(problem: string): void {
    this.damage.push(problem);
    this.#with.deps.logger.error({}, problem);
  }
}

function hashesIn(index: SegmentIndex): Hashes {
  const hashes = index.hashes();
  const words = new Uint32Array(hashes.buffer, hashes.byteOffset, hashes.length * 2);
  return { writtenAtMs: index.header.writtenAtMs, words };
}

/** The write path: identity, log, then head, encoder and catalogue of the tenant. On the main thread
 *  there is only what an acknowledgement needs; Parquet is made in the encoder's thread and read in
 *  the query process. */

import type { Clock, Timer } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { encodeFrame } from '../../model/batch/frame.ts';
import { gather } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { StorageError, type StorageHealth, type TraceWriter } from '../contract.ts';
import { ByteGate } from './byte-gate.ts';
import { type StoreDirectory, tenantDirectory } from './directory.ts';
import type { SegmentEncoder } from './encoder-port.ts';
import { type FileSystem, makeDurableDirectory } from './file-system.ts';
import { identityHashes } from './identity.ts';
import type { DataFile } from './manifest.ts';
import { expired, type RetentionLimits } from './retention.ts';
import type { RollupLimits } from './red/rollups.ts';
import { SeenSpans } from './seen-spans.ts';
import { TenantStore } from './tenant-store.ts';
import type { Wal } from './wal/wal.ts';

export interface EngineOptions {
  readonly flushSpans: number;
  readonly flushIntervalMs: number;
  readonly stitchRowGroups: number;
  readonly unflushedBytesMax: number;
  /** Flush who keeps the log from shrinking when it is longer than this. */
  readonly walBytesMax: number;
  readonly dedupWindowMs: number;
  readonly dedupSpansMax: number;
  readonly retention: RetentionLimits;
  /** Of what is counted of spans that are gone. */
  readonly rollups: RollupLimits;
}

export interface EngineDeps {
  readonly options: EngineOptions;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly directory: StoreDirectory;
  readonly encoder: SegmentEncoder;
  readonly wal: Wal;
}

const HOUSEKEEPING_MS = 1000;
const RETENTION_MS = 30_000;
const PATIENCE_MS = 5000;

export class Engine implements TraceWriter {
  readonly #deps: EngineDeps;
  readonly #tenants = new Map<string, TenantStore>();
  readonly #seen: SeenSpans;
  readonly #gate: ByteGate;
  readonly #timers: Timer[] = [];
  /** Groups of the log that were refused: what waited behind one cannot know what it was. */
  #refusals = 0;
  #isClosed = false;
  #releasing: Promise<void> = Promise.resolve();

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    const { options, clock } = deps;
    const seenOptions = { windowMs: options.dedupWindowMs, spansMax: options.dedupSpansMax };
    this.#seen = new SeenSpans(seenOptions, clock.nowMs());
    this.#gate = new ByteGate(
      {
        bytesMax: options.unflushedBytesMax,
        patienceMs: PATIENCE_MS,
        onWait: () => this.#flushLargest(),
      },
      clock,
    );
  }

  /** The encoder has forgotten every row. */
  encoderLost(): void {
    for (const store of this.#tenants.values()) store.encoderLost();
  }

  /** Begins what runs by itself. */
  start(): void {
    const { clock } = this.#deps;
    this.#timers.push(clock.every(HOUSEKEEPING_MS, () => this.#keepHouse()));
    this.#timers.push(clock.every(RETENTION_MS, () => this.applyRetention()));
    this.applyRetention();
  }

  /** Undefined when nothing was ever written for the tenant. */
  tenant(name: string): TenantStore | undefined {
    return this.#tenants.get(name);
  }

  get stores(): readonly TenantStore[] {
    return [...this.#tenants.values()];
  }

  get seen(): SeenSpans {
    return this.#seen;
  }

  /** Of all tenants. */
  get dataFiles(): readonly DataFile[] {
    return [...this.#tenants.values()].flatMap((store) => store.files.all);
  }

  /** The tenant's store, made when it is new. */
  openTenant(name: string): TenantStore {
    const known = this.#tenants.get(name);
    if (known !== undefined) return known;
    const { options, files, clock, logger, directory, encoder } = this.#deps;
    const store = new TenantStore({
      tenant: name,
      hashSeed: directory.hashSeed,
      directory: tenantDirectory(directory.root, name),
      files,
      clock,
      logger,
      encoder,
      flushSpans: options.flushSpans,
      flushBytes: options.unflushedBytesMax / 4,
      stitchRowGroups: options.stitchRowGroups,
      rollupLimits: options.rollups,
      onFlushed: (bytes) => {
        this.#gate.leave(bytes);
        this.#evict();
        void this.releaseLog();
      },
    });
    this.#tenants.set(name, store);
    return store;
  }

  /** The tenant's store and its folders. */
  async prepareTenant(name: string): Promise<TenantStore> {
    if (this.#isClosed) throw closed();
    const known = this.#tenants.get(name);
    if (known !== undefined) return known;
    const { files, directory } = this.#deps;
    const { segments, fresh } = tenantDirectory(directory.root, name);
    try {
      // Durable before the first record is: the log may be gone when the files are needed.
      await makeDurableDirectory(files, segments);
      await makeDurableDirectory(files, fresh);
    } catch (cause) {
      throw new StorageError('unavailable', `cannot make ${segments}: ${messageOf(cause)}`, {
        cause,
        retryable: true,
      });
    }
    return this.openTenant(name);
  }

  async write(batch: SpanBatch, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (batch.count === 0) return;
    const store = await this.prepareTenant(batch.tenant);
    await this.#gate.enter(batch.byteSize, signal);
    if (this.#isClosed) {
      this.#gate.leave(batch.byteSize);
      throw closed();
    }
    await abortable(this.#log(store, batch), signal);
  }

  /** Flushes everything when there is much of it, at start. */
  async relieve(): Promise<void> {
    if (this.#gate.bytes * 2 < this.#deps.options.unflushedBytesMax) return;
    await Promise.all([...this.#tenants.values()].map((store) => store.flushAll()));
  }

  /** Rows of the log that no file has, at start. */
  replay(walSeq: number, logged: SpanBatch): void {
    const store = this.openTenant(logged.tenant);
    const batch = store.tombstones.spare(walSeq, logged);
    if (batch === undefined) return;
    const { kept, hashes } = this.#unseen(store, batch);
    if (kept === undefined) return;
    const frame = encodeFrame(kept);
    this.#gate.force(kept.byteSize);
    store.add({ walSeq, batch: kept, frame, hashes });
  }

  /** Removes files that are too old or too many, and what is remembered of them. */
  applyRetention(): void {
    const { options, clock } = this.#deps;
    const nowMs = clock.nowMs();
    this.#evict();
    for (const store of this.#tenants.values()) {
      store.catalogue.prune(nowMs - options.retention.maxAgeMs);
      void store.rollups.prune(options.rollups, nowMs);
      const sinceMs = nowMs - options.dedupWindowMs;
      store.files.trimSpent({ sinceMs, rowsMax: options.dedupSpansMax });
    }
  }

  #evict(): void {
    const { options, clock, logger } = this.#deps;
    const kept = [...this.#tenants].flatMap(([tenant, store]) =>
      store.retiring.others.map((file) => ({ tenant, file })),
    );
    for (const { tenant, file } of expired(kept, options.retention, clock.nowMs())) {
      this.#tenants.get(tenant)?.retiring.take(file);
      logger.debug({ tenant, path: file.path }, 'retention takes a file');
    }
  }

  health(): StorageHealth {
    const problems: string[] = [];
    const { wal, encoder } = this.#deps;
    if (wal.failure !== undefined) problems.push(wal.failure.message);
    if (encoder.problem !== undefined) problems.push(encoder.problem);
    for (const { problem } of this.#tenants.values()) {
      if (problem !== undefined) problems.push(problem);
    }
    return { ok: problems.length === 0, problems };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#timers) timer.cancel();
    const { wal, encoder, directory } = this.#deps;
    await wal.settled();
    await Promise.all([...this.#tenants.values()].map((store) => store.close()));
    await wal.rotate();
    await this.releaseLog();
    await encoder.close();
    await wal.close();
    await directory.release();
  }

  #log(store: TenantStore, batch: SpanBatch): Promise<void> {
    this.#seen.rotate(this.#deps.clock.nowMs());
    const { kept, hashes } = this.#unseen(store, batch);
    this.#gate.leave(batch.byteSize - (kept?.byteSize ?? 0));
    const refusals = this.#refusals;
    return new Promise((resolve, reject) => {
      if (kept === undefined) {
        // Every span was here before, perhaps a moment ago: wait until that is certain.
        this.#deps.wal.barrier(() => {
          if (this.#refusals === refusals) resolve();
          else reject(refused());
        });
        return;
      }
      const undo = () => {
        this.#gate.leave(kept.byteSize);
        this.#seen.removeAll(hashes);
      };
      const frame = framed(kept, undo);
      const walSeq = this.#deps.wal.append(store.tenant, frame, (error) => {
        if (error === undefined) {
          store.add({ walSeq, batch: kept, frame, hashes });
          if (kept === batch || this.#refusals === refusals) resolve();
          else reject(refused());
          return;
        }
        this.#refusals++;
        undo();
        reject(error);
      });
    });
  }

  /** The rows that were not seen lately, which from now on they are. */
  #unseen(
    store: TenantStore,
    batch: SpanBatch,
  ): { kept: SpanBatch | undefined; hashes: Uint32Array<ArrayBuffer> } {
    const hashes = identityHashes(batch, store.hashSeed);
    const rows = new Uint32Array(batch.count);
    let count = 0;
    for (let row = 0; row < batch.count; row++) {
      if (!this.#seen.add(hashes[row * 2] ?? 0, hashes[row * 2 + 1] ?? 0)) rows[count++] = row;
    }
    if (count === batch.count) return { kept: batch, hashes };
    const chosen = rows.subarray(0, count);
    const words = new Uint32Array(count * 2);
    chosen.forEach((row, i) => words.set(hashes.subarray(row * 2, row * 2 + 2), i * 2));
    return { kept: count === 0 ? undefined : gather(batch, chosen), hashes: words };
  }

  #keepHouse(): void {
    const { options, wal } = this.#deps;
    for (const store of this.#tenants.values()) {
      store.flushWhenDue(options.flushIntervalMs);
      store.stitch();
    }
    if (wal.bytes <= options.walBytesMax) return;
    for (const tenant of wal.oldestTenants(this.#flushedTo())) {
      void this.#tenants.get(tenant)?.flush();
    }
  }

  #flushLargest(): void {
    const stores = [...this.#tenants.values()].toSorted((a, b) => b.headBytes - a.headBytes);
    const total = stores.reduce((sum, { headBytes }) => sum + headBytes, 0);
    let freed = 0;
    for (const store of stores) {
      if (freed * 2 > total) return;
      freed += store.headBytes;
      void store.flush();
    }
  }

  #flushedTo(): Map<string, number> {
    return new Map([...this.#tenants].map(([tenant, { walTo }]) => [tenant, walTo]));
  }

  /** Unlinks files of the log that are in data files. */
  releaseLog(): Promise<void> {
    this.#releasing = this.#releasing
      .then(() => this.#deps.wal.release(this.#flushedTo()))
      .catch((error: unknown) => {
        this.#deps.logger.warn({ error: messageOf(error) }, 'a log file cannot be removed');
      });
    return this.#releasing;
  }
}

/** A batch that cannot be framed is our fault, and must not count as stored when it comes again. */
function framed(batch: SpanBatch, undo: () => void): Uint8Array {
  try {
    return encodeFrame(batch);
  } catch (error) {
    undo();
    throw error;
  }
}

function closed(): StorageError {
  return new StorageError('unavailable', 'the store is closed', { retryable: true });
}

function refused(): StorageError {
  return new StorageError('unavailable', 'spans that were being stored a moment ago were refused', {
    retryable: true,
  });
}

/** The work goes on when the signal fires; only the waiting ends. */
function abortable(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

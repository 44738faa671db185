/** The spans of one tenant: head, files, catalogue, and the work that moves rows from one to the
 *  next. Every change that readers may see is made in one turn of the event loop, so a manifest
 *  holds each row exactly once whenever it is taken.
 *
 *  One flush at a time: files then reach the disk in the order of the log, and `walTo` of the last
 *  one says what recovery has to replay. */

import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { StorageError } from '../contract.ts';
import { Catalogue } from './catalogue.ts';
import type { TenantDirectory } from './directory.ts';
import { type DurableRows, EncoderFeed } from './encoder-feed.ts';
import type { SegmentEncoder } from './encoder-port.ts';
import { FileSet } from './file-set.ts';
import type { FileSystem } from './file-system.ts';
import { FreshFile } from './fresh-file.ts';
import { type HashSeed, tenantSeed } from './identity.ts';
import { IndexRepair } from './index-repair.ts';
import { type Head, HeadEntry, OpenHead } from './head.ts';
import { type DataFile, indexPathOf, type Manifest } from './manifest.ts';
import { Hold } from './hold.ts';
import type { Tombstone } from './deletion/tombstone.ts';
import { Tombstones } from './deletion/tombstones.ts';
import { type RollupLimits, Rollups } from './red/rollups.ts';
import { Retiring } from './retiring.ts';
import { Stitching } from './stitching.ts';
import type { TenantState } from './tenant-state.ts';
import { TenantStateFile } from './tenant-state-file.ts';

export interface TenantStoreDeps {
  readonly tenant: string;
  /** Of the store; the tenant's own is made of it. */
  readonly hashSeed: HashSeed;
  readonly directory: TenantDirectory;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly encoder: SegmentEncoder;
  readonly flushSpans: number;
  readonly flushBytes: number;
  readonly stitchRowGroups: number;
  readonly rollupLimits: RollupLimits;
  /** Rows left the head for a file: memory and log may be given back. */
  readonly onFlushed: (bytes: number) => void;
}

/** A flush that failed is tried again after so long. */
const RETRY_MS = 5000;
const RENEWALS_MAX = 10;

export class TenantStore {
  readonly tenant: string;
  readonly hashSeed: HashSeed;
  readonly catalogue = new Catalogue();
  readonly files: FileSet;
  readonly rollups: Rollups;
  readonly retiring: Retiring;
  /** What has been deleted and may be in files or the log still. */
  readonly tombstones = new Tombstones();
  readonly repairs: IndexRepair;
  readonly state: TenantStateFile;
  readonly fresh: FreshFile;
  readonly stitching: Stitching;
  readonly #deps: TenantStoreDeps;
  readonly #feed: EncoderFeed;
  readonly #head = new OpenHead();
  #oldestAtMs = 0;
  #flushRun: Promise<void> | undefined;
  /** The part of a flush after which readers see its file. */
  #publishing: Promise<boolean> | undefined;
  readonly #hold = new Hold();
  #retryAtMs = 0;
  /** What a flush that failed may have left behind. */
  #leftover: string | undefined;
  #nextFlush = 1;
  #walTo = 0;
  #problem: string | undefined;

  constructor(deps: TenantStoreDeps) {
    this.#deps = deps;
    this.tenant = deps.tenant;
    this.hashSeed = tenantSeed(deps.hashSeed, deps.tenant);
    this.files = new FileSet({
      files: deps.files,
      onError: (path, error) => {
        deps.logger.warn({ path, error: messageOf(error) }, 'a file cannot be removed');
      },
    });
    this.repairs = new IndexRepair({ ...deps, hashSeed: this.hashSeed, files: this.files });
    this.stitching = new Stitching({
      ...deps,
      disk: deps.files,
      files: this.files,
      repairs: this.repairs,
      mayStart: () => !this.#hold.isHeld && this.tombstones.isEmpty,
      staying: () => this.retiring.others,
    });
    this.state = new TenantStateFile({
      ...deps,
      path: deps.directory.catalogue,
      disk: deps.files,
      catalogue: this.catalogue,
      files: this.files,
      numbers: () => ({ nextFlush: this.#nextFlush, walTo: this.#walTo }),
    });
    this.rollups = new Rollups({ ...deps, directory: deps.directory.rollups });
    this.retiring = new Retiring({
      ...deps,
      files: this.files,
      repairs: this.repairs,
      rollups: this.rollups,
      limits: deps.rollupLimits,
      stitched: () => this.stitching.settled(),
      remember: (file) => this.state.remember(file),
    });
    this.#feed = new EncoderFeed({
      tenant: deps.tenant,
      hashSeed: this.hashSeed,
      encoder: deps.encoder,
      rowsMax: deps.flushSpans,
      bytesMax: deps.flushBytes,
    });
    this.fresh = new FreshFile({
      directory: deps.directory.fresh,
      clock: deps.clock,
      encode: (path) => this.#snapshot(path),
      discard: (file) => this.files.discard(file),
    });
  }

  /** Every record of this tenant up to here is in a file. */
  get walTo(): number {
    return this.#walTo;
  }

  /** The last record whose rows are here. */
  get lastSeq(): number {
    return Math.max(this.#walTo, this.#head.lastSeq);
  }

  get headBytes(): number {
    return this.#head.bytes;
  }

  /** Why rows cannot leave the head; undefined when they can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** What was found on the disk at start. */
  restore(state: Partial<TenantState>, files: readonly DataFile[]): void {
    for (const file of files) this.files.add(file);
    // Also those of files that are gone: a number that a day has counted is taken for what it was.
    const last = Math.max(files.at(-1)?.to ?? 0, this.rollups.lastFlush);
    this.#nextFlush = Math.max(state.nextFlush ?? 1, last + 1);
    this.#walTo = files.reduce((walTo, file) => Math.max(walTo, file.walTo), state.walTo ?? 0);
    if (state.catalogue !== undefined) this.catalogue.restore(state.catalogue);
    this.retiring.resume();
  }

  /** Hides rows of deleted traces in files, and takes them from the head. `found`: which of the
   *  traces each file has, by its path. To be called while nothing else moves rows. */
  bury(tombstone: Tombstone, found: ReadonlyMap<string, ReadonlySet<string>>): void {
    this.tombstones.add(tombstone);
    for (const [path, traceIds] of found) this.files.hide(path, traceIds);
    const left = this.#head.entries.flatMap((entry) => {
      const { walSeq, batch } = entry;
      const kept = this.tombstones.spare(walSeq, batch);
      if (kept === batch) return [entry];
      return kept === undefined ? [] : [new HeadEntry(walSeq, kept)];
    });
    const freed = this.#head.keep(left);
    this.fresh.drop();
    this.encoderLost();
    this.#deps.onFlushed(freed);
  }

  /** Takes rows that are durable in the log. They are found from now on. */
  add({ walSeq, batch, frame, hashes }: DurableRows): void {
    const nowMs = this.#deps.clock.nowMs();
    if (this.#feed.waitingRows === 0) this.#oldestAtMs = nowMs;
    const entry = new HeadEntry(walSeq, batch, frame);
    this.#head.add(entry);
    try {
      this.#feed.add(entry, hashes);
    } catch (error) {
      // They are durable all the same, and go to the encoder again with the next file.
      this.#deps.logger.error({ error: messageOf(error) }, 'the encoder took no rows');
      this.encoderLost();
    }
    this.catalogue.add(batch, nowMs);
    if (this.#feed.isFull) void this.flush();
  }

  /** Files and head as they are now. To be released. */
  pin(): Manifest {
    return this.#manifest(this.#head.now, undefined);
  }

  /** Like `pin`, with the head's rows in a file too. Holds at least what was there at the call. */
  async pinWithFresh(signal?: AbortSignal): Promise<Manifest> {
    const wanted = this.#head.lastSeq;
    const covered = () => Math.max(this.#walTo, this.fresh.current?.walTo ?? 0);
    // One that was being made may be too old; then a second one, or a flush, has them all.
    for (let attempt = 0; covered() < wanted; attempt++) {
      if (attempt === RENEWALS_MAX)
        throw new StorageError('unavailable', 'the encoder lags behind');
      await this.fresh.renew(signal);
    }
    const fresh = this.fresh.current;
    return this.#manifest(this.#head.upTo(fresh?.walTo ?? 0), fresh);
  }

  #manifest(head: Head, fresh: DataFile | undefined): Manifest {
    const files = this.files.all.toReversed();
    const release = this.files.pin(fresh === undefined ? files : [...files, fresh]);
    return { tenant: this.tenant, files, head, fresh, release };
  }

  /** Moves the oldest rows of the head to a file, as many as make a row group. Resolves when that is
   *  done, or has failed: see `problem`. */
  flush(): Promise<void> {
    this.#flushRun ??= this.#flush().finally(() => {
      this.#flushRun = undefined;
      if (this.#feed.isFull && this.#mayFlush) void this.flush();
    });
    return this.#flushRun;
  }

  /** Moves all of the head to files, as far as that goes well. */
  async flushAll(): Promise<void> {
    await this.#flushRun;
    while (this.#head.entries.length > 0 && this.#mayFlush) await this.flush();
  }

  /** Moves all rows of records up to `seq` to files, as far as that goes well. */
  async flushTo(seq: number): Promise<void> {
    const isWaiting = () => (this.#head.firstSeq ?? Infinity) <= seq;
    while (isWaiting() && this.#mayFlush) await this.flush();
    if (isWaiting()) return;
    // Deleted rows at the end of the log are in no file: nothing else says that it is done with.
    this.#walTo = Math.max(this.#walTo, seq);
    this.catalogue.markDirty();
    await this.state.save();
  }

  /** Neither flush nor stitch moves rows while `work` runs. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    while (this.#hold.isHeld) await this.#hold.released;
    const release = this.#hold.take();
    try {
      await this.#publishing;
      await this.stitching.settled();
      return await work();
    } finally {
      release();
      this.stitch();
      if (this.#feed.isFull) void this.flush();
    }
  }

  /** Flushes when rows wait for longer than `maxAgeMs`, or a flush that failed is to be repeated. */
  flushWhenDue(maxAgeMs: number): void {
    if (this.#feed.waitingRows === 0 || !this.#mayFlush) return;
    const ageMs = this.#deps.clock.nowMs() - this.#oldestAtMs;
    if (this.#feed.isFull || ageMs >= maxAgeMs) void this.flush();
  }

  get #mayFlush(): boolean {
    return this.#deps.clock.nowMs() >= this.#retryAtMs;
  }

  async #flush(): Promise<void> {
    while (this.#hold.isHeld) await this.#hold.released;
    if (this.#head.entries.length === 0 || !this.#mayFlush) return;
    this.#publishing = this.#flushHead();
    const isDone = await this.#publishing;
    this.#publishing = undefined;
    if (!isDone) return;
    await this.state.save();
    this.stitch();
  }

  /** True when the rows are in a file that readers see. */
  async #flushHead(): Promise<boolean> {
    const directory = this.#deps.directory.segments;
    const from = this.#nextFlush;
    this.#oldestAtMs = this.#deps.clock.nowMs();
    try {
      await this.#removeLeftover();
      this.#publish(await this.#feed.flush({ directory, from }, this.#head.entries));
      this.#problem = undefined;
      return true;
    } catch (error) {
      await this.#failFlush(error, join(directory, `${from}-${from}.parquet`));
      return false;
    }
  }

  #publish(file: DataFile): void {
    const { rows } = this.#head.upTo(file.walTo);
    if (rows !== file.rows) {
      throw new StorageError('damaged', `${file.path} has ${file.rows} spans, not ${rows}`);
    }
    this.#nextFlush = file.to + 1;
    this.files.add(file);
    this.#walTo = Math.max(this.#walTo, file.walTo);
    const freed = this.#head.keep(this.#head.entries.filter(({ walSeq }) => walSeq > file.walTo));
    // It repeats rows that are in a file now; the next search makes one of what is left.
    this.fresh.drop();
    this.#deps.onFlushed(freed);
  }

  /** The rows stay in head and log. */
  async #failFlush(error: unknown, path: string): Promise<void> {
    this.#problem = `spans of tenant ${this.tenant} cannot be written to a file: ${messageOf(error)}`;
    this.#deps.logger.error({ tenant: this.tenant, error: messageOf(error) }, 'flush failed');
    this.#retryAtMs = this.#deps.clock.nowMs() + RETRY_MS;
    this.encoderLost();
    this.#leftover = path;
    try {
      await this.#removeLeftover();
    } catch {
      // What cannot go now goes before the next attempt.
    }
  }

  /** What lies on the disk under the name must go before the name is used again: an index and a file
   *  of two attempts would lie about each other. */
  async #removeLeftover(): Promise<void> {
    if (this.#leftover === undefined) return;
    await this.#deps.files.unlink(this.#leftover);
    await this.#deps.files.unlink(indexPathOf(this.#leftover));
    this.#leftover = undefined;
  }

  /** The encoder has forgotten every row. */
  encoderLost(): void {
    this.#feed.lost(this.#head.entries);
  }

  /** A file of the head's rows, or undefined when it came too late or short: a flush that was asked
   *  for before it must be seen before it, and one that was asked for later may have overtaken it. */
  async #snapshot(path: string): Promise<DataFile | undefined> {
    const earlier = this.#publishing;
    const file = await this.#feed.snapshot(path);
    await earlier;
    if (file === undefined) return undefined;
    if (this.#head.upTo(file.walTo).rows === file.rows) return file;
    this.files.discard(file);
    return undefined;
  }

  /** Makes a segment of flushes when it is time to. */
  stitch(): void {
    this.stitching.start();
  }

  async close(): Promise<void> {
    await this.flushAll();
    await this.repairs.settled();
    await this.stitching.settled();
    await this.retiring.settled();
    this.fresh.drop();
    await this.state.save();
    await this.files.settled();
  }
}

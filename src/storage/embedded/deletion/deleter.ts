/** Deletes traces. First they are hidden: a tombstone is made durable, then files say which of their
 *  traces are gone and the head forgets theirs, so that from one turn of the event loop to the next no
 *  read finds them, also after a crash. Then they are purged: files that have some are written anew,
 *  indices and the log are cleared of them, and the tombstone goes last. Each step may be interrupted
 *  anywhere and is simply done again at the next start.
 *
 *  One deletion at a time. What it deletes is what had been acknowledged when it began: the boundary
 *  is a record of the log, so spans that come later, even of the same traces, stay. */

import { dirname, join } from 'node:path';
import type { Clock, Timer } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { bytesFromHex, TRACE_ID_BYTES } from '../../../model/ids.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { type DeletedCounts, StorageError, type TraceRef } from '../../contract.ts';
import { nextGeneration, tenantDirectory } from '../directory.ts';
import { forgetSpent } from './forget-spent.ts';
import type { SegmentEncoder } from '../encoder-port.ts';
import type { Engine } from '../engine.ts';
import { type FileSystem, makeDurableDirectory } from '../file-system.ts';
import { identityHashes } from '../identity.ts';
import type { Manifest } from '../manifest.ts';
import type { TenantStore } from '../tenant-store.ts';
import type { Wal } from '../wal/wal.ts';
import { drainLog } from './drain-log.ts';
import { findRows, type FoundRows } from './find-rows.ts';
import { type Tombstone, tombstoneNumber, tombstonePath, writeTombstone } from './tombstone.ts';
import { TraceIdSet } from './trace-id-set.ts';

export interface DeleterDeps {
  readonly engine: Engine;
  readonly encoder: SegmentEncoder;
  readonly wal: Wal;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the store. */
  readonly root: string;
  readonly readTraces: (
    store: TenantStore,
    manifest: Manifest,
    refs: readonly TraceRef[],
  ) => AsyncIterable<SpanBatch>;
}

interface Buried {
  readonly store: TenantStore;
  readonly tombstone: Tombstone;
  readonly counts: DeletedCounts;
}

const RETRY_MS = 30_000;

export class Deleter {
  readonly #deps: DeleterDeps;
  #last: Promise<unknown> = Promise.resolve();
  #retry: Timer | undefined;
  #problem: string | undefined;
  #isClosed = false;

  constructor(deps: DeleterDeps) {
    this.#deps = deps;
  }

  /** Why what was deleted is still on the disk; undefined when it is not, or about to go. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Finishes what was under way when the program stopped last. */
  resume(): void {
    this.#enqueue(() => this.#purgeAll()).catch((error: unknown) => this.#fail(error));
  }

  /** Hides the traces. Undefined when there is nothing of them. */
  hide(tenant: string, traceIds: ReadonlySet<string>): Promise<Buried | undefined> {
    const store = this.#deps.engine.tenant(tenant);
    if (store === undefined) return Promise.resolve(undefined);
    return this.#enqueue(() => store.exclusively(() => this.#bury(store, traceIds)));
  }

  /** Resolves when nothing of what was hidden so far is left on the disk. */
  async purge(): Promise<void> {
    try {
      await this.#enqueue(() => this.#purgeAll());
    } catch (cause) {
      this.#fail(cause);
      throw new StorageError('unavailable', `hidden, but not yet erased: ${messageOf(cause)}`, {
        cause,
        retryable: true,
        hint: 'it is tried again by itself, also after a restart',
      });
    }
  }

  /** What was begun goes on at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.#last.catch(() => {});
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(() => {
      this.#throwIfClosed();
      return work();
    });
    this.#last = run.catch(() => {});
    return run;
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw new StorageError('unavailable', 'the store is closing');
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#problem = `deleted traces cannot be erased: ${messageOf(error)}`;
    this.#deps.logger.error({ error: messageOf(error) }, 'deleted traces cannot be erased yet');
    this.#retry?.cancel();
    this.#retry = this.#deps.clock.after(RETRY_MS, () => this.resume());
  }

  /** Neither flush nor stitch moves rows meanwhile. */
  async #bury(store: TenantStore, wanted: ReadonlySet<string>): Promise<Buried | undefined> {
    const { engine } = this.#deps;
    const { manifest, walTo } = await this.#afterLog(() => ({
      manifest: store.pin(),
      walTo: store.lastSeq,
    }));
    try {
      const found = await findRows(manifest.files, wanted);
      const inHead = headRows(manifest, wanted);
      const spans = found.spans + inHead.spans;
      if (spans === 0 && found.byPath.size === 0) return undefined;
      const traceIds = new Set([...found.spansOf.keys(), ...inHead.traceIds]);
      const named = found.isCertain ? traceIds : wanted;
      const tombstone: Tombstone = {
        path: this.#nextPath(store),
        walTo,
        traceIds: named,
        hashes: await this.#recentHashes(store, manifest, refsOf(named, found)),
      };
      await this.#write(tombstone);
      store.bury(tombstone, found.byPath);
      engine.seen.removeAll(tombstone.hashes);
      return { store, tombstone, counts: { traces: traceIds.size, spans } };
    } finally {
      manifest.release();
    }
  }

  /** What `then` finds when every record that was appended before is durable or refused. */
  #afterLog<T>(then: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#deps.wal.barrier(() => resolve(then()));
    });
  }

  #nextPath(store: TenantStore): string {
    const { tombstones } = tenantDirectory(this.#deps.root, store.tenant);
    const last = Math.max(0, ...store.tombstones.all.map(({ path }) => tombstoneNumber(path)));
    return tombstonePath(tombstones, last + 1);
  }

  /** When it fails the tombstone may be there all the same: then it must not come to life later. */
  async #write(tombstone: Tombstone): Promise<void> {
    const { files } = this.#deps;
    try {
      await makeDurableDirectory(files, dirname(tombstone.path));
      await writeTombstone(files, tombstone);
    } catch (cause) {
      await files.unlink(tombstone.path);
      throw new StorageError('unavailable', `nothing is deleted: ${messageOf(cause)}`, {
        cause,
        retryable: true,
        hint: 'check the disk of the data directory',
      });
    }
  }

  /** Identity hashes of rows that would be taken for resends if they came again. */
  async #recentHashes(
    store: TenantStore,
    manifest: Manifest,
    refs: readonly TraceRef[],
  ): Promise<Uint32Array> {
    const { engine, logger, readTraces } = this.#deps;
    const { sinceMs } = engine.seen;
    const recent = manifest.files.filter(
      ({ index }) => index === undefined || index.header.writtenAtMs >= sinceMs,
    );
    const words: number[] = [];
    try {
      const some = { ...manifest, files: recent };
      for await (const batch of readTraces(store, some, refs)) {
        for (const word of identityHashes(batch, store.hashSeed)) words.push(word);
      }
    } catch (error) {
      // Then a resend of the next minutes is taken for what was deleted.
      logger.warn({ error: messageOf(error) }, 'deleted spans could not be read before');
    }
    return Uint32Array.from(words);
  }

  async #purgeAll(): Promise<void> {
    const { engine } = this.#deps;
    const buried = engine.stores.filter(({ tombstones }) => !tombstones.isEmpty);
    if (buried.length > 0) await this.#purge(buried);
    this.#problem = undefined;
  }

  async #purge(stores: readonly TenantStore[]): Promise<void> {
    const { engine, files, wal } = this.#deps;
    const done = stores.map((store) => ({ store, tombstones: store.tombstones.all }));
    if (!(await drainLog(engine, wal))) throw new Error('the log cannot be cleared');
    for (const { store, tombstones } of done) {
      await this.#rewriteFiles(store);
      await forgetSpent(files, store.files.spent, tombstones);
    }
    // What a tombstone hides must not come back when it has gone, also where the power fails then.
    await files.syncDirectory(join(this.#deps.root, 'wal'));
    for (const { store, tombstones } of done) {
      await files.syncDirectory(tenantDirectory(this.#deps.root, store.tenant).segments);
      for (const tombstone of tombstones) {
        await files.unlink(tombstone.path);
        store.tombstones.remove(tombstone);
      }
      store.stitch();
      await files.syncDirectory(tenantDirectory(this.#deps.root, store.tenant).tombstones);
    }
  }

  async #rewriteFiles(store: TenantStore): Promise<void> {
    const { encoder, files } = this.#deps;
    for (;;) {
      this.#throwIfClosed();
      const file = store.retiring.others.find(({ deleted }) => deleted !== undefined);
      if (file === undefined) break;
      const release = store.files.pin([file]);
      const output = await encoder
        .rewrite(file, nextGeneration(file.path), store.hashSeed)
        .finally(release);
      if (!store.retiring.others.some(({ path }) => path === file.path)) {
        // Retention has begun to take it meanwhile.
        if (output !== undefined) store.files.discard(output);
        continue;
      }
      if (output === undefined) await store.state.remember(file);
      await store.files.rewrite(file, output);
      if ((await files.stat(file.path)) !== undefined)
        throw new Error(`${file.path} is still there`);
    }
    // What retention takes goes as it is.
    await store.retiring.settled();
    await store.files.settled();
    if (store.files.all.some(({ deleted }) => deleted !== undefined)) {
      throw new Error('retention could not remove a file');
    }
  }
}

/** Small ones are read together. */
function refsOf(traceIds: ReadonlySet<string>, { spansOf }: FoundRows): TraceRef[] {
  return [...traceIds].map((traceId) => ({ traceId, spanCount: spansOf.get(traceId) }));
}

function headRows(
  { head }: Manifest,
  wanted: ReadonlySet<string>,
): { traceIds: ReadonlySet<string>; spans: number } {
  const set = new TraceIdSet(wanted);
  const traceIds = new Set<string>();
  let spans = 0;
  for (const { batch } of head.entries) {
    spans += batch.count - (set.without(batch)?.count ?? 0);
    if (traceIds.size < wanted.size) for (const id of set.in(batch)) traceIds.add(id);
  }
  return { traceIds, spans };
}

/** The ids as lower-case hex. Throws StorageError 'invalid' for what is none. */
export function checkedIds(traceIds: readonly string[]): Set<string> {
  for (const id of traceIds) {
    if (bytesFromHex(id, TRACE_ID_BYTES) === undefined) {
      throw new StorageError('invalid', `"${id}" is no trace id`, { hint: 'it has 32 hex digits' });
    }
  }
  return new Set(traceIds.map((id) => id.toLowerCase()));
}

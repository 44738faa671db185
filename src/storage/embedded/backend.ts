/** The embedded store as a storage backend: one directory, no other server. Spans are durable in a
 *  write-ahead log when a write resolves, and are found from then on; Parquet files are made of
 *  them by a worker thread and asked by DuckDB in a child process. */

import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import type {
  AggregateQuery,
  AggregateResult,
  AttributeValuesQuery,
  Capabilities,
  StorageBackend,
  TimeRange,
  TracePage,
  TraceQuery,
  TraceReader,
  TraceRef,
} from '../contract.ts';
import type { EmbeddedConfig } from './config.ts';
import { Damage } from './damage.ts';
import { Deleter } from './deletion/deleter.ts';
import { Door } from './door.ts';
import type { StartWorker } from './encode/encoder.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { type FileSystem, realFileSystem } from './file-system.ts';
import { EmbeddedMaintenance } from './maintenance.ts';
import type { Manifest } from './manifest.ts';
import { aggregateFromRollups, aggregateFromSpans, checkAggregate } from './query/aggregate.ts';
import { findAttributeValues } from './query/attribute-values.ts';
import { findDependencies } from './query/find-dependencies.ts';
import { findTraces } from './query/find-traces.ts';
import { pastDependencies } from './query/past-dependencies.ts';
import { QueryProcess } from './query/query-process.ts';
import type { ReadContext } from './query/read-context.ts';
import { RedCache } from './query/red-cache.ts';
import { readTraces } from './query/read-traces.ts';
import { warmUpPlan } from './query/warm-up.ts';
import { querySettings, readerSettings } from './query-settings.ts';
import { FileReader } from './read/file-reader.ts';
import { openEngine } from './recovery.ts';
import { storeHealth } from './store-health.ts';
import type { TenantStore } from './tenant-store.ts';

export interface EmbeddedDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  /** The oldest traces go above so many. */
  readonly maxTraces?: number | undefined;
  /** Nothing is to outlive the process: what is written need not reach the disk. */
  readonly isTemporary?: boolean | undefined;
  readonly files?: FileSystem | undefined;
  /** Of the encoder. */
  readonly startWorker?: StartWorker | undefined;
}

const CAPABILITIES: Capabilities = {
  searchWithoutService: true,
  filterOps: ['and', 'or', 'not', 'compare', 'in', 'regex', 'exists', 'some', 'looseEquals'],
  orders: ['newest', 'oldest', 'longest', 'shortest', 'mostSpans', 'mostErrors'],
  durableOnAck: true,
  aggregates: true,
};

/** Opens the store, reading back what a crash left in the log. Throws StorageError 'unusable' when
 *  the directory belongs to another process, a newer format, or cannot be written. */
export async function openEmbedded(
  config: EmbeddedConfig,
  deps: EmbeddedDeps,
): Promise<StorageBackend> {
  const { clock, logger, isTemporary = false } = deps;
  const files = deps.files ?? (isTemporary ? withoutSync(realFileSystem) : realFileSystem);
  const options = engineOptions(config, deps);
  const opened = await openEngine(config.directory, options, {
    clock,
    logger,
    files,
    startWorker: deps.startWorker,
    random: Math.random,
  });
  const { engine, encoder, directory, wal } = opened;
  const queries = new QueryProcess(querySettings(config.directory), {
    clock,
    logger,
    warmUp: () => warmUpPlan(engine.dataFiles),
  });
  const traceFiles = new FileReader(readerSettings(), { clock, logger });
  const found = new Damage(opened, logger);
  const reader = new EmbeddedReader({ engine, queries, traceFiles, logger, damage: found });
  const deleter = new Deleter({
    engine,
    encoder,
    wal,
    files,
    clock,
    logger,
    root: directory.root,
    dedupWindowMs: options.dedupWindowMs,
    readTraces: (store, manifest, ids) => reader.readPinned(store, manifest, ids),
  });
  deleter.resume();
  const door = new Door(directory.root, files);
  await door.close();
  const { hashSeed } = directory;
  return {
    capabilities: { ...CAPABILITIES, durableOnAck: !isTemporary, deletes: true },
    writer: engine,
    reader,
    maintenance: new EmbeddedMaintenance({ engine, reader, deleter, hashSeed, door }),
    health: () => storeHealth({ engine, deleter, damage: found }),
    close: async () => {
      await door.close();
      await deleter.close();
      await queries.close();
      await traceFiles.close();
      await engine.close();
    },
  };
}

function engineOptions(config: EmbeddedConfig, deps: EmbeddedDeps): EngineOptions {
  const { maxTraces = Infinity } = deps;
  const { retention, dedup } = config;
  // Whole files are evicted: they must be small beside what may stay.
  const traceShare = Math.max(64, Math.ceil(maxTraces / 20));
  const isLimited = maxTraces !== Infinity;
  return {
    flushSpans: isLimited ? Math.min(config.flush_spans, traceShare) : config.flush_spans,
    stitchRowGroups: isLimited ? 2 : config.stitch_row_groups,
    flushIntervalMs: config.flush_interval,
    unflushedBytesMax: config.max_unflushed_bytes,
    walBytesMax: 2 * config.max_unflushed_bytes,
    dedupWindowMs: dedup.window,
    dedupSpansMax: dedup.max_spans,
    rollups: { maxAgeMs: retention.red_max_age, maxBytes: retention.red_max_bytes },
    retention: { maxAgeMs: retention.max_age, maxBytes: retention.max_bytes, maxTraces },
  };
}

function withoutSync(files: FileSystem): FileSystem {
  return {
    ...files,
    datasync: () => Promise.resolve(),
    syncDirectory: () => Promise.resolve(),
  };
}

interface ReaderParts {
  readonly engine: Engine;
  readonly queries: QueryProcess;
  readonly traceFiles: FileReader;
  readonly logger: Logger;
  readonly damage: Damage;
}

class EmbeddedReader implements TraceReader {
  readonly #with: ReaderParts;
  readonly #rollups = new RedCache();

  constructor(parts: ReaderParts) {
    this.#with = parts;
  }

  async getTrace(
    tenant: string,
    ref: TraceRef,
    signal?: AbortSignal,
  ): Promise<SpanBatch | undefined> {
    for await (const batch of this.getTraces(tenant, [ref], signal)) return batch;
    return undefined;
  }

  async *getTraces(
    tenant: string,
    refs: readonly TraceRef[],
    signal?: AbortSignal,
  ): AsyncGenerator<SpanBatch> {
    signal?.throwIfAborted();
    const store = this.#with.engine.tenant(tenant);
    if (store === undefined) return;
    const manifest = store.pin();
    try {
      const context = this.#context(store, manifest, signal);
      const onWarning = (warning: string): void => {
        context.onWarning(warning);
        for (const ref of refs) ref.onWarning?.(warning);
      };
      for (const warning of this.#with.damage.missingFor(tenant))
        for (const ref of refs) ref.onWarning?.(warning);
      yield* readTraces({ ...context, onWarning }, refs);
    } finally {
      manifest.release();
    }
  }

  /** Traces as of a manifest that the caller has pinned. */
  readPinned(
    store: TenantStore,
    manifest: Manifest,
    traceIds: readonly string[],
  ): AsyncIterable<SpanBatch> {
    const refs = traceIds.map((traceId) => ({ traceId }));
    return readTraces(this.#context(store, manifest, undefined), refs);
  }

  async findTraces(query: TraceQuery, signal?: AbortSignal): Promise<TracePage> {
    signal?.throwIfAborted();
    const store = this.#with.engine.tenant(query.tenant);
    if (store === undefined) return { traces: [], warnings: [] };
    const { manifest, warnings } = await this.#pinForSearch(store, signal);
    try {
      const page = await findTraces(this.#context(store, manifest, signal), query);
      return { ...page, warnings: [...warnings, ...page.warnings] };
    } finally {
      manifest.release();
    }
  }

  async getAttributeValues(query: AttributeValuesQuery, signal?: AbortSignal) {
    signal?.throwIfAborted();
    const store = this.#with.engine.tenant(query.tenant);
    if (store === undefined) return [];
    const { manifest } = await this.#pinForSearch(store, signal);
    try {
      return await findAttributeValues(this.#context(store, manifest, signal), query);
    } finally {
      manifest.release();
    }
  }

  async getDependencies(tenant: string, range: TimeRange, signal?: AbortSignal) {
    signal?.throwIfAborted();
    const store = this.#with.engine.tenant(tenant);
    if (store === undefined) return [];
    const { manifest } = await this.#pinForSearch(store, signal);
    try {
      // After the files: what retention takes meanwhile is in either of them.
      const context = this.#context(store, manifest, signal);
      const past = await pastDependencies(store.rollups, range, context.onWarning);
      return await findDependencies(context, range, { past });
    } finally {
      manifest.release();
    }
  }

  async aggregate(query: AggregateQuery, signal?: AbortSignal): Promise<AggregateResult> {
    signal?.throwIfAborted();
    checkAggregate(query);
    const store = this.#with.engine.tenant(query.tenant);
    if (store === undefined) return { series: [], quantileError: 0, from: 'spans', warnings: [] };
    const missing = this.#with.damage.missingFor(query.tenant);
    const rolledUp = await aggregateFromRollups(query, {
      pin: () => ({ manifest: store.pin(), rollups: store.rollups.now }),
      settled: () => store.rollups.settled(),
      cache: this.#rollups,
      signal,
    });
    if (rolledUp !== undefined) {
      for (const warning of rolledUp.warnings) this.#with.damage.note(warning);
      return { ...rolledUp, warnings: [...missing, ...rolledUp.warnings] };
    }
    const { manifest, warnings } = await this.#pinForSearch(store, signal);
    try {
      const found = await aggregateFromSpans(this.#context(store, manifest, signal), query);
      return { ...found, warnings: [...warnings, ...found.warnings] };
    } finally {
      manifest.release();
    }
  }

  async getServices(tenant: string, signal?: AbortSignal) {
    signal?.throwIfAborted();
    return this.#with.engine.tenant(tenant)?.catalogue.services() ?? [];
  }

  async getOperations(
    tenant: string,
    { service, kind }: Parameters<TraceReader['getOperations']>[1],
    signal?: AbortSignal,
  ) {
    signal?.throwIfAborted();
    return this.#with.engine.tenant(tenant)?.catalogue.operations(service, kind) ?? [];
  }

  async getAttributeKeys(tenant: string, signal?: AbortSignal) {
    signal?.throwIfAborted();
    return this.#with.engine.tenant(tenant)?.catalogue.attributeKeys() ?? [];
  }

  /** When the newest spans cannot be made a file, a full disk say, the others are still found. */
  async #pinForSearch(
    store: TenantStore,
    signal: AbortSignal | undefined,
  ): Promise<{ manifest: Manifest; warnings: string[] }> {
    const missing = this.#with.damage.missingFor(store.tenant);
    try {
      return { manifest: await store.pinWithFresh(signal), warnings: [...missing] };
    } catch (error) {
      signal?.throwIfAborted();
      const warning = `the newest spans are left out: ${messageOf(error)}`;
      this.#with.logger.warn({ tenant: store.tenant }, warning);
      return { manifest: store.pin(), warnings: [...missing, warning] };
    }
  }

  #context(store: TenantStore, manifest: Manifest, signal: AbortSignal | undefined): ReadContext {
    const { queries, traceFiles, damage } = this.#with;
    return {
      port: queries,
      reader: traceFiles,
      onDamagedIndex: (file) => void store.repairs.repair(file),
      manifest,
      seed: store.hashSeed,
      signal,
      onWarning: (warning) => damage.note(warning),
    };
  }
}

/** The embedded store as a storage backend: one directory, no other server. Spans are durable in a
 *  write-ahead log when a write resolves, and are found from then on; Parquet files are made of
 *  them by a worker thread and asked by DuckDB in a child process. */

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Capabilities, StorageBackend } from '../contract.ts';
import type { EmbeddedConfig } from './config.ts';
import { Damage } from './damage.ts';
import { Deleter } from './deletion/deleter.ts';
import { Door } from './door.ts';
import type { StartWorker } from './encode/encoder.ts';
import { EmbeddedReader } from './embedded-reader.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { FileRounds } from './file-rounds.ts';
import { type FileSystem, realFileSystem } from './file-system.ts';
import { EmbeddedMaintenance } from './maintenance.ts';
import { QueryProcess } from './query/query-process.ts';
import { VerifiedFiles } from './query/verified-files.ts';
import { warmUpPlan } from './query/warm-up.ts';
import { querySettings, readerSettings } from './query-settings.ts';
import { FileReader, type FileVerifier } from './read/file-reader.ts';
import { openEngine } from './recovery.ts';
import { storeHealth } from './store-health.ts';

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
  const { verified, rounds } = verifying(engine, { verifier: traceFiles, damage: found }, deps);
  const pages = verified;
  const reader = new EmbeddedReader({ engine, queries, traceFiles, pages, logger, damage: found });
  const deleter = new Deleter({
    engine,
    encoder,
    wal,
    files,
    clock,
    logger,
    root: directory.root,
    readTraces: (store, manifest, refs) => reader.readPinned(store, manifest, refs),
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
      await rounds.close();
      await deleter.close();
      await queries.close();
      await traceFiles.close();
      await engine.close();
    },
  };
}

/** Damage is told to the store it is in, to health and to the log. */
function verifying(
  engine: Engine,
  { verifier, damage: found }: { verifier: FileVerifier; damage: Damage },
  { clock, logger }: EmbeddedDeps,
): { verified: VerifiedFiles; rounds: FileRounds } {
  const verified = new VerifiedFiles({
    verifier,
    clock,
    timeLimitMs: readerSettings().timeLimitMs,
    onDamage: (file, damage) => {
      for (const { files, fresh } of engine.stores) {
        files.spoil(file.path, damage);
        fresh.spoil(file.path, damage);
      }
      damage?.problems.forEach((problem) => found.note(problem));
    },
  });
  const rounds = new FileRounds({ verified, stores: () => engine.stores, clock, logger });
  return { verified, rounds };
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

/** Reads of the embedded store: each pins a manifest for as long as it takes, and says what its answer
 *  lacks. A question that runs into damage nobody knew of is asked again, of a manifest that says so. */

import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import type {
  AggregateQuery,
  AggregateResult,
  AttributeValuesQuery,
  TimeRange,
  TracePage,
  TraceQuery,
  TraceReader,
  TraceRef,
} from '../contract.ts';
import type { Damage } from './damage.ts';
import type { Engine } from './engine.ts';
import type { Manifest } from './manifest.ts';
import { aggregateFromRollups, aggregateFromSpans, checkAggregate } from './query/aggregate.ts';
import { findAttributeValues } from './query/attribute-values.ts';
import { findDependencies } from './query/find-dependencies.ts';
import { findTraces } from './query/find-traces.ts';
import { pastDependencies } from './query/past-dependencies.ts';
import type { QueryPort } from './query/query-process.ts';
import type { ReadContext } from './query/read-context.ts';
import { readTraces } from './query/read-traces.ts';
import { RedCache } from './query/red-cache.ts';
import { DamageFound, type PageChecks } from './query/verified-files.ts';
import { SharedTraces } from './query/shared-traces.ts';
import type { TraceFiles } from './read/file-reader.ts';
import type { TenantStore } from './tenant-store.ts';

/** Each finds more damage, of which a store that is of any use has less. */
const ATTEMPTS_MAX = 100;

export interface ReaderParts {
  readonly engine: Engine;
  readonly queries: QueryPort;
  readonly traceFiles: TraceFiles;
  readonly pages: PageChecks;
  readonly logger: Logger;
  readonly damage: Damage;
}

/** What a search is asked with. */
interface Asked {
  readonly context: ReadContext;
  /** What the answer lacks already. */
  readonly warnings: readonly string[];
}

export class EmbeddedReader implements TraceReader {
  readonly #with: ReaderParts;
  readonly #rollups = new RedCache();
  readonly #shared = new WeakMap<TenantStore, SharedTraces>();

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
    refs: readonly TraceRef[],
  ): AsyncIterable<SpanBatch> {
    return readTraces(this.#context(store, manifest, undefined), refs);
  }

  async findTraces(query: TraceQuery, signal?: AbortSignal): Promise<TracePage> {
    signal?.throwIfAborted();
    const store = this.#with.engine.tenant(query.tenant);
    if (store === undefined) return { traces: [], warnings: [] };
    return this.#search(store, signal, async ({ context, warnings }) => {
      const page = await findTraces(context, query);
      return { ...page, warnings: [...warnings, ...page.warnings] };
    });
  }

  async getAttributeValues(query: AttributeValuesQuery, signal?: AbortSignal) {
    signal?.throwIfAborted();
    const store = this.#with.engine.tenant(query.tenant);
    if (store === undefined) return [];
    return this.#search(store, signal, ({ context }) => findAttributeValues(context, query));
  }

  async getDependencies(tenant: string, range: TimeRange, signal?: AbortSignal) {
    signal?.throwIfAborted();
    const store = this.#with.engine.tenant(tenant);
    if (store === undefined) return [];
    return this.#search(store, signal, async ({ context }) => {
      // After the files: what retention takes meanwhile is in either of them.
      const past = await pastDependencies(store.rollups, range, context.onWarning);
      return findDependencies(context, range, { past });
    });
  }

  async aggregate(query: AggregateQuery, signal?: AbortSignal): Promise<AggregateResult> {
    signal?.throwIfAborted();
    checkAggregate(query);
    const store = this.#with.engine.tenant(query.tenant);
    if (store === undefined) return { series: [], quantileError: 0, from: 'spans', warnings: [] };
    const rolledUp = await aggregateFromRollups(query, {
      pin: async (withFresh) => {
        const { manifest, warnings } = withFresh
          ? await this.#pinForSearch(store, signal)
          : { manifest: store.pin(), warnings: this.#with.damage.missingFor(store.tenant) };
        // After the files: what retention takes meanwhile is in either of them.
        const context = this.#context(store, manifest, signal);
        return { context, rollups: store.rollups.now, warnings };
      },
      settled: () => store.rollups.settled(),
      cache: this.#rollups,
    });
    if (rolledUp !== undefined) return rolledUp;
    return this.#search(store, signal, async ({ context, warnings }) => {
      const found = await aggregateFromSpans(context, query);
      return { ...found, warnings: [...warnings, ...found.warnings] };
    });
  }

  async getServices(tenant: string, signal?: AbortSignal) {
    signal?.throwIfAborted();
    // What every search page asks first: by the time somebody has chosen, DuckDB is up.
    this.#with.queries.wake();
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

  /** Asks of a manifest with the newest rows in a file, and of another one when damage is found. */
  async #search<T>(
    store: TenantStore,
    signal: AbortSignal | undefined,
    ask: (asked: Asked) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const { manifest, warnings } = await this.#pinForSearch(store, signal);
      try {
        return await ask({ context: this.#context(store, manifest, signal), warnings });
      } catch (error) {
        if (!(error instanceof DamageFound) || attempt === ATTEMPTS_MAX) throw error;
      } finally {
        manifest.release();
      }
    }
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
    const { queries, traceFiles, pages, damage } = this.#with;
    const shared = this.#shared.get(store) ?? new SharedTraces();
    this.#shared.set(store, shared);
    return {
      port: queries,
      reader: traceFiles,
      pages,
      shared,
      onDamagedIndex: (file) => void store.repairs.repair(file),
      manifest,
      seed: store.hashSeed,
      signal,
      onWarning: (warning) => damage.note(warning),
    };
  }
}

/** What operators do with the store: delete traces, and bring in what was exported elsewhere. */

import { setImmediate } from 'node:timers/promises';
import { hexAt, TRACE_ID_BYTES } from '../../model/ids.ts';
import { gather } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import {
  type DeletedCounts,
  type DeletionOptions,
  type ImportedCounts,
  type MaintenanceDoor,
  StorageError,
  type TraceMaintenance,
  type TraceReader,
  type TracesToDelete,
} from '../contract.ts';
import { checkedIds, type Deleter } from './deletion/deleter.ts';
import type { Engine } from './engine.ts';
import { identityHashes, tenantSeed, type HashSeed } from './identity.ts';

/** Traces that one tombstone names: bounds the memory and the length of what leaves them out. */
const TRACES_AT_ONCE = 5000;
const PAGE_TRACES = 1000;
/** Of a trace that is imported, unless more come in; how many are read together follows from it. */
const STORED_SPANS_ASSUMED = 50;

export interface MaintenanceDeps {
  readonly engine: Engine;
  readonly reader: TraceReader;
  readonly deleter: Deleter;
  /** Of the store. */
  readonly hashSeed: HashSeed;
  readonly door: MaintenanceDoor;
}

export class EmbeddedMaintenance implements TraceMaintenance {
  readonly #deps: MaintenanceDeps;

  constructor(deps: MaintenanceDeps) {
    this.#deps = deps;
  }

  get door(): MaintenanceDoor {
    return this.#deps.door;
  }

  async deleteTraces(
    tenant: string,
    which: TracesToDelete,
    { signal, onProgress }: DeletionOptions = {},
  ): Promise<DeletedCounts> {
    const { deleter } = this.#deps;
    let total: DeletedCounts = { traces: 0, spans: 0 };
    for await (const ids of this.#portions(tenant, which, signal)) {
      const buried = await deleter.hide(tenant, ids);
      signal?.throwIfAborted();
      if (buried === undefined) continue;
      const { counts } = buried;
      total = { traces: total.traces + counts.traces, spans: total.spans + counts.spans };
      onProgress?.({ ...total, stage: 'hidden' });
      await deleter.purge();
      onProgress?.({ ...total, stage: 'purged' });
    }
    // What an earlier call could only hide.
    await deleter.purge();
    return total;
  }

  /** Rows that are stored already, whatever file they are in, are left out. */
  async importTraces(batch: SpanBatch, signal?: AbortSignal): Promise<ImportedCounts> {
    const { engine, reader, hashSeed } = this.#deps;
    const seed = tenantSeed(hashSeed, batch.tenant);
    const { traceIds } = batch.spans.columns;
    const refs = new Map<string, number>();
    for (let at = 0; at < traceIds.length; at += TRACE_ID_BYTES) {
      const traceId = hexAt(traceIds, at, TRACE_ID_BYTES);
      refs.set(traceId, (refs.get(traceId) ?? 0) + 1);
    }
    const known = new Set<bigint>();
    const sought = [...refs].map(([traceId, spans]) => ({
      traceId,
      spanCount: Math.max(spans, STORED_SPANS_ASSUMED),
    }));
    for await (const stored of reader.getTraces(batch.tenant, sought, signal)) {
      for (const hash of hashesOf(stored, seed)) known.add(hash);
    }
    const rows: number[] = [];
    for (const [row, hash] of hashesOf(batch, seed).entries()) {
      if (known.has(hash)) continue;
      known.add(hash);
      rows.push(row);
    }
    const fresh = rows.length === batch.count ? batch : gather(batch, Uint32Array.from(rows));
    await engine.write(fresh, signal);
    return { stored: rows.length, known: batch.count - rows.length };
  }

  /** A search is walked to its end as of its first page: what arrives meanwhile is not deleted. */
  async *#portions(
    tenant: string,
    which: TracesToDelete,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ReadonlySet<string>> {
    if ('traceIds' in which) {
      const ids = [...checkedIds(which.traceIds)];
      for (let i = 0; i < ids.length; i += TRACES_AT_ONCE) {
        yield new Set(ids.slice(i, i + TRACES_AT_ONCE));
      }
      return;
    }
    const { range, filter } = which;
    let cursor: string | undefined;
    let ids = new Set<string>();
    do {
      const query = { tenant, range, filter, limit: PAGE_TRACES, cursor };
      const page = await this.#deps.reader.findTraces(query, signal);
      if (page.warnings.length > 0) throw notWhole(page.warnings);
      for (const { traceId } of page.traces) ids.add(traceId);
      cursor = page.cursor;
      if (ids.size >= TRACES_AT_ONCE || cursor === undefined) {
        if (ids.size > 0) yield ids;
        ids = new Set();
        await setImmediate();
      }
    } while (cursor !== undefined);
  }
}

/** Deleting what matches means all of it. */
function notWhole(warnings: readonly string[]): StorageError {
  return new StorageError('damaged', `the search is not whole: ${warnings.join('; ')}`, {
    hint: 'repair or move away what is damaged, then delete again',
  });
}

function hashesOf(batch: SpanBatch, seed: HashSeed): BigUint64Array {
  const words = identityHashes(batch, seed);
  return new BigUint64Array(words.buffer, words.byteOffset, batch.count);
}

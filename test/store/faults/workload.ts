/** What a store goes through in its life, in one short run: writes, flushes, a stitch, indices,
 *  catalogue, searches, retention with its days, a deletion with its rewriting, late and resent
 *  spans. Each batch is one trace of a service of its own, so a count by service is a count by batch.
 *  A ledger says what had been promised at each call to the disk, and what was under way. */

import type { SpanBatch } from '../../../src/model/batch/span-batch.ts';
import { intrinsic } from '../../../src/filter/ast.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import {
  int,
  spans,
  storedSpans,
  text,
  texts,
} from '../../../src/storage/conformance/plain-spans.ts';
import type { StorageBackend } from '../../../src/storage/contract.ts';
import { openEmbedded } from '../../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../../src/storage/embedded/config.ts';
import { Engine } from '../../../src/storage/embedded/engine.ts';
import { type FileSystem, realFileSystem } from '../../../src/storage/embedded/file-system.ts';
import type { TenantStore } from '../../../src/storage/embedded/tenant-store.ts';
import { encoderHere } from './encoder-here.ts';

export const TENANT = 'default';
const HOUR_MS = 3_600_000;
/** A whole minute: counts are kept by minute. */
const START_MS = Math.floor(Date.now() / 60_000 - 1) * 60_000;
export const RANGE = {
  startNano: BigInt(START_MS - HOUR_MS) * 1_000_000n,
  endNano: BigInt(START_MS + 48 * HOUR_MS) * 1_000_000n,
};
/** Spans of a batch; a late part has as many again. */
export const SPANS = 4;

/** Time that can be moved on, and otherwise passes. */
class MovedClock implements Clock {
  movedMs: number;
  constructor(movedMs: number) {
    this.movedMs = movedMs;
  }
  nowMs = (): number => Date.now() + this.movedMs;
  monotonicMs = (): number => systemClock.monotonicMs();
  after = (delayMs: number, task: () => void) => systemClock.after(delayMs, task);
  every = (periodMs: number, task: () => void) => systemClock.every(periodMs, task);
  sleep = (delayMs: number, signal: AbortSignal) => systemClock.sleep(delayMs, signal);
}

export interface OpenStore {
  readonly backend: StorageBackend;
  readonly engine: Engine;
  readonly clock: MovedClock;
  /** What was said at levels warn and error. */
  readonly told: string[];
}

export async function openStore(
  directory: string,
  { files = realFileSystem, movedMs = 0 }: { files?: FileSystem; movedMs?: number } = {},
): Promise<OpenStore> {
  const clock = new MovedClock(movedMs);
  const told: string[] = [];
  const note = (_: object, message?: string) => void told.push(message ?? '');
  const config = EmbeddedConfig.parse({
    directory,
    flush_spans: 100_000,
    stitch_row_groups: 3,
    // So that the log has several files.
    max_unflushed_bytes: 12_000,
    retention: { max_age: '24h' },
  });
  const backend = await openEmbedded(config, {
    clock,
    logger: { ...silentLogger, warn: note, error: note },
    files,
    startWorker: encoderHere(files),
  });
  const { writer } = backend;
  if (!(writer instanceof Engine)) throw new TypeError('the writer of the store is its engine');
  return { backend, engine: writer, clock, told };
}

export const traceIdOf = (number: number) => (0x1000 + number).toString(16).padStart(32, 'f');
const serviceOf = (number: number) => `service ${number}`;

/** `part` 1 comes late, and is of earlier spans than part 0. */
export function batchOf(number: number, part = 0): SpanBatch {
  const startNano = BigInt(START_MS + number * 1000 - part * 500) * 1_000_000n;
  return spans(
    TENANT,
    Array.from({ length: SPANS }, (_, i) => ({
      traceId: traceIdOf(number),
      spanId: (part * SPANS + i + 1).toString(16).padStart(16, '0'),
      parentSpanId: part === 0 && i === 0 ? '' : '0000000000000001',
      startNano: startNano + BigInt(i),
      endNano: startNano + 7_000_000n + BigInt(number),
      name: `step ${i % 3}`,
      service: serviceOf(number),
      kind: i % 6,
      status: i % 3,
      attributes: [
        ['number', int(number)],
        ['word', text(`word ${number} ${i}`)],
      ] as const,
    })),
  );
}

/** A promise, or what may become one. `at`: the calls to the disk that had begun. */
interface Span {
  readonly begunAt: number;
  doneAt: number;
}

export class Ledger {
  /** By number and part. */
  readonly written = new Map<string, Span>();
  readonly deleted = new Map<number, Span>();
  /** When time moved on, and by how much. */
  moved: { at: number; ms: number } = { at: Infinity, ms: 0 };
  /** Written before that. */
  readonly old = new Set<number>();
  readonly #now: () => number;
  readonly #bornMs = Date.now();

  constructor(now: () => number) {
    this.#now = now;
  }

  async begin(
    span: Map<string, Span> | Map<number, Span>,
    key: string | number,
    work: () => Promise<unknown>,
  ) {
    const known = (span as Map<unknown, Span>).get(key);
    const one = known ?? { begunAt: this.#now(), doneAt: Infinity };
    (span as Map<unknown, Span>).set(key, one);
    await work();
    one.doneAt = Math.min(one.doneAt, this.#now());
  }

  move(ms: number): void {
    this.moved = { at: this.#now(), ms };
    for (const key of this.written.keys()) this.old.add(Number(key.split('.')[0]));
  }

  /** For a store that is opened as if no time had passed since: what is resent is resent soon. */
  movedMsAt(at: number): number {
    const passedMs = Date.now() - this.#bornMs;
    return (at > this.moved.at ? this.moved.ms : 0) - passedMs;
  }
}

const isDone = (span: Span | undefined, at: number) => span !== undefined && span.doneAt <= at;
const isBegun = (span: Span | undefined, at: number) => span !== undefined && span.begunAt < at;

/** What a read may say of a trace: numbers of its parts that must be, and may be, there. */
export interface Expected {
  readonly number: number;
  readonly must: readonly number[];
  readonly may: readonly number[];
  /** Retention has been told to take it, of which only its counts are left. */
  readonly isOld: boolean;
}

export function expectedAt(ledger: Ledger, at: number): Expected[] {
  const numbers = new Set([...ledger.written.keys()].map((key) => Number(key.split('.')[0])));
  return [...numbers].map((number) => {
    const parts = [0, 1].filter((part) => isBegun(ledger.written.get(`${number}.${part}`), at));
    const deletion = ledger.deleted.get(number);
    const isGone = isDone(deletion, at);
    const isGoing = isBegun(deletion, at);
    return {
      number,
      must: isGoing
        ? []
        : parts.filter((part) => isDone(ledger.written.get(`${number}.${part}`), at)),
      may: isGone ? [] : parts,
      isOld: at > ledger.moved.at && ledger.old.has(number),
    };
  });
}

/** Waits until what the store does by itself is done. */
export async function settle({ engine }: OpenStore): Promise<void> {
  for (const store of engine.stores) {
    await store.repairs.settled();
    await store.retiring.settled();
    await store.rollups.settled();
    await store.exclusively(() => Promise.resolve());
    await store.files.settled();
  }
}

/** Nothing that was deleted is on the disk. Until then counts are of the spans that are left, and none
 *  of spans that retention took. */
export function isErased({ engine }: OpenStore): boolean {
  return engine.stores.every(({ tombstones }) => tombstones.isEmpty);
}

/** Runs it all; what fails is left out of the ledger's promises and the rest goes on. */
export async function live(open: OpenStore, ledger: Ledger): Promise<void> {
  const { backend, engine, clock } = open;
  const attempt = (work: () => Promise<unknown>) => work().catch(() => {});
  const write = (number: number, part = 0) =>
    attempt(() =>
      ledger.begin(ledger.written, `${number}.${part}`, () =>
        backend.writer.write(batchOf(number, part)),
      ),
    );
  const store = (): TenantStore | undefined => engine.tenant(TENANT);
  const flush = () => attempt(async () => store()?.flush());
  const search = () =>
    attempt(() => backend.reader.findTraces({ tenant: TENANT, range: RANGE, limit: 5 }));

  for (const number of [0, 2, 4]) {
    await Promise.all([write(number), write(number + 1)]);
    await flush();
  }
  await search();
  await settle(open);
  clock.movedMs += 30 * HOUR_MS;
  ledger.move(30 * HOUR_MS);
  await Promise.all([write(6), write(7)]);
  await flush();
  engine.applyRetention();
  await settle(open);
  await write(8);
  await flush();
  // Late, out of order, sent again.
  await Promise.all([write(6, 1), write(8), write(9)]);
  const which = { traceIds: [traceIdOf(7), traceIdOf(9)] };
  await attempt(() =>
    ledger.begin(ledger.deleted, 7, () =>
      ledger.begin(ledger.deleted, 9, () => backend.maintenance!.deleteTraces(TENANT, which)),
    ),
  );
  await flush();
  await settle(open);
  await Promise.all([write(10), write(6)]);
  await search();
  await Promise.all([write(8, 1), write(11)]);
}

/** By id: how many of its parts are there whole. Throws when something is there that was not sent. */
export async function partsById({ backend }: OpenStore, number: number): Promise<number[]> {
  const batch = await backend.reader.getTrace(TENANT, { traceId: traceIdOf(number) });
  if (batch === undefined) return [];
  const found = texts(storedSpans(batch));
  const parts = [0, 1].filter((part) => {
    const sent = new Set(texts(storedSpans(batchOf(number, part))));
    return found.some((row) => sent.has(row));
  });
  const whole = parts.flatMap((part) => texts(storedSpans(batchOf(number, part)))).toSorted();
  if (JSON.stringify(found.toSorted()) !== JSON.stringify(whole)) {
    throw new Error(`trace ${number} has been altered: ${found.join('\n')}`);
  }
  return parts;
}

/** By id: its spans, each as it was sent and none twice. */
export async function spansInTrace({ backend }: OpenStore, number: number): Promise<number> {
  const batch = await backend.reader.getTrace(TENANT, { traceId: traceIdOf(number) });
  const found = batch === undefined ? [] : texts(storedSpans(batch));
  const sent = new Set([0, 1].flatMap((part) => texts(storedSpans(batchOf(number, part)))));
  for (const row of found) {
    if (!sent.delete(row)) throw new Error(`trace ${number} has a span that was not sent: ${row}`);
  }
  return found.length;
}

/** Spans of each trace, as a search says. */
export async function spansBySearch({ backend }: OpenStore): Promise<Map<string, number>> {
  const page = await backend.reader.findTraces({ tenant: TENANT, range: RANGE, limit: 100 });
  if (page.warnings.length > 0) throw new Error(page.warnings.join());
  return new Map(page.traces.map(({ traceId, spanCount }) => [traceId, spanCount]));
}

/** Spans of each batch, by counting: also of those that retention took. */
export async function spansByCount({ backend }: OpenStore): Promise<Map<string, number>> {
  const found = await backend.reader.aggregate!({
    tenant: TENANT,
    range: RANGE,
    groupBy: [intrinsic('service')],
    groupsMax: 100,
  });
  if (found.warnings.length > 0) throw new Error(found.warnings.join());
  const isCounted = found.from === 'rollups' || found.series.length === 0;
  if (!isCounted) throw new Error('spans that are gone were not counted');
  return new Map(
    found.series.map(({ group, points }) => [
      String(group[0] ?? ''),
      points.reduce((sum, point) => sum + point.spans, 0),
    ]),
  );
}

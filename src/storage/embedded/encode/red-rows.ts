/** Makes the rates, errors and durations of a row group from its rows. A span costs one look-up of
 *  its cell (operation and minute) and one of its bucket there; texts are touched once a cell.
 *  Hot: benchmark `bench/row-group.ts`. */

import { bucketOf } from '../../../model/duration-histogram.ts';
import { SPAN_KINDS, STATUS_ERROR } from '../../../model/attribute.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { bigNanoFromWords } from '../../../model/time.ts';
import { foldOperations } from '../red/merge.ts';
import {
  codeOfBucket,
  MINUTE_NANO,
  type RedCells,
  type RedEdge,
  type RedOperation,
  type RedPartial,
  SLOWEST,
  SLOWEST_ERROR,
} from '../red/partial.ts';
import { BucketCounts } from './bucket-counts.ts';
import type { RowCollector } from './rows.ts';
import { type IdRows, SpanTable } from './span-table.ts';
import { TraceGroups } from './trace-groups.ts';

const WORD = 0x1_0000_0000;
const EXACT_MAX = 2 ** 53;
const MINUTE = Number(MINUTE_NANO);

/** What rows are asked for. A batch and collected rows both have it. */
interface RedRows {
  readonly count: number;
  readonly startNano: Uint32Array;
  readonly endNano: Uint32Array;
  readonly names: Uint32Array;
  readonly kinds: Uint8Array;
  readonly statusCodes: Uint8Array;
  readonly resources: Uint32Array;
  readonly resourceCount: number;
  readonly ids: IdRows;
  /** 16 bytes a trace. */
  readonly traceIds: Uint8Array;
  readonly serviceOf: (resource: number) => string;
  readonly textOf: (name: number) => string;
}

/** Of collected rows. */
export function redOfRows(rows: RowCollector, parents: SpanTable): RedPartial {
  const { count, dense, resources, traces, ids } = rows;
  return new RedBuilder({
    ...dense,
    count,
    resourceCount: resources.list.length,
    ids,
    traceIds: traces.ids,
    serviceOf: (resource) => rows.serviceOf(resource),
    textOf: (name) => rows.textOf(name),
  }).build(parents);
}

/** Of a batch: the head's rows, and row groups that are read back. */
export function redOfBatch(batch: SpanBatch): RedPartial {
  const { columns } = batch.spans;
  const traces = new TraceGroups(0x5eed);
  traces.add(batch);
  const { spanIds, parentSpanIds } = columns;
  const ids = { count: batch.count, spanIds, parentSpanIds, traceOf: traces.ofRow, seed: 0x5eed };
  return new RedBuilder({
    ...columns,
    count: batch.count,
    resourceCount: batch.resources.count,
    ids,
    traceIds: traces.ids,
    serviceOf: (resource) => batch.strings.text(batch.resources.columns.services[resource]!),
    textOf: (name) => batch.strings.text(name),
  }).build(new SpanTable(ids));
}

/** Of a cell while it is being counted. */
interface Cell {
  readonly service: number;
  readonly name: number;
  readonly kind: number;
  readonly minute: number;
  calls: number;
  errors: number;
  sum: number;
  min: number;
  max: number;
  slowest: number;
  slowestError: number;
  errorMax: number;
}

/** By minute, then by pair of services. */
type EdgeCounts = Map<number, Map<number, { calls: number; errors: number }>>;

class RedBuilder {
  readonly #rows: RedRows;
  readonly #services: string[] = [];
  /** Service of each resource, as a number. */
  readonly #serviceOf: Uint32Array;
  readonly #cells: Cell[] = [];
  #slots = new Int32Array(4096);
  readonly #counts = new BucketCounts();
  readonly #baseLow: number;
  readonly #baseHigh: number;
  /** The minute that the base lies in, and how far behind its beginning. */
  readonly #baseMinute: number;
  readonly #baseRest: number;

  constructor(rows: RedRows) {
    this.#rows = rows;
    this.#serviceOf = this.#numberServices();
    this.#baseLow = rows.startNano[0] ?? 0;
    this.#baseHigh = rows.startNano[1] ?? 0;
    const base = bigNanoFromWords(this.#baseLow, this.#baseHigh);
    this.#baseMinute = Number(base / MINUTE_NANO);
    this.#baseRest = Number(base % MINUTE_NANO);
  }

  build(parents: SpanTable): RedPartial {
    const { count } = this.#rows;
    const edges: EdgeCounts = new Map();
    let unresolved = 0;
    for (let row = 0; row < count; row++) {
      const minute = this.#minuteOf(row);
      this.#count(row, minute);
      if (!parents.hasParent(row)) continue;
      const parent = parents.parentRow(row, this.#rows.kinds);
      if (parent < 0) unresolved++;
      else this.#addEdge(edges, { parent, row, minute });
    }
    return foldOperations({ ...this.#finish(), edges: this.#edges(edges), unresolved });
  }

  #numberServices(): Uint32Array {
    const { resourceCount, serviceOf } = this.#rows;
    const known = new Map<string, number>();
    return Uint32Array.from({ length: resourceCount }, (_, resource) => {
      const service = serviceOf(resource);
      const number = known.get(service) ?? this.#services.push(service) - 1;
      known.set(service, number);
      return number;
    });
  }

  /** Doubles are exact near the first row; what lies months away from it is divided as bigint. */
  #minuteOf(row: number): number {
    const low = this.#rows.startNano[row * 2]!;
    const high = this.#rows.startNano[row * 2 + 1]!;
    const since = (high - this.#baseHigh) * WORD + (low - this.#baseLow) + this.#baseRest;
    if (since < EXACT_MAX && since > -EXACT_MAX) {
      return this.#baseMinute + Math.floor(since / MINUTE);
    }
    return Number(bigNanoFromWords(low, high) / MINUTE_NANO);
  }

  /** Modulo 2^64 and signed, as the column has it; below zero counts as zero. */
  #durationOf(row: number): number {
    const { startNano, endNano } = this.#rows;
    const at = row * 2;
    const high = endNano[at + 1]! - startNano[at + 1]!;
    const duration = high * WORD + (endNano[at]! - startNano[at]!);
    if (duration >= 0) return duration < 2 ** 63 ? duration : 0;
    return duration < -(2 ** 63) ? duration + 2 ** 64 : 0;
  }

  #count(row: number, minute: number): void {
    const number = this.#cellOf(row, minute);
    const cell = this.#cells[number]!;
    const duration = this.#durationOf(row);
    cell.calls++;
    cell.sum += duration;
    if (duration < cell.min) cell.min = duration;
    if (duration > cell.max) {
      cell.max = duration;
      cell.slowest = row;
    }
    if (this.#rows.statusCodes[row] === STATUS_ERROR) {
      cell.errors++;
      if (duration > cell.errorMax) {
        cell.errorMax = duration;
        cell.slowestError = row;
      }
    }
    this.#counts.add(number, codeOfBucket(bucketOf(duration)));
  }

  #cellOf(row: number, minute: number): number {
    const { names, kinds, resources } = this.#rows;
    const service = this.#serviceOf[resources[row]!]!;
    const name = names[row]!;
    const number = kinds[row]!;
    const kind = number < SPAN_KINDS.length ? number : 0;
    const mask = this.#slots.length - 1;
    let slot = hashOf(service * 8 + kind, name, minute) & mask;
    for (;;) {
      const known = this.#slots[slot]! - 1;
      if (known < 0) break;
      const cell = this.#cells[known]!;
      const isSame =
        cell.name === name &&
        cell.minute === minute &&
        cell.service === service &&
        cell.kind === kind;
      if (isSame) return known;
      slot = (slot + 1) & mask;
    }
    const length = this.#cells.push({
      service,
      name,
      kind,
      minute,
      calls: 0,
      errors: 0,
      sum: 0,
      min: Infinity,
      max: -1,
      slowest: row,
      slowestError: -1,
      errorMax: -1,
    });
    this.#slots[slot] = length;
    if (length * 2 > this.#slots.length) this.#rehash();
    return length - 1;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    this.#cells.forEach(({ service, kind, name, minute }, i) => {
      let slot = hashOf(service * 8 + kind, name, minute) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = i + 1;
    });
    this.#slots = slots;
  }

  #addEdge(
    edges: EdgeCounts,
    { parent, row, minute }: { parent: number; row: number; minute: number },
  ): void {
    const { resources, statusCodes } = this.#rows;
    const from = this.#serviceOf[resources[parent]!]!;
    const to = this.#serviceOf[resources[row]!]!;
    let ofMinute = edges.get(minute);
    if (ofMinute === undefined) edges.set(minute, (ofMinute = new Map()));
    const pair = from * this.#services.length + to;
    let edge = ofMinute.get(pair);
    if (edge === undefined) ofMinute.set(pair, (edge = { calls: 0, errors: 0 }));
    edge.calls++;
    if (statusCodes[row] === STATUS_ERROR) edge.errors++;
  }

  #edges(edges: EdgeCounts): RedEdge[] {
    const { length } = this.#services;
    return [...edges].flatMap(([minute, ofMinute]) =>
      [...ofMinute].map(([pair, counts]) => ({
        parent: this.#services[Math.floor(pair / length)]!,
        child: this.#services[pair % length]!,
        minute,
        ...counts,
      })),
    );
  }

  #finish(): Pick<RedPartial, 'operations' | 'cells'> {
    const operations: RedOperation[] = [];
    const numbers = new Map<string, number>();
    const operationOf = this.#cells.map(({ service, name, kind }) => {
      const key = `${kind} ${service} ${name}`;
      const known = numbers.get(key);
      if (known !== undefined) return known;
      const text = this.#rows.textOf(name);
      numbers.set(key, operations.length);
      return (
        operations.push({ service: this.#services[service]!, name: text, kind, isRest: false }) - 1
      );
    });
    const order = this.#cells.map((_, i) => i);
    order.sort(
      (a, b) =>
        operationOf[a]! - operationOf[b]! || this.#cells[a]!.minute - this.#cells[b]!.minute,
    );
    return { operations, cells: this.#columns(order, operationOf) };
  }

  #columns(order: readonly number[], operationOf: readonly number[]): RedCells {
    const count = order.length;
    const rank = new Uint32Array(count);
    order.forEach((cell, i) => (rank[cell] = i));
    const cells = order.map((i) => this.#cells[i]!);
    const buckets = this.#counts.sorted(rank);
    const exemplarIds = new Uint8Array(count * 32);
    const exemplars = new Uint8Array(count);
    cells.forEach(({ slowest, slowestError }, i) => {
      exemplarIds.set(this.#traceId(slowest), i * 32);
      exemplars[i] = SLOWEST;
      if (slowestError < 0) return;
      exemplarIds.set(this.#traceId(slowestError), i * 32 + 16);
      exemplars[i] = SLOWEST | SLOWEST_ERROR;
    });
    return {
      count,
      operations: Uint32Array.from(order, (i) => operationOf[i]!),
      minutes: Uint32Array.from(cells, ({ minute }) => minute),
      calls: Uint32Array.from(cells, ({ calls }) => calls),
      errors: Uint32Array.from(cells, ({ errors }) => errors),
      sums: Float64Array.from(cells, ({ sum }) => sum),
      mins: Float64Array.from(cells, ({ min }) => min),
      maxs: Float64Array.from(cells, ({ max }) => max),
      ...buckets,
      exemplars,
      exemplarIds,
    };
  }

  #traceId(row: number): Uint8Array {
    const at = this.#rows.ids.traceOf[row]! * 16;
    return this.#rows.traceIds.subarray(at, at + 16);
  }
}

// oxlint-disable-next-line max-params -- numbers instead of an object, once a span
function hashOf(owner: number, name: number, minute: number): number {
  let hash = Math.imul(name ^ 0x2545f491, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ owner, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ minute, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

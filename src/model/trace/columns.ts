/** What a waterfall needs of a trace, as columns: the answer of GET /api/spoor/traces/{id}. Rows are
 *  in pre-order, so the reader sorts nothing; attributes are asked for span by span.
 *
 *  Layout, little-endian, every part on an 8-byte boundary:
 *  "SPTC", u32 version, u32 bytes of JSON, u32 rows, u32 events, u32 0, JSON head, then
 *  span ids, starts, durations, event times (f64), parents, services, names, first event of each
 *  row and the total (u32), kinds, flags (u8). */

import { bigNanoFromWords, durationFromWords } from '../time.ts';
import type { SpanBatch } from '../batch/span-batch.ts';
import { STATUS_ERROR } from '../attribute.ts';
import { hexAt } from '../ids.ts';
import { buildTree, subtreeShape } from './tree.ts';

const MAGIC = 0x43545053; // "SPTC"
export const TRACE_COLUMNS_VERSION = 1;
const HEAD_BYTES = 24;

export const RowFlag = {
  error: 1,
  /** Names a parent that is not in the trace. */
  orphan: 2,
  links: 4,
  /** Attributes or events were dropped by the SDK. */
  dropped: 8,
} as const;

export interface TraceColumns {
  readonly traceId: string;
  /** Earliest start, ns since 1970. */
  readonly startNano: bigint;
  /** From the earliest start to the latest end, ns. */
  readonly durationNano: number;
  readonly count: number;
  readonly services: readonly string[];
  readonly names: readonly string[];
  /** 8 bytes a row. */
  readonly spanIds: Uint8Array;
  /** ns since the trace's start; exact below 2^53. */
  readonly starts: Float64Array;
  readonly durations: Float64Array;
  /** Row of the parent, -1 for a root. */
  readonly parents: Int32Array;
  readonly depths: Uint32Array;
  /** Row behind the last descendant. */
  readonly ends: Uint32Array;
  /** Index in `services`, `names`. */
  readonly serviceIds: Uint32Array;
  readonly nameIds: Uint32Array;
  readonly kinds: Uint8Array;
  /** Bits of RowFlag. */
  readonly flags: Uint8Array;
  /** Events of row `i`: eventTimes[eventStarts[i]] to eventTimes[eventStarts[i + 1]], ns since the
   *  trace's start. */
  readonly eventStarts: Uint32Array;
  readonly eventTimes: Float64Array;
}

interface Head {
  readonly traceId: string;
  readonly startNano: string;
  readonly durationNano: number;
  readonly services: readonly string[];
  readonly names: readonly string[];
}

/** The hex id of a row's span. */
export function spanIdAt(columns: TraceColumns, row: number): string {
  return hexAt(columns.spanIds, row * 8, 8);
}

/** The spans of one trace as columns. The batch may be in any order, and must not be empty. */
export function traceColumns(batch: SpanBatch): TraceColumns {
  const { columns } = batch.spans;
  const { count } = batch;
  const base = earliest(columns.startNano);
  const starts = sinceBase(columns.startNano, base);
  const durations = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    durations[row] = durationFromWords(columns.startNano, columns.endNano, row);
  }
  const tree = buildTree({
    count,
    spanIds: idWords(columns.spanIds),
    parentSpanIds: idWords(columns.parentSpanIds),
    starts,
    kinds: columns.kinds,
  });
  const services = new Dictionary(batch);
  const names = new Dictionary(batch);
  const flags = new Uint8Array(count);
  const spanIds = new Uint8Array(count * 8);
  const serviceIds = new Uint32Array(count);
  const nameIds = new Uint32Array(count);
  const kinds = new Uint8Array(count);
  // The server makes this between two acknowledgements: no call for each value.
  for (let i = 0; i < count; i++) {
    const row = tree.rows[i]!;
    flags[i] = flagsOf(batch, row) | (tree.orphans[i] === 1 ? RowFlag.orphan : 0);
    for (let byte = 0; byte < 8; byte++) spanIds[i * 8 + byte] = columns.spanIds[row * 8 + byte]!;
    serviceIds[i] = services.id(batch.serviceOf(row));
    nameIds[i] = names.id(columns.names[row]!);
    kinds[i] = columns.kinds[row]!;
  }
  const inOrder = { starts: inRows(starts, tree.rows), durations: inRows(durations, tree.rows) };
  return {
    traceId: hexAt(columns.traceIds, 0, 16),
    startNano: bigNanoFromWords(base.low, base.high),
    durationNano: lastEnd(inOrder.starts, inOrder.durations),
    count,
    serviceIds,
    nameIds,
    services: services.values,
    names: names.values,
    spanIds,
    ...inOrder,
    parents: tree.parents,
    depths: tree.depths,
    ends: tree.ends,
    kinds,
    flags,
    ...eventsOf(batch, tree.rows, base),
  };
}

function inRows(values: Float64Array, rows: Uint32Array): Float64Array {
  const out = new Float64Array(rows.length);
  for (let i = 0; i < out.length; i++) out[i] = values[rows[i]!]!;
  return out;
}

export function encodeTraceColumns(trace: TraceColumns): Uint8Array {
  const head: Head = {
    traceId: trace.traceId,
    startNano: trace.startNano.toString(),
    durationNano: trace.durationNano,
    services: trace.services,
    names: trace.names,
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const parts = [
    json,
    trace.spanIds,
    trace.starts,
    trace.durations,
    trace.eventTimes,
    trace.parents,
    trace.serviceIds,
    trace.nameIds,
    trace.eventStarts,
    trace.kinds,
    trace.flags,
  ];
  const total = parts.reduce((sum, part) => sum + padded(part.byteLength), HEAD_BYTES);
  const out = new Uint8Array(total);
  new Uint32Array(out.buffer, 0, 5).set([
    MAGIC,
    TRACE_COLUMNS_VERSION,
    json.length,
    trace.count,
    trace.eventTimes.length,
  ]);
  let at = HEAD_BYTES;
  for (const part of parts) {
    out.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += padded(part.byteLength);
  }
  return out;
}

/** Reads what `encodeTraceColumns` wrote, as views over `bytes`. Throws RangeError on other bytes. */
export function decodeTraceColumns(bytes: Uint8Array): TraceColumns {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset, byteLength } = aligned;
  if (byteLength < HEAD_BYTES) throw new RangeError('trace columns: cut short');
  const words = new Uint32Array(buffer, byteOffset, 5);
  const [magic, version, jsonBytes = 0, count = 0, events = 0] = words;
  if (magic !== MAGIC) throw new RangeError('trace columns: not this format');
  if (version !== TRACE_COLUMNS_VERSION) throw new RangeError(`trace columns: version ${version}`);
  let at = HEAD_BYTES;
  const take = (length: number): number => {
    const start = at;
    at += padded(length);
    if (at > byteLength) throw new RangeError('trace columns: cut short');
    return byteOffset + start;
  };
  const f64 = (length: number) => new Float64Array(buffer, take(length * 8), length);
  const u32 = (length: number) => new Uint32Array(buffer, take(length * 4), length);
  const u8 = (length: number) => new Uint8Array(buffer, take(length), length);
  const head: Head = JSON.parse(new TextDecoder().decode(u8(jsonBytes)));
  const spanIds = u8(count * 8);
  const starts = f64(count);
  const durations = f64(count);
  const eventTimes = f64(events);
  const parents = new Int32Array(buffer, take(count * 4), count);
  return {
    ...head,
    startNano: BigInt(head.startNano),
    count,
    spanIds,
    starts,
    durations,
    eventTimes,
    parents,
    ...subtreeShape(parents),
    serviceIds: u32(count),
    nameIds: u32(count),
    eventStarts: u32(count + 1),
    kinds: u8(count),
    flags: u8(count),
  };
}

function flagsOf(batch: SpanBatch, row: number): number {
  const { columns } = batch.spans;
  const isError = columns.statusCodes[row] === STATUS_ERROR ? RowFlag.error : 0;
  const hasLinks = batch.links.starts[row + 1]! > batch.links.starts[row]! ? RowFlag.links : 0;
  const dropped = columns.droppedAttributes[row]! + columns.droppedEvents[row]!;
  return isError | hasLinks | (dropped > 0 ? RowFlag.dropped : 0);
}

function eventsOf(batch: SpanBatch, rows: Uint32Array, base: Words) {
  const { starts, columns } = batch.events;
  const eventStarts = new Uint32Array(rows.length + 1);
  const eventTimes = new Float64Array(batch.events.count);
  const times = sinceBase(columns.timeNano, base);
  let at = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    for (let e = starts[row]!; e < starts[row + 1]!; e++) eventTimes[at++] = times[e]!;
    eventStarts[i + 1] = at;
  }
  return { eventStarts, eventTimes };
}

interface Words {
  readonly low: number;
  readonly high: number;
}

function earliest(times: Uint32Array): Words {
  let low = times[0]!;
  let high = times[1]!;
  for (let i = 2; i < times.length; i += 2) {
    const isEarlier = times[i + 1]! < high || (times[i + 1] === high && times[i]! < low);
    if (isEarlier) [low, high] = [times[i]!, times[i + 1]!];
  }
  return { low, high };
}

/** Differences to the base, exact below 2^53 ns: no bigint a row. */
function sinceBase(times: Uint32Array, { low, high }: Words): Float64Array {
  const since = new Float64Array(times.length / 2);
  for (let i = 0; i < since.length; i++) {
    since[i] = (times[i * 2 + 1]! - high) * 0x1_0000_0000 + (times[i * 2]! - low);
  }
  return since;
}

function lastEnd(starts: Float64Array, durations: Float64Array): number {
  let last = 0;
  for (let i = 0; i < starts.length; i++) last = Math.max(last, starts[i]! + durations[i]!);
  return last;
}

/** Ids as two words each, copied when the column is not aligned for it. */
function idWords(bytes: Uint8Array): Uint32Array {
  const whole = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(whole.buffer, whole.byteOffset, bytes.length / 4);
}

/** String ids of a batch to small numbers of their own. */
class Dictionary {
  readonly values: string[] = [];
  readonly #batch: SpanBatch;
  /** Of each string of the batch its number plus one; 0 = none yet. */
  readonly #ids: Uint32Array;

  constructor(batch: SpanBatch) {
    this.#batch = batch;
    this.#ids = new Uint32Array(batch.strings.count);
  }

  id(stringId: number): number {
    const known = this.#ids[stringId]!;
    if (known > 0) return known - 1;
    const id = this.values.length;
    this.#ids[stringId] = id + 1;
    this.values.push(this.#batch.strings.text(stringId));
    return id;
  }
}

function padded(length: number): number {
  return (length + 7) & ~7;
}

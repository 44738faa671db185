/** The rows of one tenant that are durable but not yet in a file: what the write-ahead log holds
 *  for them. Immutable, so a reader keeps the head it has while rows come and go. There is no index
 *  by trace id: comparing 32,768 ids takes some tens of µs when asked, an index costs each span. */

import { encodeFrame, traceIdsOf, viewFrame } from '../../model/batch/frame.ts';
import { gather } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';

/** What a write brought, as it was logged. Kept as the frame: a batch is sixty arrays, which the
 *  collector would copy and walk for as long as the rows wait, at a fifth of what small batches cost.
 *  Who wants a batch gets one made, views over the frame. */
export class HeadEntry {
  readonly walSeq: number;
  readonly frame: Uint8Array;
  readonly rows: number;
  /** What the rows were let in with, whatever the frame takes. */
  readonly bytes: number;
  readonly #traceIds: Uint8Array;

  /** `frame` is of the batch, by `encodeFrame`, and nobody writes to it any more. */
  constructor(walSeq: number, batch: SpanBatch, frame = encodeFrame(batch)) {
    this.walSeq = walSeq;
    this.frame = frame;
    this.rows = batch.count;
    this.bytes = batch.byteSize;
    this.#traceIds = traceIdsOf(frame);
  }

  get batch(): SpanBatch {
    return viewFrame(this.frame);
  }

  /** Numbers of the rows of this trace. */
  rowsOf(traceId: Uint8Array): number[] {
    const ids = this.#traceIds;
    const rows: number[] = [];
    const [first, second, third] = traceId;
    for (let at = 0; at < ids.length; at += 16) {
      if (ids[at] !== first || ids[at + 1] !== second || ids[at + 2] !== third) continue;
      if (equalsAt(ids, at, traceId)) rows.push(at / 16);
    }
    return rows;
  }
}

export class Head {
  static readonly empty = new Head([], 0);
  /** In the order of walSeq. */
  readonly entries: readonly HeadEntry[];
  readonly rows: number;

  constructor(entries: readonly HeadEntry[], rows = countRows(entries)) {
    this.entries = entries;
    this.rows = rows;
  }

  /** The rows of this trace, one batch for each write that brought some. */
  find(traceId: Uint8Array): SpanBatch[] {
    const found: SpanBatch[] = [];
    for (const entry of this.entries) {
      const rows = entry.rowsOf(traceId);
      if (rows.length > 0) found.push(gather(entry.batch, Uint32Array.from(rows)));
    }
    return found;
  }

  /** Highest walSeq; 0 when empty. */
  get walTo(): number {
    return this.entries.at(-1)?.walSeq ?? 0;
  }
}

/** The head of a tenant as rows come and go, and what it was at a moment. */
export class OpenHead {
  #entries: HeadEntry[] = [];
  #pinned: Head | undefined = Head.empty;
  #bytes = 0;

  /** In the order of walSeq. */
  get entries(): readonly HeadEntry[] {
    return this.#entries;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of the oldest rows; undefined when there are none. */
  get firstSeq(): number | undefined {
    return this.#entries[0]?.walSeq;
  }

  /** Of the youngest rows; 0 when there are none. */
  get lastSeq(): number {
    return this.#entries.at(-1)?.walSeq ?? 0;
  }

  /** As it is now. */
  get now(): Head {
    return (this.#pinned ??= new Head(this.#entries.slice()));
  }

  /** The rows of records up to this one. */
  upTo(walSeq: number): Head {
    return new Head(this.#entries.filter((entry) => entry.walSeq <= walSeq));
  }

  add(entry: HeadEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    this.#pinned = undefined;
  }

  /** These rows are what is left. Returns the bytes of the others. */
  keep(entries: readonly HeadEntry[]): number {
    const before = this.#bytes;
    this.#entries = [...entries];
    this.#bytes = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#pinned = undefined;
    return before - this.#bytes;
  }
}

function countRows(entries: readonly HeadEntry[]): number {
  return entries.reduce((sum, { rows }) => sum + rows, 0);
}

function equalsAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

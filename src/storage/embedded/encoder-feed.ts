/** Hands the rows of a tenant to the encoder, a row group's worth ahead of the next flush and no
 *  more: what comes faster is held back, so that a flush stays small however far the encoder lags,
 *  and room is made steadily. Only a search makes it send all. */

import type { SpanBatch } from '../../model/batch/span-batch.ts';
import type { FlushTarget, SegmentEncoder } from './encoder-port.ts';
import type { HeadEntry } from './head.ts';
import { type HashSeed, identityHashes } from './identity.ts';
import type { DataFile } from './manifest.ts';

/** Rows that are durable in the log. */
export interface DurableRows {
  readonly walSeq: number;
  readonly batch: SpanBatch;
  readonly frame: Uint8Array;
  /** Identity hashes, two words a row. */
  readonly hashes: Uint32Array;
}

interface HeldRows {
  readonly entry: HeadEntry;
  /** Made again when they are not there any more. */
  readonly hashes?: Uint32Array | undefined;
}

export interface EncoderFeedOptions {
  readonly tenant: string;
  readonly hashSeed: HashSeed;
  readonly encoder: SegmentEncoder;
  /** What makes a row group. */
  readonly rowsMax: number;
  readonly bytesMax: number;
}

export class EncoderFeed {
  readonly #options: EncoderFeedOptions;
  #held: HeldRows[] = [];
  /** Of what the encoder has for the next flush. */
  #sentRows = 0;
  #sentBytes = 0;
  #heldRows = 0;
  #heldBytes = 0;
  #mustDiscard = false;

  constructor(options: EncoderFeedOptions) {
    this.#options = options;
  }

  /** Rows that no flush has been asked for. */
  get waitingRows(): number {
    return this.#sentRows + this.#heldRows;
  }

  /** There is a row group's worth of them. */
  get isFull(): boolean {
    const { rowsMax, bytesMax } = this.#options;
    return this.waitingRows >= rowsMax || this.#sentBytes + this.#heldBytes >= bytesMax;
  }

  add(entry: HeadEntry, hashes: Uint32Array): void {
    this.#hold({ entry, hashes });
    this.#fill();
  }

  /** The encoder has forgotten its rows: it gets all of these again. */
  lost(head: readonly HeadEntry[]): void {
    this.#held = [];
    this.#sentRows = 0;
    this.#sentBytes = 0;
    this.#heldRows = 0;
    this.#heldBytes = 0;
    this.#mustDiscard = true;
    for (const entry of head) this.#hold({ entry });
  }

  /** The oldest row group's worth as a file, or little more. `head` is all rows that are in no file:
   *  after a search that made the encoder take many of them it starts again with the oldest. */
  flush(target: FlushTarget, head: readonly HeadEntry[]): Promise<DataFile> {
    const { encoder, tenant, rowsMax } = this.#options;
    if (this.#sentRows >= 2 * rowsMax) this.lost(head);
    this.#discardFirst();
    this.#fill();
    const file = encoder.flush(tenant, target);
    this.#sentRows = 0;
    this.#sentBytes = 0;
    this.#fill();
    return file;
  }

  /** All rows that no flush was asked for as a file. */
  snapshot(path: string): Promise<DataFile | undefined> {
    const { encoder, tenant } = this.#options;
    this.#discardFirst();
    this.#send(this.#held.length);
    return encoder.snapshot(tenant, path);
  }

  #hold(rows: HeldRows): void {
    this.#held.push(rows);
    this.#heldRows += rows.entry.rows;
    this.#heldBytes += rows.entry.bytes;
  }

  /** Nothing is sent to an encoder that is behind until a file is wanted: were it to fail again and
   *  again, that would be in vain. */
  #discardFirst(): void {
    if (!this.#mustDiscard) return;
    this.#options.encoder.discard(this.#options.tenant);
    this.#mustDiscard = false;
  }

  #fill(): void {
    if (this.#mustDiscard) return;
    const { rowsMax, bytesMax } = this.#options;
    let rows = this.#sentRows;
    let bytes = this.#sentBytes;
    let count = 0;
    for (const { entry } of this.#held) {
      if (rows >= rowsMax || bytes >= bytesMax) break;
      rows += entry.rows;
      bytes += entry.bytes;
      count++;
    }
    this.#send(count);
  }

  #send(count: number): void {
    const { encoder, tenant, hashSeed } = this.#options;
    for (const { entry, hashes } of this.#held.splice(0, count)) {
      const { walSeq, frame, rows, bytes } = entry;
      encoder.append(tenant, {
        walSeq,
        frame,
        hashes: hashes ?? identityHashes(entry.batch, hashSeed),
      });
      this.#sentRows += rows;
      this.#sentBytes += bytes;
      this.#heldRows -= rows;
      this.#heldBytes -= bytes;
    }
  }
}

/** What the engine asks of the encoder: rows in, files out. Calls are carried out in order, so a
 *  flush takes exactly the rows that were appended before it. */

import type { HashSeed } from './identity.ts';
import type { DataFile } from './manifest.ts';

export interface EncoderRows {
  readonly walSeq: number;
  /** Nobody writes to it any more. */
  readonly frame: Uint8Array;
  /** Identity hashes, two words a row. */
  readonly hashes: Uint32Array;
}

export interface FlushTarget {
  /** The file is `<from>-<from>.parquet` in this directory. */
  readonly directory: string;
  readonly from: number;
}

export interface SegmentEncoder {
  /** Why it does not work; undefined when it does. */
  readonly problem: string | undefined;
  append(tenant: string, rows: EncoderRows): void;
  /** Forgets the rows that no flush has taken. */
  discard(tenant: string): void;
  /** The rows so far as a durable file. After a failure the encoder has forgotten them. */
  flush(tenant: string, target: FlushTarget): Promise<DataFile>;
  /** The rows so far as a file that need not be durable, and stay. Undefined when there are none. */
  snapshot(tenant: string, path: string): Promise<DataFile | undefined>;
  /** One file of the rows of several, which follow each other. The inputs stay. */
  stitch(inputs: readonly DataFile[], path: string): Promise<DataFile>;
  /** The file without rows of the traces in its `deleted`. Undefined when none is left, and then
   *  there is no file. The input stays. `seed`: what identity hashes of the tenant are made with. */
  rewrite(input: DataFile, path: string, seed: HashSeed): Promise<DataFile | undefined>;
  /** The file with its index made again from its rows; undefined when the index has no damage.
   *  Rejects with 'damaged' when the rows have. `seed` as above. */
  reindex(file: DataFile, seed: HashSeed): Promise<DataFile | undefined>;
  close(): Promise<void>;
}

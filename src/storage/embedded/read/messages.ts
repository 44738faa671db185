/** What the main thread and the reader's thread say to each other. */

import type { StorageErrorCode } from '../../contract.ts';
import type { HashSeed } from '../identity.ts';
import type { FileDamage } from '../manifest.ts';
import type { ColumnChoice } from './span-columns.ts';

/** Where a file has rows of a trace, as far as its index tells. */
export interface SoughtTrace {
  /** Its place in `traceIds`. */
  readonly trace: number;
  /** Absent: any of them. */
  readonly rowGroups?: readonly number[] | undefined;
  /** How many rows there are. */
  readonly spans?: number | undefined;
}

export interface SoughtFile {
  readonly path: string;
  readonly traces: readonly SoughtTrace[];
}

export interface ReadOrder {
  readonly tenant: string;
  /** What identity hashes are made with. */
  readonly seed: HashSeed;
  readonly choice: ColumnChoice;
  readonly traceIds: readonly string[];
  readonly files: readonly SoughtFile[];
  /** Rows that no file has, as frames. */
  readonly head: readonly { readonly trace: number; readonly frame: Uint8Array }[];
  /** What all traces together may take. */
  readonly bytesMax: number;
}

/** Traces one after another as one batch: a frame for each of them costs more than their rows. */
export interface TracesFrame {
  readonly frame: Uint8Array;
  /** The row behind the last one of each trace of the order; one without rows may be in another part. */
  readonly ends: Uint32Array;
}

/** To compare pages with their checksums. */
export interface VerifyOrder {
  readonly path: string;
  /** Its rows as the store knows them. */
  readonly rows: number;
  /** Absent: all. The footer is looked at in any case. */
  readonly columns?: readonly string[] | undefined;
  /** Nobody waits for it: it stands aside as long as anybody reads. */
  readonly isPatient?: boolean | undefined;
}

export type ToReader =
  | { readonly kind: 'read'; readonly id: number; readonly order: ReadOrder }
  | { readonly kind: 'verify'; readonly id: number; readonly order: VerifyOrder }
  | { readonly kind: 'cancel'; readonly id: number };

/** An error as it crosses between threads. */
export interface ReadFailure {
  readonly code: StorageErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export type FromReader =
  | {
      readonly kind: 'verified';
      readonly id: number;
      readonly ok: true;
      /** Absent: it is whole. */
      readonly damage?: FileDamage | undefined;
    }
  | {
      readonly kind: 'traces';
      readonly id: number;
      readonly ok: true;
      readonly parts: readonly TracesFrame[];
      /** What was left out. */
      readonly warnings: readonly string[];
    }
  | { readonly id: number; readonly ok: false; readonly failure: ReadFailure };

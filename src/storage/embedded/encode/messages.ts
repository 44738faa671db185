/** What the main thread and the encoder's worker say to each other. */

import type { StorageErrorCode } from '../../contract.ts';
import type { EncoderRows } from '../encoder-port.ts';
import type { HashSeed } from '../identity.ts';

export interface WorkerOptions {
  readonly seed: number;
}

export interface AppendedRows extends EncoderRows {
  readonly tenant: string;
}

/** Carried out in the order they come. */
export type Order =
  | { readonly kind: 'append'; readonly rows: readonly AppendedRows[] }
  | { readonly kind: 'discard'; readonly tenant: string };

/** Each is answered. */
export type Request =
  | {
      readonly kind: 'flush';
      readonly id: number;
      readonly tenant: string;
      readonly path: string;
      readonly number: number;
      readonly nowMs: number;
    }
  | {
      readonly kind: 'snapshot';
      readonly id: number;
      readonly tenant: string;
      readonly path: string;
      readonly nowMs: number;
    }
  | {
      readonly kind: 'stitch';
      readonly id: number;
      readonly inputs: readonly string[];
      readonly path: string;
    }
  | {
      readonly kind: 'rewrite';
      readonly id: number;
      readonly input: string;
      readonly path: string;
      /** Traces whose rows are left out, as hex. */
      readonly traceIds: ReadonlySet<string>;
      readonly seed: HashSeed;
    }
  | {
      readonly kind: 'reindex';
      readonly id: number;
      readonly path: string;
      readonly seed: HashSeed | undefined;
    };

export type Message = Order | Request;

/** An error as it crosses between threads. */
export interface Failure {
  readonly code: StorageErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly hint: string | undefined;
}

export type Reply =
  /** `isEmpty`: there were no rows, or nothing to do, and there is no file. */
  | { readonly id: number; readonly ok: true; readonly isEmpty: boolean }
  | { readonly id: number; readonly ok: false; readonly failure: Failure };

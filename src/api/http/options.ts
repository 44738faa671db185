/** What the query server is made of. */

import type { Capabilities, TraceReader } from '../../storage/contract.ts';

export interface QueryServerOptions {
  readonly reader: TraceReader;
  readonly capabilities: Capabilities;
  readonly tenant: string;
  /** '' or '/prefix' before every path. */
  readonly basePath: string;
  /** The built UI; undefined serves the API alone. */
  readonly uiDirectory?: string | undefined;
  /** 0 = times as they came. */
  readonly maxClockSkewNano: bigint;
  /** Answers are refused beyond this many spans; 0 = no cap. */
  readonly maxTraceSize?: number | undefined;
  /** Wall clock, ms since 1970. */
  readonly now: () => number;
  readonly log: { warn(details: object, message: string): void };
}

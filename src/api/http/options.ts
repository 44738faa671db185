/** What the query server is made of. */

import type { Capabilities, TraceMaintenance, TraceReader } from '../../storage/contract.ts';

export interface QueryServerOptions {
  readonly reader: TraceReader;
  readonly capabilities: Capabilities;
  /** What the tools for operators ask; without it they cannot. */
  readonly maintenance?: TraceMaintenance | undefined;
  readonly tenant: string;
  /** '' or '/prefix' before every path. */
  readonly basePath: string;
  /** The built UI; undefined serves the API alone. */
  readonly uiDirectory?: string | undefined;
  /** 0 = times as they came. */
  readonly maxClockSkewNano: bigint;
  /** Jaeger's APIs cut a trace off after this many spans, with a warning; 0 = no cap. */
  readonly maxTraceSize: number;
  /** Largest request body; undefined = 1 MiB. */
  readonly bodyBytesMax?: number | undefined;
  /** Wall clock, ms since 1970. */
  readonly now: () => number;
  /** Told of every answer: the pattern of its route, and how long it took. */
  readonly onAnswered?: ((answer: Answered) => void) | undefined;
  readonly log: { warn(details: object, message: string): void };
}

/** How the Jaeger APIs read traces. */
export function traceRequest(options: QueryServerOptions, raw: boolean) {
  return {
    tenant: options.tenant,
    raw,
    adjust: { maxClockSkewNano: options.maxClockSkewNano },
    spansMax: options.maxTraceSize,
  };
}

export interface Answered {
  readonly method: string;
  /** `/api/traces/:traceId`; undefined for paths without a route. */
  readonly route: string | undefined;
  readonly status: number;
  readonly seconds: number;
}

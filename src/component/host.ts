/** What a component may ask of the process it runs in. Extensions lend things under a capability
 *  and a name (the store `main`); others find them by both. So an exporter reaches a store without
 *  either knowing the other. */
import type { ComponentStatus, StatusReport } from './status.ts';

/** A kind of thing that is lent. `T` is what the borrower gets. */
export interface Capability<T> {
  /** In words, for messages: "trace storage". */
  readonly name: string;
  /** Carries the type only; never set. */
  readonly lends?: T;
}

export function capability<T>(name: string): Capability<T> {
  return { name };
}

/** An address that a person or a client uses, shown when everything is up. */
export interface Endpoint {
  /** "UI", "OTLP/gRPC". */
  readonly label: string;
  readonly address: string;
}

export interface Host {
  /** Called by an extension while it is created or started. */
  lend<T>(what: Capability<T>, name: string, value: T): void;
  /** What was lent under this name. Call it in `start`, not before. */
  find<T>(what: Capability<T>, name: string): T | undefined;
  announce(endpoint: Endpoint): void;
  /** A line for the person who started the process: "memory is kept in a temporary directory". */
  notice(text: string): void;
  reportStatus(status: ComponentStatus, error?: string): void;
  /** How the whole process is doing. */
  status(): StatusReport;
  /** Ends the process in order: something broke that cannot be worked around. */
  fail(error: unknown): void;
}

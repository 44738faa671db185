/** How the process and each of its components are doing, for the health endpoint. The states are
 *  the Collector's. */
export type ComponentStatus =
  | 'StatusNone'
  | 'StatusStarting'
  | 'StatusOK'
  | 'StatusRecoverableError'
  | 'StatusPermanentError'
  | 'StatusFatalError'
  | 'StatusStopping'
  | 'StatusStopped';

export interface StatusEntry {
  readonly status: ComponentStatus;
  readonly error?: string | undefined;
  readonly sinceMs: number;
}

export interface StatusReport extends StatusEntry {
  readonly startedMs: number;
  /** By `kind:id`, for example `receiver:otlp`. */
  readonly components: ReadonlyMap<string, StatusEntry>;
}

/** The order in which one component's state colours the whole: the worst wins. */
const severity: readonly ComponentStatus[] = [
  'StatusNone',
  'StatusOK',
  'StatusRecoverableError',
  'StatusPermanentError',
  'StatusFatalError',
];

export class StatusBoard {
  readonly #components = new Map<string, StatusEntry>();
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #phase: StatusEntry;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
    this.#phase = { status: 'StatusStarting', sinceMs: this.#startedMs };
  }

  /** Where the whole process stands: starting, running, stopping, stopped. */
  setPhase(status: 'StatusStarting' | 'StatusOK' | 'StatusStopping' | 'StatusStopped'): void {
    this.#phase = { status, sinceMs: this.#nowMs() };
  }

  set(component: string, status: ComponentStatus, error?: string): void {
    this.#components.set(component, { status, error, sinceMs: this.#nowMs() });
  }

  /** It is no longer part of the process. */
  forget(component: string): void {
    this.#components.delete(component);
  }

  report(): StatusReport {
    return { ...this.#overall(), startedMs: this.#startedMs, components: this.#components };
  }

  #overall(): StatusEntry {
    if (this.#phase.status !== 'StatusOK') return this.#phase;
    let worst = this.#phase;
    for (const entry of this.#components.values()) {
      if (severity.indexOf(entry.status) > severity.indexOf(worst.status)) worst = entry;
    }
    return worst;
  }
}

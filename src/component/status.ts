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

/** A pipeline as it is configured, for those who show the process to people. */
export interface PipelineOutline {
  /** `traces`, `traces/second`. */
  readonly id: string;
  /** In the order of the data: `receiver:otlp`, `processor:batch`, `exporter:debug`. */
  readonly components: readonly string[];
  /** Where it acknowledges, in words. */
  readonly acknowledges: string;
}

export interface StatusReport extends StatusEntry {
  readonly startedMs: number;
  readonly version: string;
  readonly pipelines: readonly PipelineOutline[];
  /** By `kind:id`, for example `receiver:otlp`. */
  readonly components: ReadonlyMap<string, StatusEntry>;
}

/** The order in which one component's state colours the whole: the worst wins. */
const severity: readonly ComponentStatus[] = [
  'StatusNone',
  'StatusOK',
  'StatusStopped',
  'StatusStopping',
  'StatusStarting',
  'StatusRecoverableError',
  'StatusPermanentError',
  'StatusFatalError',
];

/** The entry that colours the whole; the first of several. */
export function worstOf(entries: Iterable<StatusEntry>): StatusEntry | undefined {
  let worst: StatusEntry | undefined;
  for (const entry of entries) {
    if (worst === undefined || rank(entry) > rank(worst)) worst = entry;
  }
  return worst;
}

function rank({ status }: StatusEntry): number {
  return severity.indexOf(status);
}

export class StatusBoard {
  readonly #components = new Map<string, StatusEntry>();
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #phase: StatusEntry;
  #version = '';
  #pipelines: readonly PipelineOutline[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
    this.#phase = { status: 'StatusStarting', sinceMs: this.#startedMs };
  }

  /** Where the whole process stands: starting, running, stopping, stopped. */
  setPhase(status: 'StatusStarting' | 'StatusOK' | 'StatusStopping' | 'StatusStopped'): void {
    this.#phase = { status, sinceMs: this.#nowMs() };
  }

  /** What runs. */
  describe(version: string, pipelines: readonly PipelineOutline[]): void {
    this.#version = version;
    this.#pipelines = pipelines;
  }

  set(component: string, status: ComponentStatus, error?: string): void {
    this.#components.set(component, { status, error, sinceMs: this.#nowMs() });
  }

  /** It is no longer part of the process. */
  forget(component: string): void {
    this.#components.delete(component);
  }

  report(): StatusReport {
    return {
      ...this.#overall(),
      startedMs: this.#startedMs,
      version: this.#version,
      pipelines: this.#pipelines,
      components: this.#components,
    };
  }

  #overall(): StatusEntry {
    if (this.#phase.status !== 'StatusOK') return this.#phase;
    const failing = [...this.#components.values()].filter(({ status }) => status.endsWith('Error'));
    return worstOf([this.#phase, ...failing]) ?? this.#phase;
  }
}

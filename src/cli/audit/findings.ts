/** What an audit has found so far, as numbers for people and for Prometheus. */

import { Counter, Registry } from 'prom-client';
import type { By, Fault, Findings } from './auditor.ts';

export class CountedFindings implements Findings {
  readonly registry = new Registry();
  readonly faults: Record<Fault, number> = { missing: 0, altered: 0, duplicated: 0 };
  readonly checks: Record<By, number> = { id: 0, search: 0 };
  traces = 0;
  spans = 0;
  unansweredCount = 0;
  /** Of the last failure, for the line that people read. */
  lastFailure = '';
  readonly #onFault: (line: string) => void;
  readonly #acked = this.#counter('traces_acknowledged_total', 'Traces acknowledged.', []);
  readonly #ackedSpans = this.#counter('spans_acknowledged_total', 'Spans acknowledged.', []);
  readonly #failed = this.#counter(
    'unanswered_total',
    'Requests that were refused or not answered, and made again.',
    ['request'],
  );
  readonly #checked = this.#counter('checks_total', 'Traces read back.', ['by']);
  readonly #faults = this.#counter(
    'faults_total',
    'Acknowledged traces that were not read back as they were sent.',
    ['class', 'by'],
  );

  /** Every fault is told at once, one line each. */
  constructor(onFault: (line: string) => void) {
    this.#onFault = onFault;
    for (const kind of ['missing', 'altered', 'duplicated']) {
      for (const by of ['id', 'search']) this.#faults.inc({ class: kind, by }, 0);
    }
  }

  acknowledged(spans: number): void {
    this.traces++;
    this.spans += spans;
    this.#acked.inc();
    this.#ackedSpans.inc(spans);
  }

  unanswered(request: 'write' | 'read', why: string): void {
    this.unansweredCount++;
    this.lastFailure = why;
    this.#failed.inc({ request });
  }

  checked(by: By): void {
    this.checks[by]++;
    this.#checked.inc({ by });
  }

  fault(fault: Fault, by: By, traceId: string): void {
    this.faults[fault]++;
    this.#faults.inc({ class: fault, by });
    this.#onFault(`${fault} by ${by}: trace ${traceId}`);
  }

  get isClean(): boolean {
    return Object.values(this.faults).every((count) => count === 0);
  }

  /** `1200 traces (8123 spans) acknowledged, 900 read by id, 300 by search: 0 missing, …` */
  summary(): string {
    const { missing, altered, duplicated } = this.faults;
    return (
      `${this.traces} traces (${this.spans} spans) acknowledged, ` +
      `${this.checks.id} read by id, ${this.checks.search} by search: ` +
      `${missing} missing, ${altered} altered, ${duplicated} duplicated`
    );
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({
      name: `spoor_audit_${name}`,
      help,
      labelNames,
      registers: [this.registry],
    });
  }
}

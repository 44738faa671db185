/** Writes known traces, reads them back by id and by search, and counts what is not as it was sent.
 *  A trace whose answer did not come is sent again until it is acknowledged, so resends are part of
 *  the audit: they must not be there twice. */

import type { Clock } from '../../lib/clock.ts';
import { type AuditedServer, UnansweredError } from './audited-server.ts';
import {
  AUDIT_KEY,
  AUDIT_SERVICE,
  auditName,
  type AuditRun,
  judge,
  knownTrace,
  SPREAD_NANO,
  startOf,
  traceIdOf,
  type Verdict,
} from './known-trace.ts';
import type { Ledger } from './ledger.ts';

export type By = 'id' | 'search';
export type Fault = Exclude<Verdict, 'whole'>;

/** Told of everything that is found. */
export interface Findings {
  acknowledged(spans: number): void;
  /** Not acknowledged; the trace is sent again. */
  unanswered(what: 'write' | 'read', why: string): void;
  checked(by: By): void;
  fault(fault: Fault, by: By, traceId: string): void;
}

export interface AuditorOptions {
  readonly server: AuditedServer;
  readonly run: AuditRun;
  readonly ledger: Ledger;
  readonly findings: Findings;
  readonly clock: Clock;
}

const PAUSE_MS = 100;

export class Auditor {
  readonly #options: AuditorOptions;

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** Sends the next trace until it is acknowledged; its number. Once the signal is aborted, a trace
   *  that is under way is given up and nothing is concluded from it. */
  async writeNext(signal: AbortSignal): Promise<number> {
    const { server, run, ledger, findings } = this.#options;
    const number = ledger.begin();
    const batch = knownTrace(run, number);
    while (!signal.aborted) {
      try {
        await server.write(batch, signal);
        ledger.acknowledge(number);
        findings.acknowledged(batch.count);
        return number;
      } catch (error) {
        await this.#afterFailure(error, 'write', signal);
      }
    }
    ledger.giveUp(number);
    return number;
  }

  /** Of an acknowledged trace. Waits for the server when it does not answer. */
  async check(number: number, by: By, signal: AbortSignal): Promise<void> {
    const { run, findings, ledger } = this.#options;
    if (!ledger.isAcknowledged(number)) return;
    while (!signal.aborted) {
      try {
        const verdict = await (by === 'id'
          ? this.#byId(number, signal)
          : this.#bySearch(number, signal));
        findings.checked(by);
        if (verdict !== 'whole') findings.fault(verdict, by, traceIdOf(run, number));
        return;
      } catch (error) {
        await this.#afterFailure(error, 'read', signal);
      }
    }
  }

  async #byId(number: number, signal: AbortSignal): Promise<Verdict> {
    const { server, run } = this.#options;
    return judge(knownTrace(run, number), await server.read(traceIdOf(run, number), signal));
  }

  /** Found by its attribute, once, with all of its spans and none twice. */
  async #bySearch(number: number, signal: AbortSignal): Promise<Verdict> {
    const { server, run } = this.#options;
    const startNano = startOf(run, number);
    const found = await server.search(
      {
        service: AUDIT_SERVICE,
        key: AUDIT_KEY,
        value: auditName(run, number),
        startNano,
        endNano: startNano + SPREAD_NANO,
      },
      signal,
    );
    const [first, second] = found;
    if (first === undefined) return 'missing';
    if (second !== undefined || first.traceId !== traceIdOf(run, number)) return 'altered';
    const sent = knownTrace(run, number).count;
    if (first.spans === sent) return 'whole';
    return first.spans > sent ? 'duplicated' : 'altered';
  }

  async #afterFailure(
    failure: unknown,
    what: 'write' | 'read',
    signal: AbortSignal,
  ): Promise<void> {
    if (!(failure instanceof UnansweredError)) throw failure;
    if (signal.aborted) return;
    this.#options.findings.unanswered(what, failure.message);
    await this.#options.clock.sleep(PAUSE_MS, signal).catch(() => {});
  }
}

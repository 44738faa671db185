/** Sends until there is enough: lanes that each have one request under way, paced to a rate. */

import { systemClock } from '../../lib/clock.ts';
import { Latencies } from './latencies.ts';
import type { Outcome, Sender } from './sender.ts';

export interface Load {
  readonly sender: Sender;
  /** The next request, ready to send. */
  readonly next: () => { readonly bytes: Uint8Array; readonly spans: number };
  readonly connections: number;
  /** Requests under way at a time. */
  readonly lanes: number;
  /** Spans a second; 0 = as fast as they are acknowledged. */
  readonly rate: number;
  readonly spansMax: number;
  readonly durationMs: number;
  readonly signal: AbortSignal;
  /** Called about once a second. */
  readonly progress?: (totals: Totals) => void;
}

/** In spans. */
export interface Totals {
  readonly latencies: Latencies;
  readonly reasons: Map<string, number>;
  sent: number;
  acked: number;
  refused: number;
  failed: number;
  elapsedMs: number;
}

const PROGRESS_MS = 1000;
/** A server that is down is asked again, not hammered. */
const FAILED_PAUSE_MS = 200;
const PAUSE_MS_MAX = 1000;

export async function runLoad(load: Load): Promise<Totals> {
  const totals: Totals = {
    latencies: new Latencies(),
    reasons: new Map(),
    sent: 0,
    acked: 0,
    refused: 0,
    failed: 0,
    elapsedMs: 0,
  };
  const startMs = performance.now();
  const tick = () => {
    totals.elapsedMs = performance.now() - startMs;
    load.progress?.(totals);
  };
  const timer = setInterval(tick, PROGRESS_MS);
  try {
    await Promise.all(
      Array.from({ length: load.lanes }, (_, lane) => runLane(load, totals, { lane, startMs })),
    );
  } finally {
    clearInterval(timer);
  }
  tick();
  return totals;
}

async function runLane(
  load: Load,
  totals: Totals,
  { lane, startMs }: { readonly lane: number; readonly startMs: number },
): Promise<void> {
  const isDone = () =>
    load.signal.aborted ||
    totals.sent >= load.spansMax ||
    performance.now() - startMs >= load.durationMs;
  while (!isDone()) {
    const { bytes, spans } = load.next();
    const dueMs = load.rate === 0 ? 0 : startMs + (totals.sent / load.rate) * 1000;
    totals.sent += spans;
    await pause(dueMs - performance.now(), load.signal);
    if (load.signal.aborted) return;
    const sentMs = performance.now();
    const outcome = await load.sender.send(bytes, lane % load.connections);
    totals.latencies.add(performance.now() - sentMs);
    count(totals, outcome, spans);
    if (outcome.kind === 'refused') await pause(outcome.retryAfterMs, load.signal);
    else if (outcome.kind === 'failed') await pause(FAILED_PAUSE_MS, load.signal);
  }
}

function count(totals: Totals, outcome: Outcome, spans: number): void {
  totals[outcome.kind] += spans;
  if (outcome.kind === 'acked') return;
  totals.reasons.set(outcome.reason, (totals.reasons.get(outcome.reason) ?? 0) + 1);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  await systemClock.sleep(Math.min(ms, PAUSE_MS_MAX * 60), signal).catch(() => {});
}

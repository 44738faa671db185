/** A clock that stands still until a test moves it. */
import { sleepOn, type Clock, type Timer } from './clock.ts';

interface Pending {
  dueMs: number;
  readonly periodMs: number | undefined;
  readonly task: () => void;
}

export class ManualClock implements Clock {
  #nowMs: number;
  readonly #originMs: number;
  readonly #pending = new Set<Pending>();

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs;
    this.#originMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#originMs;
  }

  after(delayMs: number, task: () => void): Timer {
    return this.#add({ dueMs: this.#nowMs + delayMs, periodMs: undefined, task });
  }

  every(periodMs: number, task: () => void): Timer {
    return this.#add({ dueMs: this.#nowMs + periodMs, periodMs, task });
  }

  sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** Moves time forward, running what falls due in order, each at its own due time. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    for (let next = this.#earliest(endMs); next; next = this.#earliest(endMs)) {
      this.#nowMs = next.dueMs;
      if (next.periodMs === undefined) this.#pending.delete(next);
      else next.dueMs += next.periodMs;
      next.task();
    }
    this.#nowMs = endMs;
  }

  /** How many timers wait: zero after everything has been stopped. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  #add(timer: Pending): Timer {
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  #earliest(limitMs: number): Pending | undefined {
    let best: Pending | undefined;
    for (const timer of this.#pending) {
      if (timer.dueMs <= limitMs && (!best || timer.dueMs < best.dueMs)) best = timer;
    }
    return best;
  }
}

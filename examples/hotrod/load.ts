/** Orders rides at a steady rate, whether or not the earlier ones have come back (a crowd does not
 *  wait for each other), with at most 200 under way; what would exceed that is counted. */
const UNDER_WAY_MAX = 200;
const REPORT_EVERY_MS = 5000;
const RECENT_MAX = 10_000;

export class Load {
  readonly #frontend: string;
  readonly #log: (line: string) => void;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #recentMs: number[] = [];
  #ordered = 0;
  #failed = 0;
  #skipped = 0;
  #lastFailure = '';

  constructor(frontend: string, log: (line: string) => void) {
    this.#frontend = frontend;
    this.#log = log;
  }

  start(ridesPerSecond: number): void {
    this.#timers.push(setInterval(() => this.#order(), 1000 / ridesPerSecond));
    this.#timers.push(setInterval(() => this.#report(), REPORT_EVERY_MS));
  }

  /** Orders no more and waits for those under way. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#underWay);
    if (this.#ordered > 0) this.#report();
  }

  #order(): void {
    if (this.#underWay.size >= UNDER_WAY_MAX) {
      this.#skipped++;
      return;
    }
    const customer = 1 + (this.#ordered++ % 4);
    const ride = this.#ride(customer).finally(() => this.#underWay.delete(ride));
    this.#underWay.add(ride);
  }

  async #ride(customer: number): Promise<void> {
    const startedAt = performance.now();
    try {
      const response = await fetch(`${this.#frontend}/dispatch?customer=${customer}`, {
        signal: AbortSignal.timeout(30_000),
      });
      const body = await response.text();
      if (!response.ok) throw new Error(body);
    } catch (error) {
      this.#failed++;
      this.#lastFailure = error instanceof Error ? error.message : String(error);
    }
    if (this.#recentMs.length < RECENT_MAX) this.#recentMs.push(performance.now() - startedAt);
  }

  #report(): void {
    const sorted = this.#recentMs.toSorted((a, b) => a - b);
    this.#recentMs = [];
    const at = (share: number): string =>
      `${Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)} ms`;
    const failed = this.#failed > 0 ? `${this.#failed} failed: ${this.#lastFailure}` : '0 failed';
    const skipped = this.#skipped > 0 ? `, ${this.#skipped} not ordered (200 under way)` : '';
    this.#log(
      `load: ${this.#ordered} rides ordered, p50 ${at(0.5)}, p99 ${at(0.99)}, ` +
        `${failed}${skipped}`,
    );
  }
}

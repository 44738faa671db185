/** Time as an argument. Everything that reads the time or waits takes a `Clock`, so that tests move
 *  time by hand and nothing sleeps for real. */

export interface Timer {
  /** Safe to call again and after the timer has run. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970, may step when the machine's clock is set. */
  nowMs(): number;
  /** Milliseconds from an arbitrary origin, never steps back; for durations. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`. A pending timer does not keep the process alive. */
  after(delayMs: number, task: () => void): Timer;
  /** Runs `task` every `periodMs` until cancelled, at least every 24 days. Does not keep the process
   *  alive. */
  every(periodMs: number, task: () => void): Timer;
  /** Resolves after `delayMs`, rejects with the signal's reason when it is aborted first. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}

/** setTimeout takes a longer delay for none at all. */
const delayMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, task) {
    let handle: NodeJS.Timeout | undefined;
    const wait = (leftMs: number) => {
      const beyondMs = leftMs - delayMsMax;
      handle = setTimeout(
        () => (beyondMs > 0 ? wait(beyondMs) : task()),
        leftMs - Math.max(0, beyondMs),
      );
      handle.unref();
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  every(periodMs, task) {
    const handle = setInterval(task, Math.min(periodMs, delayMsMax));
    handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
  sleep: (delayMs, signal) => sleepOn(systemClock, delayMs, signal),
};

/** `sleep` in terms of `after`, for clocks that have only the latter. */
export function sleepOn(
  clock: Pick<Clock, 'after'>,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

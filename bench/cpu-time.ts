/** Nanoseconds of CPU that one item costs: the best of several rounds, since others only add. */

const ROUNDS = 7;
const ROUND_MS = 400;

export function cpuNanoPerItem(items: number, work: () => void): number {
  work();
  work();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const until = performance.now() + ROUND_MS;
    const before = process.cpuUsage();
    let times = 0;
    do {
      work();
      times++;
    } while (performance.now() < until);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, ((user + system) * 1000) / (items * times));
  }
  return best;
}

/** The same for work that waits: what it leaves behind is let go of after each time. */
export async function cpuNanoPerItemAsync(
  items: number,
  work: () => Promise<void>,
): Promise<number> {
  await work();
  await work();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const until = performance.now() + ROUND_MS;
    const before = process.cpuUsage();
    let times = 0;
    do {
      await work();
      times++;
    } while (performance.now() < until);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, ((user + system) * 1000) / (items * times));
  }
  return best;
}

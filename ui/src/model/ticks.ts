/** Round positions on an axis: 1, 2 or 5 times a power of ten (of 60 for minutes and hours). */

const NICE_SECONDS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400,
];

/** Ascending ticks within [from, to], about `wanted` of them. */
export function niceTicks(from: number, to: number, wanted: number): number[] {
  const step = niceStep((to - from) / Math.max(1, wanted));
  if (!(step > 0)) return [];
  const ticks: number[] = [];
  const first = Math.ceil(from / step - 1e-9);
  for (let i = first; i * step <= to + step * 1e-9 && ticks.length < 1000; i++)
    ticks.push(i * step + 0);
  return ticks;
}

function niceStep(raw: number): number {
  if (raw > 1e9) {
    const seconds = NICE_SECONDS.find((candidate) => candidate * 1e9 >= raw);
    if (seconds !== undefined) return seconds * 1e9;
  }
  const power = 10 ** Math.floor(Math.log10(raw));
  const digit = raw / power;
  const nice = digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10;
  return nice * power;
}

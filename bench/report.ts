/** What a claim's file gives back, and how it is printed. Figures are taken with everything else on
 *  the machine running: rely on `ratio`, which compares two figures of the same run. */

export interface Figure {
  readonly claim: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What `ratio` compares with, measured in the same run. */
  readonly baseline?: string;
  readonly ratio?: number;
}

export interface Options {
  /** Smaller sizes, for a look. */
  readonly isQuick: boolean;
  /** How many spans the stores are to have, where that is a choice. */
  readonly spans?: readonly number[] | undefined;
  /** Only the classes of questions with this in their name. */
  readonly only?: string | undefined;
}

export type Claim = (options: Options) => Promise<Figure[]>;

export function printTable(figures: readonly Figure[]): void {
  const rows = figures.map((figure) => [
    figure.claim,
    figure.name,
    `${short(figure.value)} ${figure.unit}`,
    figure.ratio === undefined ? '' : `${short(figure.ratio)} x ${figure.baseline ?? ''}`,
  ]);
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  for (const row of rows) {
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

function short(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3);
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** Sizes that the canvas and the rows over it must agree on, in CSS pixels. */

export const ROW_HEIGHT = 26;
export const BAR_HEIGHT = 12;
const INDENT = 14;
/** Where the first level's content begins. */
export const INDENT_LEFT = 8;
/** Room that the time column keeps free at its right end. */
const TIME_RIGHT = 16;
const TIME_LEFT = 8;

export interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly nameWidth: number;
  /** Levels that are indented; deeper ones stay at the last and show their number. */
  readonly levelsMax: number;
  readonly timeLeft: number;
  readonly timeWidth: number;
}

export function measure(width: number, height: number, nameShare: number): Geometry {
  const nameWidth = Math.round(Math.min(width - 160, Math.max(160, width * nameShare)));
  return {
    width,
    height,
    nameWidth,
    levelsMax: Math.max(3, Math.floor((nameWidth * 0.42) / INDENT)),
    timeLeft: nameWidth + TIME_LEFT,
    timeWidth: Math.max(10, width - nameWidth - TIME_LEFT - TIME_RIGHT),
  };
}

export function indentOf(depth: number, { levelsMax }: Geometry): number {
  return INDENT_LEFT + Math.min(depth, levelsMax) * INDENT;
}

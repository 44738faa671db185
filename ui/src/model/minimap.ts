/** The whole trace in a strip: lines of rows, cells of time. Binned, so that its cost is that of the
 *  strip and not of the trace. */

export const MINIMAP_CELLS = 640;
const LINES_MAX = 44;
/** Rows to a line from which on they are a crowd. */
const CROWDED = 8;

export interface MinimapInput {
  readonly count: number;
  readonly durationNano: number;
  readonly starts: Float64Array;
  readonly durations: Float64Array;
  readonly serviceIds: Uint32Array;
}

export interface Minimap {
  readonly lines: number;
  /** lines × MINIMAP_CELLS; 0 is empty, else the service's id + 1. Later rows lie on top. */
  readonly cells: Uint32Array;
}

export function binMinimap(
  input: MinimapInput,
  isError: (row: number) => boolean,
): Minimap & { readonly errors: Uint8Array } {
  const { count, durationNano, starts, durations, serviceIds } = input;
  const lines = Math.min(count, LINES_MAX);
  const cells = new Uint32Array(lines * MINIMAP_CELLS);
  const errors = new Uint8Array(lines * MINIMAP_CELLS);
  const isCrowded = count > lines * CROWDED;
  const scale = MINIMAP_CELLS / Math.max(1, durationNano);
  for (let row = 0; row < count; row++) {
    const line = Math.floor((row * lines) / count) * MINIMAP_CELLS;
    const start = starts[row] ?? 0;
    const from = clampCell(Math.floor(start * scale));
    const to = clampCell(Math.floor((start + (durations[row] ?? 0)) * scale));
    cells.fill((serviceIds[row] ?? 0) + 1, line + from, line + to + 1);
    if (!isError(row)) continue;
    // In a crowd whole spans would redden the line from end to end: their starts say where.
    errors.fill(1, line + from, line + (isCrowded ? from : to) + 1);
  }
  return { lines, cells, errors };
}

function clampCell(cell: number): number {
  return Math.min(MINIMAP_CELLS - 1, Math.max(0, cell));
}

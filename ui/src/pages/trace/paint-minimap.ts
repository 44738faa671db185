import { fitCanvas } from '../../components/fit-canvas.ts';
import { MINIMAP_CELLS } from '../../model/minimap.ts';
import type { TraceModel } from '../../model/trace-model.ts';
import { readTokens } from '../../styles/read-tokens.ts';

/** Runs of equal cells, a rectangle each. */
export function paintMinimap(canvas: HTMLCanvasElement, { derived, colours }: TraceModel): void {
  const context = fitCanvas(canvas);
  if (context === undefined) return;
  const { clientWidth: width, clientHeight: height } = canvas;
  context.clearRect(0, 0, width, height);
  if (derived === undefined) return;
  const tokens = readTokens();
  const { lines, cells, errors } = derived.minimap;
  const pitch = Math.min(9, (height - 4) / lines);
  const thickness = Math.max(1, pitch - (pitch > 3 ? 1 : 0));
  const cellWidth = width / MINIMAP_CELLS;
  for (let line = 0; line < lines; line++) {
    const top = 2 + line * pitch;
    const base = line * MINIMAP_CELLS;
    eachRun(cells, base, (from, to, value) => {
      if (value === 0) return;
      context.fillStyle = tokens.services[colours[value - 1] ?? 0] ?? tokens.accent;
      context.fillRect(from * cellWidth, top, Math.max(1.5, (to - from) * cellWidth), thickness);
    });
    eachRun(errors, base, (from, to, value) => {
      if (value === 0) return;
      context.fillStyle = tokens.error;
      context.fillRect(from * cellWidth, top, Math.max(2, (to - from) * cellWidth), thickness);
    });
  }
}

function eachRun(
  cells: Uint32Array | Uint8Array,
  base: number,
  visit: (from: number, to: number, value: number) => void,
): void {
  let from = 0;
  for (let cell = 1; cell <= MINIMAP_CELLS; cell++) {
    if (cell < MINIMAP_CELLS && cells[base + cell] === cells[base + from]) continue;
    visit(from, cell, cells[base + from] ?? 0);
    from = cell;
  }
}

import { fitCanvas } from '../../components/fit-canvas.ts';
import type { Point, ScatterLayout } from '../../model/scatter.ts';
import { readTokens, type Tokens } from '../../styles/read-tokens.ts';

/** Errors differ by shape as well as by colour: a ring with a cross. */
export function paintScatter(
  canvas: HTMLCanvasElement,
  layout: ScatterLayout,
  chosen: number,
): void {
  const context = fitCanvas(canvas);
  if (context === undefined) return;
  const tokens = readTokens();
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  for (const point of layout.points) paintPoint(context, point, tokens);
  const point = layout.points[chosen];
  if (point === undefined) return;
  context.strokeStyle = tokens.text;
  context.lineWidth = 2;
  circle(context, point, 3);
  context.stroke();
}

function paintPoint(context: CanvasRenderingContext2D, point: Point, tokens: Tokens): void {
  const isError = point.trace.errorCount > 0;
  const colour = isError ? tokens.error : tokens.accent;
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineWidth = 1.25;
  context.globalAlpha = isError ? 0.18 : 0.35;
  circle(context, point, 0);
  context.fill();
  context.globalAlpha = 0.9;
  context.stroke();
  if (isError) cross(context, point);
  context.globalAlpha = 1;
}

function circle(context: CanvasRenderingContext2D, { x, y, radius }: Point, more: number): void {
  context.beginPath();
  context.arc(x, y, radius + more, 0, Math.PI * 2);
}

function cross(context: CanvasRenderingContext2D, { x, y, radius }: Point): void {
  const arm = radius * 0.45;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x - arm, y - arm);
  context.lineTo(x + arm, y + arm);
  context.moveTo(x + arm, y - arm);
  context.lineTo(x - arm, y + arm);
  context.stroke();
}

import { expect, test } from 'vitest';
import { layOutScatter, nearestPoint } from './scatter.ts';

const trace = (startMs: number, durationNano: number) => ({
  traceId: String(startMs),
  startNano: `${startMs}000000`,
  durationNano,
  spanCount: 10,
  errorCount: 0,
  orphanCount: 0,
  rootService: 's',
  rootName: 'n',
  services: [],
});
const box = { width: 600, height: 100 };

test('later is right, longer is up, all inside', () => {
  const { points } = layOutScatter([trace(2000, 1e9), trace(1000, 1e6), trace(9000, 0)], box);
  expect(points.map((point) => point.trace.traceId)).toEqual(['1000', '2000', '9000']);
  expect(points[1]?.y).toBeLessThan(points[0]?.y ?? 0);
  for (const { x, y } of points) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x).toBeLessThanOrEqual(600);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y).toBeLessThanOrEqual(100);
  }
});

test('the axis has round durations, and not too few of them', () => {
  const ticks = (...durations: number[]) =>
    layOutScatter(
      durations.map((nano, i) => trace(1000 + i, nano)),
      box,
    ).yTicks.map(({ nano }) => nano);
  expect(ticks(600e6, 800e6)).toEqual([5e8, 1e9]);
  expect(ticks(1e6, 1e9)).toEqual([1e6, 1e7, 1e8, 1e9]);
  expect(ticks(0).length).toBeGreaterThan(1);
});

test('a lone trace is in the middle, and found under the pointer', () => {
  const { points } = layOutScatter([trace(1000, 1e6)], box);
  const [point] = points;
  expect(point?.x).toBeCloseTo(300);
  expect(nearestPoint(points, 301, point?.y ?? 0)).toBe(0);
  expect(nearestPoint(points, 20, 20)).toBe(-1);
});

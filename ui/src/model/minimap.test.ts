import { expect, test } from 'vitest';
import { binMinimap, MINIMAP_CELLS } from './minimap.ts';

test('a span fills its cells of its line, a later one lies on top', () => {
  const map = binMinimap(
    {
      count: 2,
      durationNano: 640,
      starts: Float64Array.of(0, 320),
      durations: Float64Array.of(640, 10),
      serviceIds: Uint32Array.of(0, 4),
    },
    (row) => row === 1,
  );
  expect(map.lines).toBe(2);
  expect([...map.cells.subarray(0, MINIMAP_CELLS)].every((cell) => cell === 1)).toBe(true);
  expect(map.cells[MINIMAP_CELLS + 319]).toBe(0);
  expect(map.cells[MINIMAP_CELLS + 320]).toBe(5);
  expect(map.errors[MINIMAP_CELLS + 330]).toBe(1);
  expect(map.errors[320]).toBe(0);
});

test('many rows share the lines', () => {
  const count = 100_000;
  const zeros = new Float64Array(count);
  const input = { count, durationNano: 0, starts: zeros, durations: zeros };
  const map = binMinimap({ ...input, serviceIds: new Uint32Array(count) }, () => false);
  expect(map.lines).toBeLessThan(60);
  const bad = binMinimap(
    {
      ...input,
      durationNano: 64,
      durations: zeros.map(() => 64),
      serviceIds: new Uint32Array(count),
    },
    (row) => row === 0,
  );
  expect(bad.errors.reduce((sum, cell) => sum + cell, 0)).toBe(1);
});

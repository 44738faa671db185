import { expect, test } from 'vitest';
import { criticalByRow, mergedSegments } from './critical-spans.ts';

// Latest first, as the path is walked.
const spans = criticalByRow(
  {
    rows: Uint32Array.of(0, 2, 0, 1, 0),
    starts: Float64Array.of(90, 60, 50, 20, 0),
    ends: Float64Array.of(100, 90, 60, 50, 20),
  },
  3,
);

test('each row has its own segments', () => {
  expect([...mergedSegments(spans, 0, 1)]).toEqual([0, 20, 50, 60, 90, 100]);
  expect([...mergedSegments(spans, 1, 2)]).toEqual([20, 50]);
});

test('a folded row shows those of all it hides, joined', () => {
  expect([...mergedSegments(spans, 0, 3)]).toEqual([0, 100]);
  expect([...mergedSegments(spans, 1, 3)]).toEqual([20, 50, 60, 90]);
});

import { expect, test } from 'vitest';
import { clampWindow, isWhole, panWindow, zoomWindow } from './time-window.ts';

test('a window keeps its width and stays inside', () => {
  expect(clampWindow({ from: -50, to: 50 }, 1000)).toEqual({ from: 0, to: 100 });
  expect(clampWindow({ from: 950, to: 1050 }, 1000)).toEqual({ from: 900, to: 1000 });
  expect(clampWindow({ from: -5, to: 5000 }, 1000)).toEqual({ from: 0, to: 1000 });
  expect(clampWindow({ from: 500, to: 500 }, 1000)).toEqual({ from: 500, to: 510 });
});

test('a trace without duration has a window all the same', () => {
  const { from, to } = clampWindow({ from: 0, to: 0 }, 0);
  expect(to).toBeGreaterThan(from);
});

test('zooming keeps the instant under the pointer', () => {
  const zoomed = zoomWindow({ from: 0, to: 1000 }, 0.5, 200);
  expect(zoomed).toEqual({ from: 100, to: 600 });
  expect((200 - zoomed.from) / (zoomed.to - zoomed.from)).toBe(0.2);
  expect(panWindow({ from: 100, to: 200 }, -0.5)).toEqual({ from: 50, to: 150 });
  expect(isWhole({ from: 0, to: 1000 }, 1000)).toBe(true);
  expect(isWhole({ from: 1, to: 1000 }, 1000)).toBe(false);
});

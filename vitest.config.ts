/** Three projects under one runner, so that one closing line counts everything: `unit` beside the
 *  code, `ui` through the UI's own Vite configuration, `e2e` for what starts processes. */
import { defineConfig } from 'vitest/config';

const exclude = ['**/node_modules/**', '**/dist/**', 'scripts/runtime/**'];

export default defineConfig({
  test: {
    reporters: ['default', './scripts/closing-line-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: './ui/vite.config.ts',
        test: {
          name: 'ui',
          root: 'ui',
          include: ['src/**/*.test.{ts,tsx}'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: [...exclude, 'test/fixtures/**'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          // The processes under test want the cores; nothing else runs beside them.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

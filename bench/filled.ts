/** Stores of a given number of spans, made once and kept outside of the repository for the next run.
 *  One that an older program wrote, or whose spans retention would take soon, is made anew. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STORE_FORMAT } from '../src/storage/embedded/directory.ts';
import { INDEX_VERSION } from '../src/storage/embedded/index-file.ts';
import type { TimeRange } from '../src/storage/contract.ts';

const PROGRAM = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const AGE_MS_MAX = 5 * 86_400_000;

export interface Filled {
  readonly spans: number;
  /** The store is in `data` of it. */
  readonly directory: string;
  /** When its spans start. */
  readonly range: TimeRange;
}

export function filledStore(spans: number): Filled {
  const directory = join(tmpdir(), `spoor-bench-${spans}`);
  const mark = join(directory, 'made-by');
  const format = `${STORE_FORMAT} ${INDEX_VERSION}\n`;
  const isCurrent = existsSync(mark) && readFileSync(mark, 'utf8') === format;
  if (!isCurrent || ageMs(directory) > AGE_MS_MAX) {
    rmSync(join(directory, 'data'), { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    writeFileSync(mark, format);
  }
  // Goes on where an interrupted run stopped, and does nothing when all is there.
  const into = ['loadgen', '--into', join(directory, 'data'), '--spans', String(spans)];
  execFileSync(process.execPath, [PROGRAM, ...into], { stdio: ['ignore', 'ignore', 'inherit'] });
  const { endMs, days } = planOf(directory);
  const endNano = BigInt(endMs) * 1_000_000n;
  return {
    spans,
    directory,
    range: { startNano: endNano - BigInt(days + 1) * 86_400_000_000_000n, endNano },
  };
}

function ageMs(directory: string): number {
  try {
    return Date.now() - planOf(directory).endMs;
  } catch {
    return 0;
  }
}

function planOf(directory: string): { endMs: number; days: number } {
  const plan: unknown = JSON.parse(readFileSync(join(directory, 'data', 'loadgen.json'), 'utf8'));
  if (typeof plan !== 'object' || plan === null) throw new TypeError('no plan');
  return { endMs: Number(Reflect.get(plan, 'endMs')), days: Number(Reflect.get(plan, 'days')) };
}

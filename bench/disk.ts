/** What the disk itself takes: write and fdatasync of one request's bytes, again and again. */

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { percentile } from './report.ts';

export function syncedWrites(bytes: number, times: number): { p50Ms: number; p99Ms: number } {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-bench-disk-'));
  const file = openSync(join(directory, 'file'), 'w');
  const piece = Buffer.alloc(bytes, 0x5a);
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const before = performance.now();
    writeSync(file, piece);
    fdatasyncSync(file);
    taken.push(performance.now() - before);
  }
  closeSync(file);
  rmSync(directory, { recursive: true, force: true });
  return { p50Ms: percentile(taken, 0.5), p99Ms: percentile(taken, 0.99) };
}

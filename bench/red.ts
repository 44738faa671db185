/** Claim: counting rates, errors, durations and dependencies of a row group costs at most 0.3 µs of CPU
 *  a span, packed into its index, and at most a byte a span before it is stitched. Baseline of the
 *  ratio: all that makes a row group of the same rows. */

import { SpanTable } from '../src/storage/embedded/encode/span-table.ts';
import { encodeRows } from '../src/storage/embedded/encode/file-builder.ts';
import { redOfRows } from '../src/storage/embedded/encode/red-rows.ts';
import { RowGroupEncoder } from '../src/storage/embedded/encode/row-group.ts';
import { RowCollector } from '../src/storage/embedded/encode/rows.ts';
import { packRed, unpackRed } from '../src/storage/embedded/red/codec.ts';
import { mergeRed } from '../src/storage/embedded/red/merge.ts';
import type { RedPartial } from '../src/storage/embedded/red/partial.ts';
import { type Claim, type Figure, printTable } from './report.ts';
import { sdkBatches } from './row-group.ts';

const ROW_GROUP = 32_768;
const ROUNDS = 5;

export const run: Claim = async ({ isQuick }) => {
  const batches = sdkBatches((isQuick ? 2 : 8) * ROW_GROUP);
  const rows = new RowCollector(1);
  const encoder = new RowGroupEncoder(rows);
  // Of each row group; the cheapest counts, since others on the machine only add.
  const best = { all: Infinity, red: Infinity, merge: Infinity, read: Infinity };
  const time = <T>(part: keyof typeof best, work: () => T, spans: number): T => {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    best[part] = Math.min(best[part], (user + system) / spans);
    return result;
  };
  let partials: RedPartial[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    partials = [];
    bytes = 0;
    for (const [i, batch] of batches.entries()) {
      rows.add(batch, i);
      if (rows.count < ROW_GROUP) continue;
      const facts = { tenant: 't', from: 1, to: 1, walTo: i, writtenAtMs: 0 };
      time('all', () => encodeRows(rows, encoder, facts), rows.count);
      const parents = new SpanTable(rows.ids);
      const counted = () => {
        partials.push(redOfRows(rows, parents));
        return packRed(partials.at(-1)!).length;
      };
      bytes += time('red', counted, rows.count);
      rows.reset();
    }
  }
  const spans = partials.length * ROW_GROUP;
  const packed = time('merge', () => packRed(mergeRed(partials)), spans);
  for (let round = 0; round < ROUNDS; round++) time('read', () => unpackRed(packed), spans);
  const figure = (name: string, value: number, unit: string): Figure => ({
    claim: 'red',
    name,
    value,
    unit,
  });
  return [
    {
      ...figure('count and pack', best.red, 'µs CPU/span'),
      baseline: 'rows to a row group',
      ratio: best.red / best.all,
    },
    figure('add up when stitched', best.merge, 'µs CPU/span'),
    figure('read back', best.read, 'µs CPU/span'),
    figure('in the index of a flush', bytes / spans, 'B/span'),
    figure('in the index of a segment', packed.length / spans, 'B/span'),
  ];
};

if (import.meta.main) printTable(await run({ isQuick: process.argv.includes('--quick') }));

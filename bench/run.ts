/** `npm run bench`: measures the claims, one file each, and prints a table.
 *
 *    npm run bench                      everything
 *    npm run bench -- decode ingest     these
 *    npm run bench -- --quick           smaller sizes, first cases only
 *    npm run bench -- --json out.json   the figures as JSON too
 *    npm run bench -- history --spans 1m,10m,100m
 *                                       questions over stores of so many spans
 *    npm run bench -- history --only rare
 *                                       the classes of questions with this in their name */

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Claim, type Figure, printTable } from './report.ts';

const CLAIMS: Readonly<Record<string, () => Promise<{ run: Claim }>>> = {
  decode: () => import('./decode.ts'),
  encode: () => import('./encode.ts'),
  pipeline: () => import('./pipeline.ts'),
  'row-group': () => import('./row-group.ts'),
  red: () => import('./red.ts'),
  store: () => import('./store.ts'),
  ingest: () => import('./ingest.ts'),
  history: () => import('./history.ts'),
  query: () => import('./query.ts'),
  ui: () => import('./ui.ts'),
};

/** What is asked for together: the store's write path, its files, and its answers. */
const TOGETHER: Readonly<Record<string, readonly string[]>> = {
  store: ['store', 'row-group', 'history'],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    spans: { type: 'string' },
    only: { type: 'string' },
  },
});

const unknown = positionals.filter((name) => !Object.hasOwn(CLAIMS, name));
if (unknown.length > 0) {
  console.error(`no claim ${unknown.join(', ')}; there are ${Object.keys(CLAIMS).join(', ')}`);
  process.exit(1);
}

const spans = values.spans?.split(',').map(spansOf);
const figures: Figure[] = [];
const wanted = new Set(
  positionals.length > 0
    ? positionals.flatMap((name) => TOGETHER[name] ?? [name])
    : Object.keys(CLAIMS),
);
for (const name of wanted) {
  const load = CLAIMS[name];
  if (load === undefined) continue;
  const { run } = await load();
  const found = await run({ isQuick: values.quick, spans, only: values.only });
  printTable(found);
  figures.push(...found);
  if (values.json !== undefined) writeFigures(values.json);
}

function spansOf(written: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([km]?)$/i.exec(written) ?? [];
  const count = Number(digits) * (unit === '' ? 1 : unit.toLowerCase() === 'k' ? 1e3 : 1e6);
  if (count > 0) return count;
  console.error(`--spans wants a number like 100m, got "${written}"`);
  process.exit(1);
}

/** After every claim, so that an interrupted run leaves what it has. */
function writeFigures(path: string): void {
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? '', cores: cpus().length };
  writeFileSync(path, `${JSON.stringify({ machine, figures }, undefined, 2)}\n`);
}

/** One flipped bit, in every kind of file, is found and named; what is whole is not complained of. */

import { cpSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { spans } from '../../src/storage/conformance/plain-spans.ts';
import { Chance, randomSpans } from '../../src/storage/conformance/random-spans.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { tombstonePath, writeTombstone } from '../../src/storage/embedded/deletion/tombstone.ts';
import { tenantDirectory } from '../../src/storage/embedded/directory.ts';
import { realFileSystem } from '../../src/storage/embedded/file-system.ts';
import { openDataFile } from '../../src/storage/embedded/encode/data-file.ts';
import { packRed } from '../../src/storage/embedded/red/codec.ts';
import { dayFileName, encodeDay } from '../../src/storage/embedded/red/day-file.ts';
import { checkStore, type Finding } from '../../src/storage/embedded/inspect/check.ts';
import { readInventory } from '../../src/storage/embedded/inspect/inventory.ts';
import { storeStats } from '../../src/storage/embedded/inspect/stats.ts';

const SEED = Number(process.env['SPOOR_FLIP_SEED'] ?? 1);
const START = 1_731_000_000_000_000_000n;

let root: string;
/** A segment, a flush, a log that is in no file, a tombstone. */
let whole: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'spoor-check-'));
  whole = join(root, 'whole');
  const used = join(root, 'used');
  const config = EmbeddedConfig.parse({
    directory: used,
    flush_spans: 120,
    stitch_row_groups: 3,
    retention: { max_age: '876000h' },
  });
  const backend = await openEmbedded(config, { clock: systemClock, logger: silentLogger });
  const options = { traces: 130, startNano: START, spreadNano: 3_600_000_000_000n };
  const plain = randomSpans(new Chance(5), options);
  for (let i = 0; i < plain.length; i += 30) {
    await backend.writer.write(spans('default', plain.slice(i, i + 30)));
  }
  const kinds = async () => {
    const { files } = (await readInventory(used)).tenants[0]!;
    return [files.some(({ from, to }) => from < to), files.some(({ from, to }) => from === to)];
  };
  for (let next = 0; (await kinds()).includes(false); next++) {
    const more = randomSpans(new Chance(1000 + next), { ...options, traces: 10 });
    await backend.writer.write(spans('default', more));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  cpSync(used, whole, { recursive: true });
  await backend.close();
  const directory = tenantDirectory(whole, 'default').tombstones;
  await realFileSystem.makeDirectory(directory);
  await writeTombstone(realFileSystem, {
    path: tombstonePath(directory, 1),
    walTo: 3,
    traceIds: new Set(['0af7651916cd43dd8448eb211c80319c']),
    hashes: Uint32Array.of(1, 2),
  });
  const red = join(tenantDirectory(whole, 'default').root, 'red');
  await realFileSystem.makeDirectory(red);
  const { index } = await openDataFile((await readInventory(whole)).tenants[0]!.files[0]!.path);
  const hours = [{ hour: 3, packed: packRed(index!.red()!) }];
  await writeFile(join(red, dayFileName(20_000)), encodeDay(20_000, [[1, 3]], hours));
}, 120_000);
afterAll(() => rm(root, { recursive: true }));

async function findings(directory: string): Promise<Finding[]> {
  const found: Finding[] = [];
  const inventory = await readInventory(directory);
  for await (const checked of checkStore(inventory)) found.push(...checked.findings);
  return found;
}

test('a whole store has no findings', async () => {
  expect(await findings(whole)).toEqual([]);
});

test('one flipped bit is found and its file named, whatever the file', async () => {
  const inventory = await readInventory(whole);
  const [tenant] = inventory.tenants;
  const { files, spentIndexes, tombstones, directory, red } = tenant!;
  const data = files.map(({ path }) => path);
  const paths = {
    log: inventory.wal,
    parquet: data,
    index: data.map((path) => path.replace('.parquet', '.idx')),
    spent: spentIndexes,
    tombstone: tombstones,
    day: red,
    catalogue: [directory.catalogue],
    format: [inventory.format],
  };
  const chance = new Chance(SEED);
  for (const [kind, some] of Object.entries(paths)) {
    expect(some.length, kind).toBeGreaterThan(0);
    for (let i = 0; i < 12; i++) {
      const path = chance.of(some);
      const bytes = Buffer.from(await readFile(path));
      const at = chance.below(bytes.length);
      bytes[at]! ^= 1 << chance.below(8);
      const copy = join(root, 'flipped');
      cpSync(whole, copy, { recursive: true });
      const flipped = join(copy, relative(whole, path));
      await writeFile(flipped, bytes);
      const told = `${path} at byte ${at} of ${bytes.length}`;
      if (kind === 'format') {
        // Without its secret nothing of the log can be read, so it is not tried.
        const names = await findings(copy).then(
          (found) => found.map((finding) => finding.path),
          (error: unknown) => [String(error)],
        );
        expect(names.join(), told).toContain('format.json');
      } else {
        const found = await findings(copy);
        expect(
          found.map((finding) => finding.path),
          told,
        ).toContain(flipped);
        expect(new Set(found.map((finding) => finding.path)), told).toEqual(new Set([flipped]));
      }
      await rm(copy, { recursive: true });
    }
  }
}, 240_000);

test('sizes add up', async () => {
  const { tenants, bytes } = await storeStats(await readInventory(whole), () => {});
  const [stats] = tenants;
  const sum = (shares: readonly { bytes: number }[]) =>
    shares.reduce((all, share) => all + share.bytes, 0);
  expect(sum(stats!.columns)).toBe(stats!.bytes);
  expect(sum(stats!.days)).toBe(stats!.bytes);
  expect(Math.abs(sum(stats!.services) - stats!.bytes)).toBeLessThan(stats!.services.length + 10);
  expect(stats!.columns.find(({ name }) => name === 'trace_id')?.spans).toBe(stats!.spans);
  expect(bytes).toBeGreaterThan(stats!.bytes);
});

/** Verifies every checksum of a store, also of one in use: the log's records, each page of each
 *  Parquet file, each block of each index, catalogues, tombstones and day files. What is damaged is
 *  named with its place. */

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { messageOf } from '../../../lib/errors.ts';
import { decodeTombstone } from '../deletion/tombstone.ts';
import { STORE_FORMAT } from '../directory.ts';
import { indexPathOf } from '../manifest.ts';
import { openIndex, sectionsOf } from '../index-file.ts';
import { BLOCK_TRACES } from '../index-ids.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import { DayReader, openDay } from '../red/day-file.ts';
import { decodeTenantState } from '../tenant-state.ts';
import { readRecords } from '../wal/record.ts';
import type { Inventory, TenantInventory } from './inventory.ts';
import { isGone } from './unless-gone.ts';

export interface Finding {
  readonly path: string;
  /** Where in the file, and what. */
  readonly problem: string;
}

export interface Checked {
  readonly path: string;
  readonly bytes: number;
  readonly findings: readonly Finding[];
  /** It went while it was being read: the store is in use. */
  readonly hasGone: boolean;
}

type Report = (problem: string) => void;
interface Check {
  readonly path: string;
  readonly run: (bytes: () => Promise<Uint8Array>, report: Report) => Promise<void> | void;
}

/** In the order of the directory; each file as soon as it has been read. */
export async function* checkStore(inventory: Inventory): AsyncGenerator<Checked> {
  for (const check of checksOf(inventory)) yield await checked(check);
}

export function countChecks(inventory: Inventory): number {
  return checksOf(inventory).length;
}

async function checked({ path, run }: Check): Promise<Checked> {
  const findings: Finding[] = [];
  const report = (problem: string) => void findings.push({ path, problem });
  let size = 0;
  let hasGone = false;
  try {
    const read = async () => {
      const bytes = await readFile(path);
      size = bytes.length;
      return bytes;
    };
    await run(read, report);
  } catch (error) {
    hasGone = isGone(error);
    if (!hasGone) report(messageOf(error));
  }
  return { path, bytes: size, findings: hasGone ? [] : findings, hasGone };
}

function checksOf({ format, hashSeed, wal, tenants }: Inventory): Check[] {
  const [salt] = hashSeed;
  return [
    { path: format, run: async (read, report) => checkFormat(await read(), report) },
    ...wal.map((path): Check => ({
      path,
      run: (read, report) => checkLog(read, salt, report),
    })),
    ...tenants.flatMap(tenantChecks),
  ];
}

function tenantChecks(tenant: TenantInventory): Check[] {
  const { directory, tombstones, files, spentIndexes, red } = tenant;
  const indices = [...files.map(({ path }) => indexPathOf(path)), ...spentIndexes];
  return [
    {
      path: directory.catalogue,
      run: async (read, report) => {
        if (decodeTenantState(await read()) === undefined) report('its checksum differs');
      },
    },
    ...tombstones.map((path): Check => ({
      path,
      run: async (read) => void decodeTombstone(path, await read()),
    })),
    ...red.map((path): Check => ({
      path,
      run: async (read, report) => checkDay(path, (await read()).length, report),
    })),
    ...files.map(({ path }): Check => ({
      path,
      run: async (read, report) => checkParquet(path, await read(), report),
    })),
    ...indices.map((path): Check => ({
      path,
      run: async (read, report) => checkIndex(path, await read(), report),
    })),
  ];
}

/** There is one way to write it. */
function checkFormat(bytes: Uint8Array, report: Report): void {
  const text = new TextDecoder().decode(bytes);
  const { format, hashSeed, crc32: checksum } = JSON.parse(text);
  const written = `${JSON.stringify({ format, hashSeed, crc32: checksum })}\n`;
  if (written !== text || format !== STORE_FORMAT) {
    report('it is not as it was written');
  }
}

/** What is being written takes no longer. */
const WRITE_MS = 500;

/** A log in use ends with what is being written: its end is looked at again a little later. */
async function checkLog(
  read: () => Promise<Uint8Array>,
  salt: number,
  report: Report,
): Promise<void> {
  const bytes = await read();
  const { damage = [], newerVersion, tornBytes } = readRecords(bytes, salt);
  if (newerVersion !== undefined) report(`it has format ${newerVersion}, which is not known`);
  for (const { at, bytes: length } of damage) report(`byte ${at}: ${length} bytes are no record`);
  if (tornBytes === 0) return;
  const end = bytes.length - tornBytes;
  await sleep(WRITE_MS);
  const later = await read();
  const again = readRecords(later, salt);
  const isLeft = [...(again.damage ?? []), { at: later.length - again.tornBytes }].some(
    ({ at }) => at === end,
  );
  if (isLeft && later.length > end) {
    report(`byte ${end}: its end is no record: damage, or a write that a crash cut short`);
  }
}

function checkParquet(path: string, bytes: Uint8Array, report: Report): void {
  const file = ParquetFile.of(path, bytes);
  const { columns, rowGroups } = file.footer;
  const problems = new Set<string>();
  for (let rowGroup = 0; rowGroup < rowGroups.length; rowGroup++) {
    // Every page as it was written, those without a value too, and then what is in them.
    for (const found of file.checkColumns(rowGroup, columns)) {
      for (const { message } of found) problems.add(message);
    }
    for (const column of columns) {
      attempt(
        () => file.readColumns(rowGroup, [column]),
        (problem) => problems.add(problem),
      );
    }
  }
  problems.forEach(withoutPath(path, report));
}

function checkIndex(path: string, bytes: Uint8Array, report: Report): void {
  const told = withoutPath(path, report);
  const index = openIndex(path);
  for (let at = 0; at < index.traceCount; at += BLOCK_TRACES) {
    attempt(() => index.traceIdAt(at), told);
    attempt(() => index.summaryAt(at), told);
  }
  for (const [name, section] of Object.entries(sectionsOf(bytes))) {
    const end = section.at + section.bytes;
    if (crc32(bytes.subarray(section.at, end)) !== section.crc) {
      report(`section ${name}, bytes ${section.at} to ${end}: its checksum differs`);
    }
  }
}

function checkDay(path: string, bytes: number, report: Report): void {
  const told = withoutPath(path, report);
  const day = openDay(path, bytes);
  const reader = new DayReader(day);
  try {
    for (const { hour } of day.hours) attempt(() => reader.hour(hour), told);
  } finally {
    reader.close();
  }
}

/** Stands before what is told anyway. */
function withoutPath(path: string, report: Report): Report {
  return (problem) => report(problem.replace(path, '').replace(/^(, | cannot be read: )/, ''));
}

function attempt(read: () => unknown, report: Report): void {
  try {
    read();
  } catch (error) {
    report(messageOf(error));
  }
}

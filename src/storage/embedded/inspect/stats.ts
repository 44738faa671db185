/** How large a store is and what takes the room: by tenant, day, service and column. Reads headers,
 *  footers and summaries, no spans. */

import { stat } from 'node:fs/promises';
import { columnSizesOf } from '../column-sizes.ts';
import { openDataFile } from '../encode/data-file.ts';
import type { DataFile } from '../manifest.ts';
import type { Inventory, TenantInventory } from './inventory.ts';
import { unlessGone } from './unless-gone.ts';

export interface Share {
  readonly name: string;
  readonly bytes: number;
  readonly spans: number;
}

export interface TenantStats {
  readonly tenant: string;
  readonly spans: number;
  /** A trace that lies in several files is counted in each. */
  readonly traces: number;
  readonly files: number;
  /** Data files and indices. */
  readonly bytes: number;
  readonly otherBytes: number;
  /** Spans that came again too late to be recognised, and so are there twice: as far as their files
   *  have become one. */
  readonly repeatedSpans: number;
  /** By the day in which most of a file's spans began. */
  readonly days: readonly Share[];
  /** A service's share of the bytes of a file is taken to be its share of the spans. */
  readonly services: readonly Share[];
  /** Bytes of a column, largest first; `spans` counts those with a value. */
  readonly columns: readonly Share[];
}

export interface StoreStats {
  readonly directory: string;
  /** Of everything. */
  readonly bytes: number;
  /** Spans in it may be in files too. */
  readonly logBytes: number;
  readonly tenants: readonly TenantStats[];
}

export type OnFile = (done: number) => void;

export async function storeStats(inventory: Inventory, onFile: OnFile): Promise<StoreStats> {
  let done = 0;
  const tenants: TenantStats[] = [];
  for (const tenant of inventory.tenants) {
    tenants.push(await tenantStats(tenant, () => onFile(++done)));
  }
  const logBytes = await sizeOfAll(inventory.wal);
  const bytes = tenants.reduce((sum, tenant) => sum + tenant.bytes + tenant.otherBytes, logBytes);
  return { directory: inventory.root, bytes, logBytes, tenants };
}

async function tenantStats(
  { tenant, directory, files, spentIndexes, tombstones, red }: TenantInventory,
  onFile: () => void,
): Promise<TenantStats> {
  const days = new Shares();
  const services = new Shares();
  const columns = new Shares();
  let [spans, traces, bytes, count, repeatedSpans] = [0, 0, 0, 0, 0];
  for (const { path } of files) {
    const file = await unlessGone(() => openDataFile(path));
    onFile();
    if (file === undefined) continue;
    count++;
    spans += file.rows;
    traces += file.index?.traceCount ?? 0;
    bytes += file.bytes;
    repeatedSpans += file.index?.header.repeatedRows ?? 0;
    days.add(dayOf(file), { bytes: file.bytes, spans: file.rows });
    addServices(services, file);
    await addColumns(columns, file);
  }
  const rest = [directory.catalogue, ...spentIndexes, ...tombstones, ...red];
  return {
    tenant,
    spans,
    traces,
    files: count,
    bytes,
    repeatedSpans,
    otherBytes: await sizeOfAll(rest),
    days: days.sorted((a, b) => (a.name < b.name ? 1 : -1)),
    services: services.sorted(),
    columns: columns.sorted(),
  };
}

class Shares {
  readonly #byName = new Map<string, { bytes: number; spans: number }>();

  add(name: string, { bytes, spans }: { bytes: number; spans: number }): void {
    const known = this.#byName.get(name) ?? { bytes: 0, spans: 0 };
    this.#byName.set(name, { bytes: known.bytes + bytes, spans: known.spans + spans });
  }

  sorted(order: (a: Share, b: Share) => number = (a, b) => b.bytes - a.bytes): Share[] {
    return [...this.#byName].map(([name, share]) => ({ name, ...share })).toSorted(order);
  }
}

function dayOf({ minStartNano, maxStartNano }: DataFile): string {
  const middle = Number((minStartNano + maxStartNano) / 2_000_000n);
  const date = new Date(middle);
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().slice(0, 10);
}

function addServices(services: Shares, { index, bytes, rows }: DataFile): void {
  if (index === undefined) return services.add('(index damaged)', { bytes, spans: rows });
  const counts = new Map<string, number>();
  for (let position = 0; position < index.traceCount; position++) {
    for (const { name, spans } of index.summaryAt(position).services) {
      counts.set(name, (counts.get(name) ?? 0) + spans);
    }
  }
  for (const [name, spans] of counts) {
    services.add(name, { spans, bytes: Math.round((bytes * spans) / Math.max(1, rows)) });
  }
  return undefined;
}

async function addColumns(shares: Shares, file: DataFile): Promise<void> {
  const sizes = await unlessGone(() => columnSizesOf(file.path));
  if (sizes === undefined) return;
  for (const [name, { bytes, values }] of sizes.columns) shares.add(name, { bytes, spans: values });
  shares.add('(footer)', { bytes: sizes.footerBytes, spans: 0 });
  shares.add('(index)', { bytes: file.bytes - sizes.fileBytes, spans: 0 });
}

async function sizeOfAll(paths: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const path of paths) bytes += (await unlessGone(() => stat(path)))?.size ?? 0;
  return bytes;
}

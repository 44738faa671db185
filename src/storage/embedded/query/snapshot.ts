/** What a further page of a search may see: the rows that had arrived when the first page was made.
 *  Files that hold only later records are left out; in the file where the two meet, rows are told
 *  apart by the log record they came with. */

import type { DataFile, Manifest } from '../manifest.ts';
import type { FileShape } from './file-shape.ts';
import type { SqlBuilder } from './sql-builder.ts';

/** All files of a manifest, the fresh one included, as of a log record (undefined = now). */
export function visibleFiles(
  manifest: Manifest,
  seenTo: number | undefined,
): { files: DataFile[]; walTo: number } {
  const inOrder = manifest.files.toSorted((a, b) => a.from - b.from);
  if (manifest.fresh !== undefined) inOrder.push(manifest.fresh);
  const now = Math.max(manifest.head.walTo, ...inOrder.map((file) => file.walTo), 0);
  const walTo = seenTo ?? now;
  // A file's records are not before those of the files before it; one may stand in two of them.
  const files = inOrder.filter((_, i) => i === 0 || (inOrder[i - 1]?.walTo ?? 0) <= walTo);
  return { files, walTo };
}

/** The condition that leaves out rows that arrived after the given record. A file whose rows do not
 *  say their record counts as a whole. */
export function arrivedBy(
  sql: SqlBuilder,
  seenTo: number | undefined,
  { shape, file }: { shape: FileShape; file: DataFile },
): string[] {
  if (seenTo === undefined || file.walTo <= seenTo || !shape.has(WAL_SEQ)) return [];
  return [`${WAL_SEQ} <= ${sql.bind(seenTo, 'BIGINT')}`];
}

const WAL_SEQ = 'wal_seq';

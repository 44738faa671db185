/** Compares the pages of a data file with their checksums, because the query engine does not: a bit
 *  that a disk has flipped would be a wrong value in an answer. Works in steps of a read, and in any
 *  thread. What is damaged costs its row group: one page of it is enough, the others are not read. */

import { messageOf, systemCodeOf } from '../../../lib/errors.ts';
import { StorageError } from '../../contract.ts';
import type { FileDamage, RowRange } from '../manifest.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import type { VerifyOrder } from './messages.ts';
import type { Pause } from './trace-files.ts';

/** Undefined when the columns are as they were written. The footer is read anew each time: a cached
 *  one would say nothing of the disk. */
export async function verifyFile(
  { path, rows, columns }: VerifyOrder,
  pause: Pause,
): Promise<FileDamage | undefined> {
  let file: ParquetFile;
  try {
    file = ParquetFile.open(path);
  } catch (error) {
    return { rows: [{ from: 0, to: rows }], problems: [leftOut(error)] };
  }
  const lost: RowRange[] = [];
  const problems: string[] = [];
  try {
    let from = 0;
    for (const [rowGroup, group] of file.footer.rowGroups.entries()) {
      const to = from + group.rows;
      await pause();
      const problem = await damageOf(file, rowGroup, { columns, pause });
      if (problem !== undefined) {
        problems.push(leftOut(problem));
        const before = lost.at(-1)?.to === from ? lost.pop() : undefined;
        lost.push({ from: before?.from ?? from, to });
      }
      from = to;
    }
  } finally {
    file.close();
  }
  return lost.length === 0 ? undefined : { rows: lost, problems };
}

async function damageOf(
  file: ParquetFile,
  rowGroup: number,
  { columns = file.footer.columns, pause }: Pick<VerifyOrder, 'columns'> & { pause: Pause },
): Promise<StorageError | undefined> {
  for (const [problem] of file.checkColumns(rowGroup, columns)) {
    if (problem !== undefined) return problem;
    await pause();
  }
  return undefined;
}

/** The words that a read by id finds for it: it is told once. */
function leftOut(error: unknown): string {
  const isDamage = error instanceof StorageError && error.code === 'damaged';
  if (!isDamage || isPassing(error.cause)) throw error;
  return `left out: ${messageOf(error)}`;
}

/** The process has too little of something: that says nothing of the file. */
function isPassing(cause: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'].includes(systemCodeOf(cause) ?? '');
}

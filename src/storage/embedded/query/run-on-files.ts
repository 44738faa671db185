/** Runs a query on files of which some may turn out to be damaged where no checksum said so: those are
 *  found, left out and named, so that one bad file costs its own rows and not the answer. */

import { StorageError } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import type { QueryPlan, QueryResult } from './messages.ts';

export interface FilesOutcome {
  /** undefined when there was nothing to ask. */
  readonly result: QueryResult | undefined;
  readonly warnings: readonly string[];
}

export async function runOnFiles(
  files: readonly DataFile[],
  plan: (files: readonly DataFile[]) => QueryPlan | undefined,
  run: (plan: QueryPlan, files: readonly DataFile[]) => Promise<QueryResult>,
): Promise<FilesOutcome> {
  const ask = async (some: readonly DataFile[]): Promise<QueryResult | undefined> => {
    const statement = plan(some);
    return statement && run(statement, some);
  };
  try {
    return { result: await ask(files), warnings: [] };
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  const good: DataFile[] = [];
  const warnings: string[] = [];
  for (const file of files) {
    try {
      await ask([file]);
      good.push(file);
    } catch (error) {
      if (!isDamage(error)) throw error;
      warnings.push(`${file.path} is damaged and left out: ${error.message}`);
    }
  }
  return { result: await ask(good), warnings };
}

export function isDamage(error: unknown): error is StorageError {
  return error instanceof StorageError && error.code === 'damaged';
}

/** What every read of the store works with. */

import type { HashSeed } from '../identity.ts';
import type { DataFile, Manifest } from '../manifest.ts';
import type { TraceFiles } from '../read/file-reader.ts';
import type { QueryPlan, QueryResult } from './messages.ts';
import type { QueryPort } from './query-process.ts';
import { isDamage, runOnFiles } from './run-on-files.ts';
import type { SharedTraces } from './shared-traces.ts';
import type { PageChecks } from './verified-files.ts';

export interface ReadContext {
  readonly port: QueryPort;
  readonly reader: TraceFiles;
  /** Asked before the port is. */
  readonly pages: PageChecks;
  /** Of the tenant. */
  readonly shared: SharedTraces;
  /** Pinned by the caller, with `fresh` for searches and dependencies. */
  readonly manifest: Manifest;
  /** What identity hashes are made with. */
  readonly seed: HashSeed;
  readonly signal?: AbortSignal | undefined;
  /** Rows a search for the newest looks at first; the default is good but for tests. */
  readonly firstRows?: number | undefined;
  /** What trying traces one by one may cost, in rows read, before all rows are: as many as there are,
   *  but for tests. */
  readonly triedRowsMax?: number | undefined;
  /** Told of a file whose index turned out to be damaged. */
  readonly onDamagedIndex?: ((file: DataFile) => void) | undefined;
  /** Told, for people, what an answer leaves out. */
  readonly onWarning: (warning: string) => void;
}

/** The plan's result over the files that can be read; undefined when there is nothing to ask. Rejects
 *  with DamageFound when the question is to be asked again, of a newer manifest. */
export async function askFiles(
  { port, pages, manifest, signal, onWarning }: ReadContext,
  files: readonly DataFile[],
  plan: (files: readonly DataFile[]) => QueryPlan | undefined,
): Promise<QueryResult | undefined> {
  for (const { damage } of files) damage?.problems.forEach(onWarning);
  const outcome = await runOnFiles(files, plan, async (statement, some) => {
    await pages.expectWhole(some, statement.sql, signal);
    try {
      return await port.run(statement, { lane: manifest.tenant, signal });
    } catch (error) {
      if (!isDamage(error)) throw error;
      // A file may have been damaged since it was found whole.
      pages.doubt(some);
      await pages.expectWhole(some, statement.sql, signal);
      throw error;
    }
  });
  for (const warning of outcome.warnings) onWarning(warning);
  return outcome.result;
}

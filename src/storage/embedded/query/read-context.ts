/** What every read of the store works with. */

import type { HashSeed } from '../identity.ts';
import type { DataFile, Manifest } from '../manifest.ts';
import type { TraceFiles } from '../read/file-reader.ts';
import type { QueryPlan, QueryResult } from './messages.ts';
import type { QueryPort } from './query-process.ts';
import { runOnFiles } from './run-on-files.ts';

export interface ReadContext {
  readonly port: QueryPort;
  readonly reader: TraceFiles;
  /** Pinned by the caller, with `fresh` for searches and dependencies. */
  readonly manifest: Manifest;
  /** What identity hashes are made with. */
  readonly seed: HashSeed;
  readonly signal?: AbortSignal | undefined;
  /** Rows a search for the newest looks at first; the default is good but for tests. */
  readonly firstRows?: number | undefined;
  /** Told of a file whose index turned out to be damaged. */
  readonly onDamagedIndex?: ((file: DataFile) => void) | undefined;
  /** Told, for people, what an answer leaves out. */
  readonly onWarning: (warning: string) => void;
}

/** The plan's result over the files that can be read; undefined when there is nothing to ask. */
export async function askFiles(
  { port, manifest, signal, onWarning }: ReadContext,
  files: readonly DataFile[],
  plan: (files: readonly DataFile[]) => QueryPlan | undefined,
): Promise<QueryResult | undefined> {
  const outcome = await runOnFiles(files, plan, (each) =>
    port.run(each, { lane: manifest.tenant, signal }),
  );
  for (const warning of outcome.warnings) onWarning(warning);
  return outcome.result;
}

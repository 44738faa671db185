/** One reader thread and one DuckDB process for all stores of a test file: starting them takes longer
 *  than all that a recovered store of a few spans is asked. To be put in place of the modules by
 *  `vi.mock`; that they start, die and are replaced is shown by tests of their own. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as QueryProcesses from '../../../src/storage/embedded/query/query-process.ts';
import type * as FileReaders from '../../../src/storage/embedded/read/file-reader.ts';

const endings: (() => Promise<void>)[] = [];

/** To be called when no store is open any more. */
export async function endShared(): Promise<void> {
  await Promise.all(endings.splice(0).map((end) => end()));
}

export function withSharedReader(module: typeof FileReaders): typeof FileReaders {
  class Kept extends module.FileReader {
    override async close(): Promise<void> {}
    end = () => super.close();
  }
  let kept: Kept | undefined;
  const FileReader = new Proxy(Kept, {
    construct: (_, [settings, deps]: ConstructorParameters<typeof Kept>) => {
      if (kept === undefined) {
        kept = new Kept(settings, deps);
        endings.push(kept.end);
      }
      return kept;
    },
  });
  return { ...module, FileReader };
}

export function withSharedQueries(module: typeof QueryProcesses): typeof QueryProcesses {
  class Kept extends module.QueryProcess {
    override async close(): Promise<void> {}
    end = () => super.close();
  }
  let kept: Kept | undefined;
  const QueryProcess = new Proxy(Kept, {
    construct: (_, [settings, { clock, logger }]: ConstructorParameters<typeof Kept>) => {
      if (kept === undefined) {
        const tempDirectory = join(tmpdir(), `spoor-shared-${process.pid}`);
        const everywhere = { ...settings, tempDirectory, directories: [tmpdir()] };
        kept = new Kept(everywhere, { clock, logger });
        endings.push(kept.end);
      }
      return kept;
    },
  });
  return { ...module, QueryProcess };
}

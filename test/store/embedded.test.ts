import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { describeBackend } from '../../src/storage/conformance/describe-backend.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';

/** The store with its rows where the settings put them. */
function opener(settings: object) {
  return async () => {
    const directory = await mkdtemp(join(tmpdir(), 'spoor-embedded-'));
    const config = EmbeddedConfig.parse({ directory, ...settings });
    const open = () => openEmbedded(config, { clock: systemClock, logger: silentLogger });
    let backend = await open();
    return {
      backend,
      reopen: async () => {
        await backend.close();
        backend = await open();
        return backend;
      },
      destroy: async () => {
        await backend.close();
        await rm(directory, { recursive: true });
      },
    };
  };
}

describeBackend('embedded, spans in the head', opener({}));
describeBackend('embedded, spans in flushes', opener({ flush_spans: 40, stitch_row_groups: 256 }));
describeBackend(
  'embedded, spans in stitched segments',
  opener({ flush_spans: 25, stitch_row_groups: 3 }),
);

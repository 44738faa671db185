/** The process that the deletion's kill test kills: writes traces and deletes some of them, for ever,
 *  and tells its parent what was acknowledged. */

import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Chance } from '../../src/storage/conformance/random-spans.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { type MadeTrace, madeTraces, traceBatch } from './deleted-traces.ts';

const [directory = '', first = '0'] = process.argv.slice(2);
const chance = new Chance(Number(first) + process.pid);
const config = EmbeddedConfig.parse({ directory, flush_spans: 60, stitch_row_groups: 3 });
const backend = await openEmbedded(config, { clock: systemClock, logger: silentLogger });
const written: MadeTrace[] = [];
let next = Number(first);

async function writeForever(): Promise<never> {
  for (;;) {
    const [trace] = madeTraces(1, next++);
    if (trace === undefined) continue;
    process.send?.({ begun: trace.number });
    await backend.writer.write(traceBatch(trace));
    written.push(trace);
    process.send?.({ written: trace.number });
    // Room for deletions: they wait for flushes.
    await systemClock.sleep(2, new AbortController().signal);
  }
}

async function deleteForever(): Promise<never> {
  for (;;) {
    await systemClock.sleep(chance.below(40), new AbortController().signal);
    const victims = Array.from({ length: Math.min(3, written.length) }, () =>
      written.splice(chance.below(written.length), 1),
    ).flat();
    const numbers = victims.map(({ number }) => number);
    process.send?.({ deleting: numbers });
    await backend.maintenance?.deleteTraces(
      'default',
      { traceIds: victims.map(({ traceId }) => traceId) },
      {
        onProgress: ({ stage }) => {
          if (stage === 'hidden') process.send?.({ hidden: numbers });
        },
      },
    );
  }
}

await Promise.all([deleteForever(), ...Array.from({ length: 3 }, writeForever)]);

/** The process that the kill test kills: opens the store, writes batch after batch, several at a
 *  time, and tells its parent which ones were acknowledged. Sends some again, and searches, so that
 *  every kind of work is under way when the end comes. */

import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { Chance } from '../../src/storage/conformance/random-spans.ts';
import { batchOf, killTestConfig, RANGE, TENANTS } from './killed-batches.ts';

const [directory = '', first = '0'] = process.argv.slice(2);
const chance = new Chance(Number(first) + process.pid);
const WRITERS = 8;
let next = Number(first);

const backend = await openEmbedded(killTestConfig(directory), {
  clock: systemClock,
  logger: silentLogger,
});
const acknowledged: number[] = [];

async function writeForever(): Promise<never> {
  for (;;) {
    const number = next++;
    process.send?.({ begun: number });
    await backend.writer.write(batchOf(number));
    acknowledged.push(number);
    process.send?.({ acknowledged: number });
    if (chance.isHit(0.1)) await backend.writer.write(batchOf(chance.of(acknowledged)));
  }
}

async function searchForever(): Promise<never> {
  for (;;) {
    await backend.reader.findTraces({ tenant: chance.of(TENANTS), range: RANGE, limit: 20 });
    // A tenant that has nothing is answered without waiting for anything.
    await setImmediate();
  }
}

await Promise.all([searchForever(), ...Array.from({ length: WRITERS }, writeForever)]);

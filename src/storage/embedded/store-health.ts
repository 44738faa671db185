/** How the store is, for people and for the health check. */

import type { StorageHealth } from '../contract.ts';
import type { Damage } from './damage.ts';
import type { Deleter } from './deletion/deleter.ts';
import type { Engine } from './engine.ts';

interface Parts {
  readonly engine: Engine;
  readonly deleter: Deleter;
  readonly damage: Damage;
}

/** Damage is told, and no reason to be taken out of service: the rest is there. */
export function storeHealth({ engine, deleter, damage }: Parts): StorageHealth {
  const { ok, problems } = engine.health();
  const repairs = engine.stores.map((store) => store.repairs);
  const indices = repairs.flatMap((one) => one.problems);
  const told = [...damage.problems(pathsOf(engine)), ...indices];
  if (deleter.problem !== undefined) told.push(deleter.problem);
  return {
    ok,
    problems: [...told, ...problems],
    counts: {
      damaged: repairs.reduce((sum, one) => sum + one.damaged, damage.count),
      repaired: repairs.reduce((sum, one) => sum + one.repaired, 0),
      repeatedSpans: engine.stores.reduce((sum, { stitching }) => sum + stitching.repeatedRows, 0),
    },
  };
}

/** Of the files that the store has now. */
function pathsOf({ stores, dataFiles }: Engine): string[] {
  const days = stores.flatMap(({ rollups }) => [...rollups.now.days.values()]);
  return [...dataFiles, ...days].map(({ path }) => path);
}

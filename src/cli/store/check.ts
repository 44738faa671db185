/** `spoor store check`: reads every file of a store and verifies every checksum. */
import { checkStore, countChecks } from '../../storage/embedded/inspect/check.ts';
import { readInventory } from '../../storage/embedded/inspect/inventory.ts';
import { parseStoreArguments, PLACE_HELP, storeDirectory } from './place.ts';
import { bytesText, countText, Progress } from './progress.ts';

export const help = `spoor store check [dir]: verify every checksum of a store

Reads the log, every page of every Parquet file, indices, catalogues and tombstones. A server may be
using the store meanwhile. Prints a line for each damaged place and then exits with 1.

${PLACE_HELP}`;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseStoreArguments(args, {}, 'one');
  const directory = await storeDirectory(parsed, parsed.argument);
  const inventory = await readInventory(directory);
  const wanted = countChecks(inventory);
  const progress = new Progress();
  let [files, bytes, damaged] = [0, 0, 0];
  for await (const { bytes: size, findings, hasGone } of checkStore(inventory)) {
    files += 1;
    if (hasGone) continue;
    bytes += size;
    if (findings.length > 0) {
      damaged += 1;
      progress.end();
      for (const { path, problem } of findings) process.stdout.write(`${path}: ${problem}\n`);
    }
    progress.update(files / wanted, `${countText(files, 'file')}, ${bytesText(bytes)}`);
  }
  progress.end();
  const read = `${countText(files, 'file')}, ${bytesText(bytes)} in ${progress.seconds.toFixed(1)} s`;
  process.stdout.write(damaged === 0 ? `all good: ${read}\n` : `${damaged} damaged of ${read}\n`);
  return damaged === 0 ? 0 : 1;
}

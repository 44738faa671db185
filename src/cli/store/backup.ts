/** `spoor store backup`: a copy of the whole store, also of one in use. */
import { backUp } from '../../storage/embedded/inspect/backup.ts';
import { UsageError } from '../arguments.ts';
import { parseStoreArguments, PLACE_HELP, storeDirectory } from './place.ts';
import { bytesText, countText, Progress } from './progress.ts';

export const help = `spoor store backup <dir>: copy a store

The copy holds everything that had been acknowledged when it began, and is a store itself: to restore,
give its directory to a server. Done again into the same directory it copies only what is new, and
goes on where it was interrupted.

  --link                 share data files with the store instead of copying them: at once, on the
                         same disk only, and no help when that disk dies
${PLACE_HELP}`;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseStoreArguments(args, { link: { type: 'boolean' } }, 'one');
  const target = parsed.argument;
  if (target === undefined) {
    throw new UsageError('usage', 'backup wants one directory to copy to', {
      hint: 'see `spoor store backup --help`',
    });
  }
  const source = await storeDirectory(parsed);
  const progress = new Progress();
  const { files, bytes } = await backUp({
    source,
    target,
    isLinked: parsed.has('link'),
    onProgress: (now) => {
      const text = `${countText(now.files, 'file')}, ${bytesText(now.bytes)} copied`;
      progress.update(now.files / now.wantedFiles, text);
    },
  });
  progress.end();
  process.stdout.write(`${target}: ${countText(files, 'file')}, ${bytesText(bytes)} copied\n`);
  return 0;
}

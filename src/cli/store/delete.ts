/** `spoor store delete`: traces go, from searches at once and from the disk before it ends. */
import { createInterface } from 'node:readline/promises';
import { UsageError } from '../arguments.ts';
import { ClientError } from './client.ts';
import { interruptible } from './interrupt.ts';
import { parseStoreArguments } from './place.ts';
import { countText, Progress } from './progress.ts';
import { REACH_HELP, reachFlags, reachStore } from './reach.ts';
import {
  isEverything,
  readSelection,
  SELECTION_HELP,
  selectionFlags,
  selectionText,
} from './selection.ts';

export const help = `spoor store delete: delete traces

No search finds them from the first moment on, and when the command ends their bytes are gone from
every file. Spans of these traces that are sent afterwards are stored again. Backups and exported
files keep what they have.

${SELECTION_HELP}
  --all                  every trace
  --yes                  do not ask
${REACH_HELP}`;

const flags = {
  ...selectionFlags,
  ...reachFlags,
  yes: { type: 'boolean' },
  all: { type: 'boolean' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseStoreArguments(args, flags);
  const selection = readSelection(parsed, Date.now());
  if (isEverything(selection) !== parsed.has('all')) {
    throw new UsageError('usage', 'say which traces, or --all', {
      hint: 'see `spoor store delete --help`',
    });
  }
  return interruptible(async (signal) => {
    const { client, where, close } = await reachStore(parsed, signal);
    try {
      const what = selectionText(selection);
      if (!parsed.has('yes') && !(await agrees(`Delete ${what} from ${where}?`, signal))) {
        process.stdout.write('nothing was deleted\n');
        return 1;
      }
      const progress = new Progress();
      for await (const line of client.deleteTraces(selection)) {
        const counts = `${countText(line.traces, 'trace')}, ${countText(line.spans, 'span')}`;
        if (line.stage === 'failed') {
          const { error = 'it failed', hint } = line;
          throw new ClientError('failed', `${error}; ${counts} are hidden so far`, { hint });
        }
        if (line.stage !== 'done') {
          progress.update(undefined, `${counts} ${line.stage === 'hidden' ? 'hidden' : 'erased'}`);
          continue;
        }
        progress.end();
        process.stdout.write(`deleted ${counts}\n`);
        return 0;
      }
      throw new ClientError('failed', 'the server went away; what it had hidden stays hidden');
    } finally {
      await close();
    }
  });
}

async function agrees(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UsageError('usage', 'there is nobody to ask', { hint: 'give --yes' });
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${question} It cannot be undone. [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

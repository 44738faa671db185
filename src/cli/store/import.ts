/** `spoor store import`: exported traces into a store. What is there already is left out, so doing it
 *  again, after an interruption say, does no harm. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { UsageError } from '../arguments.ts';
import { interruptible } from './interrupt.ts';
import { linesOf } from './lines.ts';
import { isParquet, parquetLines } from './parquet.ts';
import { parseStoreArguments } from './place.ts';
import { bytesText, countText, Progress } from './progress.ts';
import { REACH_HELP, reachFlags, reachStore, type Reached } from './reach.ts';

export const help = `spoor store import <file>: take in exported traces

Reads lines of OTLP JSON, one request each, as \`spoor store export\` and the Collector's file exporter
write them, or Parquet that \`spoor store export\` wrote. - reads lines from standard input. Spans that
are stored already, with the same content, are left out: importing twice does no harm.

  --from-line <n>        begin there; an interrupted import says where
${REACH_HELP}`;

/** A request carries so much, or one line. */
const REQUEST_BYTES = 4 * 1024 * 1024;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseStoreArguments(
    args,
    { ...reachFlags, 'from-line': { type: 'string' } },
    'one',
  );
  const path = parsed.argument;
  if (path === undefined) {
    throw new UsageError('usage', 'import wants one file', {
      hint: 'see `spoor store import --help`',
    });
  }
  const first = Number(parsed.flag('from-line') ?? 1);
  if (!Number.isSafeInteger(first) || first < 1) {
    throw new UsageError('usage', '--from-line wants a whole number from 1 on');
  }
  return interruptible(async (signal) => {
    const reached = await reachStore(parsed, signal);
    try {
      await importFile({ path, first, tenant: parsed.flag('tenant'), reached });
      return 0;
    } finally {
      await reached.close();
    }
  });
}

function linesIn(path: string): AsyncIterable<Uint8Array> {
  if (path === '-') return linesOf(process.stdin);
  return isParquet(path) ? parquetLines(path) : linesOf(createReadStream(path));
}

interface Import {
  readonly path: string;
  readonly first: number;
  readonly tenant: string | undefined;
  readonly reached: Reached;
}

async function importFile({ path, first, tenant, reached }: Import): Promise<void> {
  const progress = new Progress();
  const size = path === '-' ? undefined : (await stat(path)).size;
  let [stored, known, bytes, line, next] = [0, 0, 0, 0, first];
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  const send = async () => {
    if (batch.length === 0) return;
    const counts = await reached.client.importLines(Buffer.concat(batch), {
      tenant,
      firstLine: next,
    });
    stored += counts.stored;
    known += counts.known;
    next = line + 1;
    batch = [];
    batchBytes = 0;
    // The lines of a Parquet file are longer than it is.
    const part = size === undefined || isParquet(path) ? undefined : bytes / size;
    progress.update(part, `${countText(stored, 'span')} new, ${countText(known)} known`);
  };
  try {
    for await (const text of linesIn(path)) {
      if (line + 1 >= first && batchBytes + text.length > REQUEST_BYTES) await send();
      line++;
      bytes += text.length;
      if (line < first) continue;
      batch.push(text);
      batchBytes += text.length;
    }
    await send();
  } catch (error) {
    progress.end();
    process.stderr.write(`go on with --from-line ${next}\n`);
    throw error;
  }
  progress.end();
  const read = `${countText(line - first + 1, 'line')}, ${bytesText(bytes)}`;
  process.stdout.write(
    `imported ${countText(stored, 'span')} from ${read}; ${countText(known)} were there already\n`,
  );
}

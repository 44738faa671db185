/** `spoor store export`: stored traces as lines of OTLP JSON. The file has another name until it is
 *  whole; beside it stands how far it is, so the same command goes on where it was interrupted. */
import { open, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import type { StoreSelection } from '../../api/contract.ts';
import { UsageError } from '../arguments.ts';
import type { StoreClient } from './client.ts';
import { interruptible } from './interrupt.ts';
import { isParquet, linesToParquet } from './parquet.ts';
import { parseStoreArguments } from './place.ts';
import { bytesText, countText, Progress } from './progress.ts';
import { REACH_HELP, reachFlags, reachStore } from './reach.ts';
import { readSelection, SELECTION_HELP, selectionFlags, selectionText } from './selection.ts';

export const help = `spoor store export <file>: write traces to a file

A line for each trace, newest first: an OTLP JSON request as the Collector's file exporter writes them
and its file receiver, \`spoor store import\` or any OTLP/HTTP endpoint reads them. A name that
ends in .parquet gets a Parquet file with a row for each span. - writes lines to standard output.
Interrupted, the same command goes on where it was.

${SELECTION_HELP}
${REACH_HELP}`;

const PAGE_TRACES = 1000;
const IDS_AT_ONCE = 200;

const Mark = z.object({
  /** As it was asked for: another one begins anew. */
  selection: z.string(),
  /** "Two hours ago" is that of the first run. */
  startNano: z.string().optional(),
  endNano: z.string().optional(),
  cursor: z.string().optional(),
  ids: z.int(),
  bytes: z.int(),
  traces: z.int(),
});
/** How far an export is. */
type Mark = z.infer<typeof Mark>;
const NOTHING = { ids: 0, bytes: 0, traces: 0 };

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseStoreArguments(args, { ...selectionFlags, ...reachFlags }, 'one');
  const path = parsed.argument;
  if (path === undefined) {
    throw new UsageError('usage', 'export wants one file to write', {
      hint: 'see `spoor store export --help`',
    });
  }
  const selection = readSelection(parsed, Date.now());
  return interruptible(async (signal) => {
    const { client, where, close } = await reachStore(parsed, signal);
    try {
      const target = targetFor(path, parsed.flag('tenant'));
      const progress = new Progress();
      const asked = JSON.stringify({
        ...selection,
        startNano: parsed.flag('from'),
        endNano: parsed.flag('to'),
      });
      const mark = await exportTo(target, { client, selection, asked, progress });
      progress.end();
      const size = `${countText(mark.traces, 'trace')}, ${bytesText(mark.bytes)}`;
      process.stderr.write(`exported ${selectionText(selection)} of ${where}: ${size}\n`);
      return 0;
    } finally {
      await close();
    }
  });
}

interface Export {
  readonly client: StoreClient;
  readonly selection: StoreSelection;
  /** The same by its flags. */
  readonly asked: string;
  readonly progress: Progress;
}

async function exportTo(
  target: ExportTarget,
  { client, selection: now, asked, progress }: Export,
): Promise<Mark> {
  const { startNano: from, endNano: to } = now;
  let mark = await target.begin({ selection: asked, startNano: from, endNano: to, ...NOTHING });
  const { startNano, endNano } = mark;
  const selection = { ...now, startNano, endNano };
  const firstNano = BigInt(selection.endNano ?? BigInt(Date.now()) * 1_000_000n);
  for (;;) {
    const page = await client.exportPage(nextPage(selection, mark));
    const traces = mark.traces + countLines(page.lines);
    const ids = mark.ids + (selection.traceIds === undefined ? 0 : IDS_AT_ONCE);
    const bytes = mark.bytes + page.lines.length;
    mark = { ...mark, cursor: page.cursor, ids, bytes, traces };
    await target.add(page.lines, mark);
    const hasMore =
      selection.traceIds === undefined
        ? page.cursor !== undefined
        : ids < selection.traceIds.length;
    if (!hasMore) break;
    const part = partOf(selection, { firstNano, reachedNano: page.reachedNano });
    progress.update(part, `${countText(traces, 'trace')}, ${bytesText(bytes)}`);
  }
  await target.finish();
  return mark;
}

function nextPage(selection: StoreSelection, { cursor, ids }: Mark) {
  if (selection.traceIds === undefined) return { selection, cursor, limit: PAGE_TRACES };
  const traceIds = selection.traceIds.slice(ids, ids + IDS_AT_ONCE);
  return { selection: { ...selection, traceIds }, limit: IDS_AT_ONCE };
}

/** Known only when the range has a beginning. */
function partOf(
  { startNano }: StoreSelection,
  { firstNano, reachedNano }: { firstNano: bigint; reachedNano: bigint | undefined },
): number | undefined {
  if (startNano === undefined || reachedNano === undefined) return undefined;
  return Number(firstNano - reachedNano) / Number(firstNano - BigInt(startNano));
}

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}

interface ExportTarget {
  /** How far an earlier run came. */
  begin(fresh: Mark): Promise<Mark>;
  add(lines: Uint8Array, mark: Mark): Promise<void>;
  finish(): Promise<void>;
}

function targetFor(path: string, tenant: string | undefined): ExportTarget {
  if (path === '-') return new StandardOutput();
  return new PartialFile(path, tenant);
}

class StandardOutput implements ExportTarget {
  begin(fresh: Mark): Promise<Mark> {
    return Promise.resolve(fresh);
  }

  add(lines: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      process.stdout.write(lines, (error) => (error ? reject(error) : resolve()));
    });
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }
}

class PartialFile implements ExportTarget {
  readonly #path: string;
  readonly #tenant: string | undefined;
  #file: FileHandle | undefined;

  constructor(path: string, tenant: string | undefined) {
    this.#path = path;
    this.#tenant = tenant;
  }

  get #part(): string {
    return `${this.#path}.part`;
  }

  get #markPath(): string {
    return `${this.#path}.part.json`;
  }

  async begin(fresh: Mark): Promise<Mark> {
    const known = await readMark(this.#markPath);
    const goesOn = known !== undefined && known.selection === fresh.selection;
    const mark = goesOn ? known : fresh;
    this.#file = await open(this.#part, 'a');
    await this.#file.truncate(mark.bytes);
    if (goesOn) process.stderr.write(`going on after ${countText(mark.traces, 'trace')}\n`);
    return mark;
  }

  /** The mark must not say more than there is. */
  async add(lines: Uint8Array, mark: Mark): Promise<void> {
    await this.#file?.appendFile(lines);
    await this.#file?.datasync();
    await writeFile(`${this.#markPath}.tmp`, JSON.stringify(mark));
    await rename(`${this.#markPath}.tmp`, this.#markPath);
  }

  async finish(): Promise<void> {
    await this.#file?.close();
    if (isParquet(this.#path)) {
      await linesToParquet(this.#part, `${this.#path}.tmp`, this.#tenant);
      await rename(`${this.#path}.tmp`, this.#path);
      await rm(this.#part);
    } else await rename(this.#part, this.#path);
    await rm(this.#markPath, { force: true });
  }
}

async function readMark(path: string): Promise<Mark | undefined> {
  try {
    return Mark.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

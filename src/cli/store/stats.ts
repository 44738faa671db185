/** `spoor store stats`: how large a store is and what takes the room. */
import { readInventory } from '../../storage/embedded/inspect/inventory.ts';
import { type Share, storeStats, type TenantStats } from '../../storage/embedded/inspect/stats.ts';
import { parseStoreArguments, PLACE_HELP, storeDirectory } from './place.ts';
import { bytesText, countText, Progress } from './progress.ts';

export const help = `spoor store stats [dir]: what takes the room in a store

A server may be using the store meanwhile. Spans that are in the log and in no file yet are not
counted. A service's share of the bytes is estimated from its share of the spans.

  --json                 as JSON
  --all                  every column and service, not only the largest
${PLACE_HELP}`;

const SHOWN = 15;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseStoreArguments(
    args,
    { json: { type: 'boolean' }, all: { type: 'boolean' } },
    'one',
  );
  const inventory = await readInventory(await storeDirectory(parsed, parsed.argument));
  const wanted = inventory.tenants.reduce((sum, { files }) => sum + files.length, 0);
  const progress = new Progress();
  const stats = await storeStats(inventory, (done) => {
    progress.update(done / wanted, countText(done, 'file'));
  });
  progress.end();
  if (parsed.has('json')) {
    process.stdout.write(`${JSON.stringify(stats, undefined, 2)}\n`);
    return 0;
  }
  const { directory, bytes, logBytes, tenants } = stats;
  process.stdout.write(`${directory}: ${bytesText(bytes)}, ${bytesText(logBytes)} of it log\n`);
  for (const tenant of tenants) process.stdout.write(tenantText(tenant, parsed.has('all')));
  return 0;
}

function tenantText(stats: TenantStats, isWhole: boolean): string {
  const { tenant, spans, traces, files, bytes, repeatedSpans } = stats;
  const each = spans === 0 ? '' : `, ${(bytes / spans).toFixed(1)} B a span`;
  const shown = isWhole ? Infinity : SHOWN;
  return [
    '',
    `tenant ${tenant}: ${countText(spans, 'span')} of ${countText(traces, 'trace')}, ` +
      `${countText(files, 'file')}, ${bytesText(bytes)}${each}`,
    ...(repeatedSpans === 0
      ? []
      : [`${countText(repeatedSpans, 'span')} there twice: sent again late`]),
    ...table('day', stats.days, { shown, spans }),
    ...table('service', stats.services, { shown, spans }),
    ...table('column', stats.columns, { shown, spans }),
    '',
  ].join('\n');
}

interface TableOptions {
  readonly shown: number;
  readonly spans: number;
}

function table(title: string, shares: readonly Share[], { shown, spans }: TableOptions): string[] {
  const some = shares.slice(0, shown);
  const width = Math.max(title.length, ...some.map(({ name }) => name.length));
  const head = [
    title.padEnd(width),
    'bytes'.padStart(10),
    'B/span'.padStart(8),
    'spans'.padStart(14),
  ];
  const rest = shares.length - some.length;
  return [
    '',
    head.join('  '),
    ...some.map(({ name, bytes, spans: own }) =>
      [
        name.padEnd(width),
        bytesText(bytes).padStart(10),
        (bytes / Math.max(1, title === 'column' ? spans : own)).toFixed(2).padStart(8),
        countText(own).padStart(14),
      ].join('  '),
    ),
    ...(rest > 0 ? [`and ${rest} more (--all)`] : []),
  ];
}

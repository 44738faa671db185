/** What an index says of the traces of a row group, from the collected rows, and how that of
 *  several row groups becomes one. Hot: benchmark `bench/row-group.ts`. */

import { hexAt } from '../../../model/ids.ts';
import { STATUS_ERROR } from '../../../model/attribute.ts';
import { bigNanoFromWords } from '../../../model/time.ts';
import type { ServiceCount } from '../../contract.ts';
import type { PartialSummary, RootSpan } from '../segment-index.ts';
import type { TraceEntry } from '../summary-block.ts';
import type { MissingParents } from './missing-parents.ts';
import type { RowCollector } from './rows.ts';
import type { SpanTable } from './span-table.ts';
import type { TraceRows } from './trace-groups.ts';

/** In the order of trace ids. */
export function traceEntries(
  rows: RowCollector,
  traces: TraceRows,
  parents: SpanTable,
): TraceEntry[] {
  const entries: TraceEntry[] = [];
  for (let i = 0; i < traces.traces.length; i++) {
    const of = traces.rows.subarray(traces.starts[i]!, traces.starts[i + 1]!);
    const traceId = hexAt(rows.traces.ids, traces.traces[i]! * 16, 16);
    entries.push({ summary: summarize(rows, parents, { traceId, of }), rowGroups: [0] });
  }
  return entries.sort((a, b) => (a.summary.traceId < b.summary.traceId ? -1 : 1));
}

function summarize(
  rows: RowCollector,
  parents: SpanTable,
  { traceId, of }: { traceId: string; of: Uint32Array },
): PartialSummary {
  const { dense } = rows;
  const counts = new Map<number, { spans: number; errors: number }>();
  const missingParents: bigint[] = [];
  let errorCount = 0;
  let root = -1;
  let start = of[0]!;
  let end = of[0]!;
  for (let i = 0; i < of.length; i++) {
    const row = of[i]!;
    if (isBefore(dense.startNano, row, start)) start = row;
    if (isBefore(dense.endNano, end, row)) end = row;
    if (!parents.hasParent(row)) {
      if (root < 0 || isBefore(dense.startNano, row, root)) root = row;
    } else if (!parents.isParentHere(row)) {
      missingParents.push(parents.parentOf(row));
    }
    const resource = dense.resources[row]!;
    let count = counts.get(resource);
    if (count === undefined) counts.set(resource, (count = { spans: 0, errors: 0 }));
    count.spans++;
    if (dense.statusCodes[row] === STATUS_ERROR) {
      count.errors++;
      errorCount++;
    }
  }
  return {
    traceId,
    startNano: nanoAt(dense.startNano, start),
    endNano: nanoAt(dense.endNano, end),
    spanCount: of.length,
    errorCount,
    root: root < 0 ? undefined : spanAt(rows, root),
    first: spanAt(rows, start),
    missingParents,
    services: servicesOf(rows, counts),
  };
}

/** Resources of one service are counted together. */
function servicesOf(
  rows: RowCollector,
  counts: ReadonlyMap<number, { spans: number; errors: number }>,
): ServiceCount[] {
  const byName = new Map<string, { spans: number; errors: number }>();
  for (const [resource, count] of counts) addCount(byName, rows.serviceOf(resource), count);
  return byNameOrder(byName);
}

function addCount(
  byName: Map<string, { spans: number; errors: number }>,
  name: string,
  { spans, errors }: { spans: number; errors: number },
): void {
  const known = byName.get(name);
  if (known === undefined) {
    byName.set(name, { spans, errors });
  } else {
    known.spans += spans;
    known.errors += errors;
  }
}

function byNameOrder(
  byName: ReadonlyMap<string, { spans: number; errors: number }>,
): ServiceCount[] {
  const services = [...byName].map(([name, count]) => ({ name, ...count }));
  return services.length < 2 ? services : services.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function spanAt(rows: RowCollector, row: number): RootSpan {
  return {
    startNano: nanoAt(rows.dense.startNano, row),
    service: rows.serviceOf(rows.dense.resources[row]!),
    name: rows.textOf(rows.dense.names[row]!),
  };
}

function nanoAt(words: Uint32Array, row: number): bigint {
  return bigNanoFromWords(words[row * 2]!, words[row * 2 + 1]!);
}

function isBefore(words: Uint32Array, a: number, b: number): boolean {
  const high = words[a * 2 + 1]! - words[b * 2 + 1]!;
  return high < 0 || (high === 0 && words[a * 2]! < words[b * 2]!);
}

/** Makes one entry of a trace's entries in several files. Missing parents that are in one of them
 *  are missing no more. */
export function mergeEntries(
  entries: readonly TraceEntry[],
  parents: Pick<MissingParents, 'isFound'>,
): TraceEntry {
  const [only] = entries;
  if (only === undefined) throw new Error('a trace without an entry');
  if (entries.length === 1) return only;
  const { traceId } = only.summary;
  let { startNano, endNano, root, first } = only.summary;
  let spanCount = 0;
  let errorCount = 0;
  const missingParents: bigint[] = [];
  const byName = new Map<string, { spans: number; errors: number }>();
  for (const { summary } of entries) {
    if (summary.startNano < startNano) startNano = summary.startNano;
    if (summary.endNano > endNano) endNano = summary.endNano;
    spanCount += summary.spanCount;
    errorCount += summary.errorCount;
    root = earlier(root, summary.root);
    first = earlier(first, summary.first) ?? first;
    for (const id of summary.missingParents) {
      if (!parents.isFound(traceId, id)) missingParents.push(id);
    }
    for (const { name, spans, errors } of summary.services)
      addCount(byName, name, { spans, errors });
  }
  return {
    summary: {
      traceId,
      startNano,
      endNano,
      spanCount,
      errorCount,
      root,
      first,
      missingParents,
      services: byNameOrder(byName),
    },
    rowGroups: entries.flatMap(({ rowGroups }) => rowGroups),
  };
}

function earlier(a: RootSpan | undefined, b: RootSpan | undefined): RootSpan | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.startNano < a.startNano ? b : a;
}

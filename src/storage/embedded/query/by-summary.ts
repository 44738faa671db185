/** Longest, shortest, most spans, most errors. The traces are walked best first, as their summaries
 *  say, and each is held against the filter: by its summary where that suffices, else some at a time
 *  by the rows of the row groups that have them. What matches rarely is found first and put in order
 *  then. Only when that is too much, or an index does not say enough, are all rows read. */

import { StorageError } from '../../contract.ts';
import type { DataFile, RowRange } from '../manifest.ts';
import type { PartialSummary } from '../segment-index.ts';
import { askIndex } from './ask-index.ts';
import { findByScan } from './by-scan.ts';
import { FIRST_ROWS } from './intervals.ts';
import type { QueryPlan } from './messages.ts';
import { askFiles } from './read-context.ts';
import { isDamage } from './run-on-files.ts';
import type { FoundTrace, Places, SearchRows } from './search-rows.ts';
import { SqlBuilder } from './sql-builder.ts';
import type { Candidate } from './shared-traces.ts';
import { meets, type SummaryConditions, summaryConditions } from './summary-conditions.ts';
import { summarySources } from './summary-sources.ts';
import { hexOf, type SummaryOrder, walkTraces } from './summary-walk.ts';

/** So few rows, beside those of a first interval, are read at once sooner than traces are tried. */
const FEW = 12;
/** With more traces that match, files are read rather than their indices. */
const KNOWN_IDS_MAX = 200_000;
/** A trace that is tried costs as much as reading so many rows. */
const ROWS_A_TRACE = 2000;
const ASKED_AT_ONCE_MAX = 1000;

export async function findBySummary(
  search: SearchRows,
  inRange: readonly DataFile[],
  order: SummaryOrder,
): Promise<FoundTrace[]> {
  const files = await search.narrow(inRange);
  if (files.length === 0) return [];
  const matching = new Set(files);
  const rows = search.rowsIn(files);
  const fewRows = FEW * (search.context.firstRows ?? FIRST_ROWS);
  const isFew = rows <= fewRows && search.filter !== undefined;
  const isAllAsked = isFew || search.traces !== undefined;
  const page = isAllAsked ? undefined : await walked(search, { matching, rows, order });
  if (page !== undefined) return page;
  if (search.traces === undefined && search.visible.every((file) => matching.has(file))) {
    return findByScan(search, matching, undefined);
  }
  const ids = await matchingIds(search, files);
  if (ids?.length === 0) return [];
  return findByScan(search, matching, ids);
}

/** 16 bytes each, ascending; undefined when there are too many. */
async function matchingIds(
  search: SearchRows,
  files: readonly DataFile[],
): Promise<Uint8Array | undefined> {
  const result = await askFiles(search.context, files, (some): QueryPlan | undefined => {
    const sql = new SqlBuilder();
    const { range } = search;
    const rows = search.matching(sql, { files: some, range, select: 'trace_id' });
    const limit = `LIMIT ${KNOWN_IDS_MAX + 1}`;
    if (rows === undefined) return undefined;
    return sql.plan(`SELECT DISTINCT trace_id FROM ${rows} ORDER BY trace_id ${limit}`);
  });
  const [ids] = result?.columns ?? [];
  if (result === undefined || ids?.kind !== 'bytes') return new Uint8Array(0);
  return result.rows > KNOWN_IDS_MAX ? undefined : ids.bytes;
}

interface WalkPlan {
  /** Files with rows that may match. */
  readonly matching: ReadonlySet<DataFile>;
  /** How many these are. */
  readonly rows: number;
  readonly order: SummaryOrder;
}

/** Undefined when it comes to more work than reading the rows. */
async function walked(search: SearchRows, plan: WalkPlan): Promise<FoundTrace[] | undefined> {
  try {
    const sources = await summarySources(search, plan.order);
    if (sources === undefined) return undefined;
    const { after, context } = search;
    const walk = walkTraces({
      ...sources,
      files: sources.files.filter((file) => isAmong(plan.matching, file)),
      order: plan.order,
      after: after && { key: after.key, packedId: packed(after.traceId) },
      context,
    });
    return await new Trial(search, plan).pageOf(walk);
  } catch (error) {
    // The rows can be read all the same.
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function isAmong(files: ReadonlySet<DataFile>, { path }: DataFile): boolean {
  for (const file of files) if (file.path === path) return true;
  return false;
}

function packed(traceId: string): string {
  return Buffer.from(traceId, 'hex').toString('latin1');
}

interface Part {
  readonly file: DataFile;
  readonly summary: PartialSummary;
  readonly rowGroups: readonly number[];
}

/** A trace that may match, and where its rows are that would. */
interface Tried extends FoundTrace {
  /** Empty when it is certain to match. */
  readonly ask: readonly Part[];
}

/** Holds traces against the filter. */
class Trial {
  readonly #search: SearchRows;
  readonly #plan: WalkPlan;
  readonly #conditions: SummaryConditions;
  #rowsLeft: number;

  constructor(search: SearchRows, plan: WalkPlan) {
    this.#search = search;
    this.#plan = plan;
    this.#conditions = summaryConditions(search.filter);
    this.#rowsLeft = search.context.triedRowsMax ?? plan.rows;
  }

  async pageOf(walk: AsyncIterable<Candidate>): Promise<FoundTrace[] | undefined> {
    const { wanted } = this.#search;
    const page: FoundTrace[] = [];
    let tried: Tried[] = [];
    let askedAtOnce = wanted + 20;
    for await (const candidate of walk) {
      const one = this.#try(candidate);
      this.#rowsLeft -= ROWS_A_TRACE;
      if (this.#rowsLeft < 0 && page.length + tried.length < wanted) return undefined;
      if (one === undefined) continue;
      tried.push(one);
      const asked = tried.filter(({ ask }) => ask.length > 0).length;
      const isEnough = page.length + tried.length - asked >= wanted;
      if (!isEnough && asked < askedAtOnce) continue;
      const passed = await this.#passed(tried);
      if (passed === undefined) return undefined;
      page.push(...passed);
      if (page.length >= wanted) return page.slice(0, wanted);
      tried = [];
      askedAtOnce = Math.min(askedAtOnce * 2, ASKED_AT_ONCE_MAX);
    }
    const passed = await this.#passed(tried);
    return passed && [...page, ...passed].slice(0, wanted);
  }

  /** Undefined when it does not match. */
  #try({ packedId, key }: Candidate): Tried | undefined {
    const traceId = hexOf(packedId);
    const found = { traceId, key };
    const parts = this.#partsOf(packedId).filter((part) => this.#mayMatch(part));
    if (parts.length === 0) return undefined;
    return { ...found, ask: parts.some((part) => this.#isSure(part)) ? [] : parts };
  }

  #partsOf(packedId: string): Part[] {
    const { context } = this.#search;
    const id = Buffer.from(packedId, 'latin1');
    const parts: Part[] = [];
    for (const file of this.#plan.matching) {
      const answer = askIndex(context, file, id);
      if (answer === 'damaged') throw new StorageError('damaged', `${file.path}: its index`);
      if (answer !== 'absent') parts.push({ file, ...answer });
    }
    return parts;
  }

  #mayMatch({ file, summary, rowGroups }: Part): boolean {
    if (summary.startNano >= this.#search.range.endNano) return false;
    return meets(summary, this.#conditions) && this.#search.mayBeIn(file, rowGroups);
  }

  /** Whether a span of it is certain to match, by what its summary says. */
  #isSure({ file, summary }: Part): boolean {
    const { range, filter } = this.#search;
    if (!this.#conditions.isAll || this.#search.isCut(file)) return false;
    const isFrom = summary.startNano >= range.startNano;
    // The first span is in the range.
    if (filter === undefined && isFrom) return true;
    return (isFrom && file.maxStartNano < range.endNano) || this.#search.isInside(file);
  }

  /** Those that match, in their order; undefined when asking comes to too many rows. */
  async #passed(tried: readonly Tried[]): Promise<FoundTrace[] | undefined> {
    const asked = tried.filter(({ ask }) => ask.length > 0);
    if (asked.length === 0) return [...tried];
    const groups = new Map<DataFile, Set<number>>();
    for (const { file, rowGroups } of asked.flatMap(({ ask }) => ask)) {
      const known = groups.get(file) ?? new Set();
      for (const rowGroup of rowGroups) known.add(rowGroup);
      groups.set(file, known);
    }
    const places = new Map([...groups].map(([file, some]) => [file, rangesOf(file, some)]));
    this.#rowsLeft -= sumOfRows(places);
    if (this.#rowsLeft < 0) return undefined;
    const ids = asked.map(({ traceId }) => traceId);
    const matching = await this.#search.among([...places.keys()], ids, { places });
    return tried.filter(({ ask, traceId }) => ask.length === 0 || matching.has(traceId));
  }
}

/** Undefined when the file does not say how many rows its row groups have. */
function rangesOf(
  { rowGroupRows = [] }: DataFile,
  rowGroups: ReadonlySet<number>,
): RowRange[] | undefined {
  const ranges: RowRange[] = [];
  let from = 0;
  for (const [rowGroup, rows] of rowGroupRows.entries()) {
    const to = from + rows;
    if (rowGroups.has(rowGroup)) {
      const before = ranges.at(-1)?.to === from ? ranges.pop() : undefined;
      ranges.push({ from: before?.from ?? from, to });
    }
    from = to;
  }
  return ranges.length === 0 ? undefined : ranges;
}

function sumOfRows(places: Places): number {
  let rows = 0;
  for (const [file, ranges] of places) {
    for (const { from, to } of ranges ?? [{ from: 0, to: file.rows }]) rows += to - from;
  }
  return rows;
}

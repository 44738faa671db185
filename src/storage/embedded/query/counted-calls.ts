/** What is counted of a file's calls: all of those within its row groups, and in a stitched file all
 *  of those within the file. Counts are by minute: of minutes that the range cuts spans are asked. */

import type { DependencyLink, TimeRange } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import type { MissingCall } from '../red/missing-calls.ts';
import { MINUTE_NANO, type RedEdge, type RedPartial } from '../red/partial.ts';
import { overlaps } from './file-rows.ts';

export interface CountedCalls {
  readonly links: readonly DependencyLink[];
  /** Calls that no link has; undefined when its rows name them, whose parent has an id. */
  readonly missing: readonly MissingCall[] | undefined;
  /** How many no link has, whoever names them. */
  readonly unresolved: number;
  /** Parts of minutes whose spans are not counted here. */
  readonly cut: readonly TimeRange[];
}

/** undefined when all of its spans have to be asked. */
export function countedCalls(file: DataFile, range: TimeRange): CountedCalls | undefined {
  // Without places a parent's id does not say that it is in no row of the row group.
  if (file.rowGroupRows === undefined || file.deleted !== undefined) return undefined;
  if (file.damage !== undefined) return undefined;
  const isInside = file.minStartNano >= range.startNano && file.maxStartNano < range.endNano;
  try {
    const missing = file.index?.calls();
    if (isInside) return insideCalls(file, missing);
    return missing && minuteCalls(file, range, missing);
  } catch {
    // A damaged index is met, told and made again by those who cannot do without: spans are asked.
    return undefined;
  }
}

function insideCalls(
  { index }: DataFile,
  missing: readonly MissingCall[] | undefined,
): CountedCalls | undefined {
  const red = index?.sums() ?? index?.red();
  if (red === undefined) return undefined;
  const unresolved = missing?.length ?? red.unresolved;
  return { links: red.edges.map(linkOf), missing, unresolved, cut: [] };
}

function minuteCalls(
  file: DataFile,
  { startNano, endNano }: TimeRange,
  missing: readonly MissingCall[],
): CountedCalls | undefined {
  const red: RedPartial | undefined = file.index?.red();
  if (red === undefined) return undefined;
  const from = (startNano + MINUTE_NANO - 1n) / MINUTE_NANO;
  const to = endNano / MINUTE_NANO;
  if (from >= to) return undefined;
  const isWhole = ({ minute }: { readonly minute: number }) => minute >= from && minute < to;
  const some = missing.filter(isWhole);
  return {
    links: red.edges.filter(isWhole).map(linkOf),
    missing: some,
    unresolved: some.length,
    cut: [
      { startNano, endNano: from * MINUTE_NANO },
      { startNano: to * MINUTE_NANO, endNano },
    ].filter((part) => part.startNano < part.endNano && overlaps(file, part)),
  };
}

function linkOf({ parent, child, calls }: RedEdge): DependencyLink {
  return { parent, child, callCount: calls };
}

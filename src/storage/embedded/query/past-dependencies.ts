/** Calls between services of spans that retention has removed, from what their days have counted:
 *  those whose parent was in the same row group. A minute counts when it begins in the range. */

import type { DependencyLink, TimeRange } from '../../contract.ts';
import { DAY_MINUTES, DayFileReplaced, type DayReader, hoursOf } from '../red/day-file.ts';
import { MINUTE_NANO, type RedEdge } from '../red/partial.ts';
import { notCounted, type Rollups, type RollupsNow } from '../red/rollups.ts';

export interface PastDependencies {
  readonly links: readonly DependencyLink[];
  /** What was read: files that it has counted are not to be asked again. */
  readonly rollups: RollupsNow;
}

const ATTEMPTS_MAX = 5;

/** Begins again when a day has changed while it was read. */
export async function pastDependencies(
  source: Pick<Rollups, 'now' | 'settled'>,
  range: TimeRange,
  onWarning: (warning: string) => void,
): Promise<PastDependencies> {
  for (let attempt = 1; ; attempt++) {
    const rollups = source.now;
    try {
      return { links: await readLinks(rollups, range, onWarning), rollups };
    } catch (error) {
      if (!(error instanceof DayFileReplaced) || attempt === ATTEMPTS_MAX) throw error;
    }
    await source.settled();
  }
}

async function readLinks(
  rollups: RollupsNow,
  range: TimeRange,
  onWarning: (warning: string) => void,
): Promise<DependencyLink[]> {
  const from = Number((range.startNano + MINUTE_NANO - 1n) / MINUTE_NANO);
  const to = Number((range.endNano + MINUTE_NANO - 1n) / MINUTE_NANO);
  const links: DependencyLink[] = [];
  const add = ({ minute, parent, child, calls }: RedEdge): void => {
    if (minute >= from && minute < to) links.push({ parent, child, callCount: calls });
  };
  for (const { red, range: flushes } of rollups.waiting) {
    const counts = notCounted(rollups, flushes);
    for (const edge of red.edges) if (counts?.(edge.minute) !== false) add(edge);
  }
  for (const file of rollups.days.values()) {
    const first = file.day * DAY_MINUTES;
    if (first + DAY_MINUTES <= from || first >= to) continue;
    const read = (reader: DayReader, hour: number) => reader.hour(hour)?.edges ?? [];
    for await (const edges of hoursOf(file, read, onWarning)) edges.forEach(add);
  }
  return links;
}

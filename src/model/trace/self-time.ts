/** Self time: how long a span ran while none of its children did. */

export interface TimedTree {
  /** Pre-order, siblings by start. */
  readonly parents: Int32Array;
  readonly starts: Float64Array;
  readonly durations: Float64Array;
}

/** One value a position, in the unit of `durations`. Children count only inside their parent. */
export function selfTimes({ parents, starts, durations }: TimedTree): Float64Array {
  const self = Float64Array.from(durations, (duration) => Math.max(0, duration));
  const coveredTo = Float64Array.from(starts);
  for (let i = 0; i < parents.length; i++) {
    const parent = parents[i]!;
    if (parent < 0) continue;
    const parentEnd = starts[parent]! + durations[parent]!;
    const from = Math.max(starts[i]!, coveredTo[parent]!);
    const to = Math.min(starts[i]! + durations[i]!, parentEnd);
    if (to <= from) continue;
    self[parent] = self[parent]! - (to - from);
    coveredTo[parent] = to;
  }
  return self;
}

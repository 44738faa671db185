/** What has to happen for one graph to become another, told before anything does.
 *
 *  An instance goes on when its own settings, the signals it serves, and the extensions it borrows
 *  from are what they were. What it sends to is not asked: that is joined anew under a running
 *  instance. Its place among the processors of its pipeline is: when two change places, a batch
 *  between them would miss one, so then all of the pipeline's processors are made anew. */
import type { Graph, Node } from './graph.ts';

export interface Changes {
  /** Keys of the instances that go on. */
  readonly kept: ReadonlySet<string>;
  /** Stopped before anything starts, in this order: they hold a port, a lock or a queue that may be
   *  wanted, or bring data to one that does. */
  readonly stopFirst: readonly Node[];
  /** In this order. */
  readonly start: readonly Node[];
  /** Stopped, in this order, when the new ones serve: they empty what they hold meanwhile. */
  readonly stopLater: readonly Node[];
}

export function diff(before: Graph, after: Graph): Changes {
  const shuffled = shuffledPipelines(before, after);
  const kept = new Set<string>();
  // Lenders come before borrowers, so the answer about them is known.
  for (const node of after.values()) if (goesOn(node)) kept.add(node.key);
  const leaving = [...before.values()].toReversed().filter(({ key }) => !kept.has(key));
  const first = stoppedFirst(leaving);
  return {
    kept,
    stopFirst: leaving.filter((node) => first.has(node.key)),
    start: [...after.values()].filter(({ key }) => !kept.has(key)),
    stopLater: leaving.filter((node) => !first.has(node.key)),
  };

  function goesOn(node: Node): boolean {
    const old = before.get(node.key);
    if (old === undefined || old.fingerprint !== node.fingerprint) return false;
    if (node.kind === 'processor' && shuffled.has(node.pipeline)) return false;
    return old.needs.join() === node.needs.join() && node.needs.every((key) => kept.has(key));
  }
}

export function isEmpty({ stopFirst, start, stopLater }: Changes): boolean {
  return stopFirst.length + start.length + stopLater.length === 0;
}

/** Exclusive ones, and whatever would have nowhere to bring its data without them. */
function stoppedFirst(leaving: readonly Node[]): ReadonlySet<string> {
  const first = new Set<string>();
  // From the sinks up: what a node depends on has been decided before it.
  for (const node of leaving.toReversed()) {
    const on = [...[...node.outs.values()].flat(), ...node.needs];
    if (node.isExclusive || on.some((key) => first.has(key))) first.add(node.key);
  }
  return first;
}

function shuffledPipelines(before: Graph, after: Graph): ReadonlySet<string> {
  const inCommon = (graph: Graph, other: Graph) => {
    const lines = new Map<string, string[]>();
    for (const node of graph.values()) {
      if (node.kind !== 'processor' || !other.has(node.key)) continue;
      lines.set(node.pipeline, [...(lines.get(node.pipeline) ?? []), node.id]);
    }
    return lines;
  };
  const old = inCommon(before, after);
  const lines = [...inCommon(after, before)];
  return new Set(
    lines.filter(([id, line]) => old.get(id)?.join() !== line.join()).map(([id]) => id),
  );
}

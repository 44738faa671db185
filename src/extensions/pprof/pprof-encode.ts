/** V8's profiles as pprof's (github.com/google/pprof, profile.proto), gzipped, as its tools want
 *  them. Both are trees of frames in V8; pprof has a list of stacks, the leaf first. */

import type { HeapProfiler, Profiler, Runtime } from 'node:inspector/promises';
import { gzipSync } from 'node:zlib';
import {
  Function as PprofFunction,
  Line,
  Location,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';

interface Column {
  readonly type: string;
  readonly unit: string;
}

/** Stacks with one value for each column. */
class ProfileWriter {
  readonly #strings = new StringTable();
  readonly #functions = new Map<string, PprofFunction>();
  readonly #locations = new Map<string, Location>();
  readonly #samples: Sample[] = [];

  /** The number of a frame's place. */
  locate({ functionName, url, lineNumber }: Runtime.CallFrame): number {
    const name = functionName === '' ? '(anonymous)' : functionName;
    const key = `${url}\n${name}\n${lineNumber}`;
    const known = this.#locations.get(key);
    if (known !== undefined) return Number(known.id);
    const made = new PprofFunction({
      id: this.#functions.size + 1,
      name: this.#strings.dedup(name),
      systemName: this.#strings.dedup(name),
      filename: this.#strings.dedup(url),
      // V8 counts from 0, and has -1 for frames without a place.
      startLine: lineNumber + 1,
    });
    this.#functions.set(key, made);
    const id = this.#locations.size + 1;
    const line = new Line({ functionId: made.id, line: lineNumber + 1 });
    this.#locations.set(key, new Location({ id, line: [line] }));
    return id;
  }

  /** @param stack leaf first */
  add(stack: readonly number[], value: readonly number[]): void {
    this.#samples.push(new Sample({ locationId: [...stack], value: [...value] }));
  }

  finish(columns: readonly Column[], times: { nano?: number; durationNano?: number }): Buffer {
    const valueOf = ({ type, unit }: Column) =>
      new ValueType({ type: this.#strings.dedup(type), unit: this.#strings.dedup(unit) });
    const sampleType = columns.map(valueOf);
    const last = columns.at(-1);
    const profile = new Profile({
      sampleType,
      sample: this.#samples,
      location: [...this.#locations.values()],
      function: [...this.#functions.values()],
      timeNanos: times.nano ?? 0,
      durationNanos: times.durationNano ?? 0,
      ...(last === undefined ? {} : { periodType: valueOf(last) }),
      stringTable: this.#strings,
    });
    return gzipSync(profile.encode());
  }
}

/** @param nowMs when it ended */
export function cpuToPprof(profile: Profiler.Profile, nowMs: number): Buffer {
  const writer = new ProfileWriter();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const spent = new Map<number, { count: number; micros: number }>();
  for (const [i, id] of (profile.samples ?? []).entries()) {
    const known = spent.get(id) ?? { count: 0, micros: 0 };
    known.count++;
    known.micros += profile.timeDeltas?.[i] ?? 0;
    spent.set(id, known);
  }
  for (const [id, { count, micros }] of spent) {
    const stack: number[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = nodes.get(at)?.callFrame;
      if (frame !== undefined && !NOTHING.has(frame.functionName)) stack.push(writer.locate(frame));
    }
    if (stack.length > 0) writer.add(stack, [count, micros * 1000]);
  }
  const durationNano = (profile.endTime - profile.startTime) * 1000;
  return writer.finish(
    [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    { nano: nowMs * 1e6 - durationNano, durationNano },
  );
}

/** Frames of V8's that stand for no work. */
const NOTHING = new Set(['(root)', '(idle)']);

export function heapToPprof({ head }: HeapProfiler.SamplingHeapProfile, nowMs: number): Buffer {
  const writer = new ProfileWriter();
  const walk = (node: HeapProfiler.SamplingHeapProfileNode, above: readonly number[]): void => {
    const isRoot = NOTHING.has(node.callFrame.functionName);
    const stack = isRoot ? above : [writer.locate(node.callFrame), ...above];
    if (node.selfSize > 0 && stack.length > 0) writer.add(stack, [node.selfSize]);
    for (const child of node.children) walk(child, stack);
  };
  walk(head, []);
  return writer.finish([{ type: 'inuse_space', unit: 'bytes' }], { nano: nowMs * 1e6 });
}

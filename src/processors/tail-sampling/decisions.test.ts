/** The decisions over a long random traffic, late spans and forgotten traces included, are those of a
 *  plain evaluator that keeps spans as objects in lists. */
import { expect, test } from 'vitest';
import type { SpanFields } from '../../model/trace/span.fixture.ts';
import { never, setUp } from './sampler.fixture.ts';

const MS = 1_000_000;

interface Seen {
  readonly at: number;
  readonly takes: number;
  readonly statusCode: 0 | 1 | 2;
  readonly isRoot: boolean;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, number | string>>;
}

type Trace = readonly Seen[];
type Plain = (spans: Trace) => string;

const yes = (is: boolean): string => (is ? 'sampled' : 'not_sampled');
const some = (spans: Trace, key: string, is: (value: unknown) => boolean): boolean =>
  spans.some(({ attributes }) => key in attributes && is(attributes[key]));
const duration = (spans: Trace): number =>
  Math.max(...spans.map(({ at, takes }) => at + takes)) - Math.min(...spans.map(({ at }) => at));

/** Each policy beside what it means. */
const policies: readonly (readonly [object, Plain])[] = [
  [
    { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } },
    (spans) => yes(spans.some(({ statusCode }) => statusCode === 2)),
  ],
  [
    { name: 'slow', type: 'latency', latency: { threshold_ms: 900 } },
    (spans) => yes(duration(spans) > 900 * MS),
  ],
  [
    { name: 'paid', type: 'string_attribute', string_attribute: { key: 'plan', values: ['gold'] } },
    (spans) => yes(some(spans, 'plan', (value) => value === 'gold')),
  ],
  [
    {
      name: 'no-health',
      type: 'numeric_attribute',
      numeric_attribute: { key: 'health', min_value: 1, max_value: 3, invert_match: true },
    },
    (spans) =>
      some(spans, 'health', (value) => Number(value) >= 1 && Number(value) <= 3)
        ? 'invert_not_sampled'
        : 'invert_sampled',
  ],
  [
    {
      name: 'large and not gold',
      type: 'and',
      and: {
        and_sub_policy: [
          { name: 'l', type: 'span_count', span_count: { min_spans: 4, max_spans: 6 } },
          {
            name: 'n',
            type: 'not',
            not: {
              not_sub_policy: {
                name: 'g',
                type: 'string_attribute',
                string_attribute: { key: 'plan', values: ['gold'] },
              },
            },
          },
        ],
      },
    },
    (spans) =>
      yes(
        spans.length >= 4 && spans.length <= 6 && !some(spans, 'plan', (value) => value === 'gold'),
      ),
  ],
  [
    {
      name: 'test traffic',
      type: 'drop',
      drop: {
        drop_sub_policy: [
          {
            name: 't',
            type: 'string_attribute',
            string_attribute: { key: 'plan', values: ['test'] },
          },
        ],
      },
    },
    (spans) => (some(spans, 'plan', (value) => value === 'test') ? 'dropped' : 'not_sampled'),
  ],
];

function isKept(spans: Trace, chosen: typeof policies): boolean {
  const votes = new Set(chosen.map(([, vote]) => vote(spans)));
  if (votes.has('dropped') || votes.has('invert_not_sampled')) return false;
  return votes.has('sampled') || (votes.has('invert_sampled') && !votes.has('not_sampled'));
}

interface Rules {
  readonly wait: number;
  readonly rootWait: number;
  readonly tracesMax: number;
  readonly hasCaches: boolean;
  readonly chosen: typeof policies;
}

/** Spans in lists, all looked at in every second. */
class Reference {
  readonly #rules: Rules;
  readonly #traces = new Map<string, { due: number; spans: Seen[]; verdict?: boolean }>();
  readonly #cache = new Map<string, boolean>();
  readonly kept: string[] = [];
  evictedTraces = 0;
  lateSpans = 0;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** Spans that come together: what was decided before they came holds for all of them. */
  add(spans: Trace, now: number): void {
    const fresh = spans.filter((span) => !this.#isLate(span));
    for (const span of fresh) this.#hold(span, now);
  }

  #isLate(span: Seen): boolean {
    const verdict = this.#traces.get(span.traceId)?.verdict ?? this.#cached(span.traceId);
    if (verdict === undefined) return false;
    this.lateSpans += 1;
    if (verdict) this.kept.push(name(span));
    return true;
  }

  #hold(span: Seen, now: number): void {
    const { wait, rootWait } = this.#rules;
    const trace = this.#traces.get(span.traceId) ?? this.#open(span.traceId, now + wait);
    trace.spans.push(span);
    if (span.isRoot && rootWait > 0) trace.due = Math.min(trace.due, now + rootWait);
  }

  tick(now: number): void {
    for (const [id, trace] of this.#traces) {
      if (trace.verdict !== undefined || trace.due > now) continue;
      trace.verdict = isKept(trace.spans, this.#rules.chosen);
      this.#cache.set(id, trace.verdict);
      if (trace.verdict) this.kept.push(...trace.spans.map(name));
      trace.spans = [];
    }
  }

  #cached(id: string): boolean | undefined {
    return this.#rules.hasCaches && !this.#traces.has(id) ? this.#cache.get(id) : undefined;
  }

  #open(id: string, due: number) {
    const [oldest] = this.#traces;
    if (oldest !== undefined && this.#traces.size >= this.#rules.tracesMax) {
      if (oldest[1].verdict === undefined) this.evictedTraces += 1;
      this.#traces.delete(oldest[0]);
    }
    const trace: { due: number; spans: Seen[]; verdict?: boolean } = { due, spans: [] };
    this.#traces.set(id, trace);
    return trace;
  }
}

const name = ({ traceId, spanId }: { traceId: string; spanId: string }): string =>
  `${Number.parseInt(traceId, 16)}:${Number.parseInt(spanId, 16)}`;

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A span of one of the traces of about now, now and then of one long ago. */
function randomSpan(random: () => number, second: number, number: number): Seen {
  const isLate = random() < 0.1;
  const trace = 1 + Math.floor(second * 4 + random() * 24 - (isLate ? random() * 200 : 0));
  const attributes: Record<string, number | string> = {};
  if (random() < 0.15)
    attributes['plan'] = ['gold', 'test', 'free'][Math.floor(random() * 3)] ?? '';
  if (random() < 0.05) attributes['health'] = Math.floor(random() * 6);
  return {
    traceId: Math.max(1, trace).toString(16),
    spanId: number.toString(16),
    at: Math.floor(random() * 600) * MS,
    takes: Math.floor(random() * 400) * MS,
    statusCode: random() < 0.05 ? 2 : 0,
    isRoot: random() < 0.2,
    attributes,
  };
}

const fieldsOf = ({ isRoot, ...span }: Seen): SpanFields => ({
  ...span,
  ...(isRoot ? {} : { parentSpanId: 'abc' }),
});

const all = policies;
const only = (...names: number[]) => names.flatMap((at) => policies.slice(at, at + 1));

test.each([
  ['by time', { wait: 5, rootWait: 0, tracesMax: 5000, hasCaches: false, chosen: all }],
  ['soon after a root', { wait: 6, rootWait: 2, tracesMax: 5000, hasCaches: false, chosen: all }],
  ['with little room', { wait: 6, rootWait: 2, tracesMax: 30, hasCaches: false, chosen: all }],
  [
    'with little room and caches',
    { wait: 5, rootWait: 3, tracesMax: 25, hasCaches: true, chosen: all },
  ],
  [
    'of an inverted policy alone',
    { wait: 4, rootWait: 1, tracesMax: 20, hasCaches: true, chosen: only(3) },
  ],
  [
    'without inverted ones',
    { wait: 7, rootWait: 2, tracesMax: 28, hasCaches: true, chosen: only(0, 1, 4, 5) },
  ],
] as const)('random traces are decided as a plain evaluator decides them: %s', async (_, rules) => {
  const seconds = 120;
  const random = randomOf(rules.tracesMax + rules.wait);
  const cacheSize = rules.hasCaches ? 100_000 : 0;
  const { sampler, send, advance, kept, metric } = setUp({
    decision_wait: `${rules.wait}s`,
    decision_wait_after_root_received: `${rules.rootWait}s`,
    num_traces: rules.tracesMax,
    decision_cache: { sampled_cache_size: cacheSize, non_sampled_cache_size: cacheSize },
    policies: rules.chosen.map(([policy]) => policy),
  });
  const reference = new Reference(rules);
  await sampler.start();
  let sent = 0;
  for (let second = 0; second < seconds; second++) {
    const spans = Array.from({ length: Math.floor(random() * 60) }, () =>
      randomSpan(random, second, ++sent),
    );
    reference.add(spans, second);
    if (spans.length > 0) await send(...spans.map(fieldsOf));
    await advance(1);
    reference.tick(second + 1);
  }
  await sampler.stop(never);
  reference.tick(Number.POSITIVE_INFINITY);

  expect(kept().map(name).toSorted()).toEqual(reference.kept.toSorted());
  expect((await metric('sampling_trace_dropped_too_early')) ?? 0).toBe(reference.evictedTraces);
  // The traffic has what the test is about.
  expect(reference.kept.length).toBeGreaterThan(sent / 20);
  expect(reference.kept.length).toBeLessThan(sent * 0.95);
  expect(reference.lateSpans).toBeGreaterThan(50);
  if (rules.tracesMax < 1000) expect(reference.evictedTraces).toBeGreaterThan(0);
});

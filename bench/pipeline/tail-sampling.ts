/** tail_sampling at 20,000 spans a second with a decision_wait of 10 s, by a clock that is moved: what
 *  it holds and what a span costs, against an evaluator that keeps an object a span. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { makeTemplates, type Template } from '../../src/cli/loadgen/templates.ts';
import type { SpanBatch } from '../../src/model/batch/span-batch.ts';
import { testContext } from '../../src/component/testbed.ts';
import { decode } from '../../src/config/decode.ts';
import { spansOf, type Span } from '../../src/model/trace/span.ts';
import { component } from '../../src/processors/tail-sampling/processor.ts';
import { decodeTraces } from '../../src/wire/otlp-proto/decode.ts';
import type { Figure } from '../report.ts';

const never = new AbortController().signal;
const SPANS_PER_SECOND = 20_000;
const BATCH = 500;
const WAIT_SECONDS = 10;
const SECONDS = 25;

const SETTINGS = {
  decision_wait: `${WAIT_SECONDS}s`,
  num_traces: 100_000,
  policies: [
    { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } },
    { name: 'slow', type: 'latency', latency: { threshold_ms: 1000 } },
    { name: 'some', type: 'probabilistic', probabilistic: { sampling_percentage: 10 } },
  ],
};

/** Something that holds spans until they are old enough. */
interface Holder {
  take(batch: SpanBatch): void;
  second(): void;
  readonly traces: () => Promise<number> | number;
}

export async function tailSamplingFigures(): Promise<Figure[]> {
  const templates = makeTemplates({
    seed: 3,
    isExact: true,
    batchSize: BATCH,
    batches: 40,
    layout: 'sdk',
  });
  const ours = await measure(sampler(), templates);
  const plain = await measure(evaluator(), templates);
  const figure = (name: string, value: number, unit: string, theirs: number): Figure => ({
    claim: 'pipeline',
    name: `tail_sampling 20k spans/s, 10 s: ${name}`,
    value,
    unit,
    baseline: 'an object a span',
    ratio: theirs / value,
  });
  return [
    figure('traces held', ours.traces, 'traces', plain.traces),
    figure('memory held', ours.megabytes, 'MB', plain.megabytes),
    figure('cpu', ours.micros, 'µs/span', plain.micros),
  ];
}

interface Measured {
  readonly traces: number;
  readonly megabytes: number;
  readonly micros: number;
}

async function measure(holder: Holder, templates: readonly Template[]): Promise<Measured> {
  const before = usedBytes();
  let micros = 0;
  let spans = 0;
  let megabytes = 0;
  for (let second = 0; second < SECONDS; second++) {
    for (let i = 0; i < SPANS_PER_SECOND / BATCH; i++) {
      const batch = fresh(templates[i % templates.length], second);
      micros += cpuMicros(() => holder.take(batch));
      spans += batch.count;
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (second === SECONDS - 1) megabytes = (usedBytes() - before) / 2 ** 20;
    else micros += cpuMicros(() => holder.second());
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { traces: await holder.traces(), megabytes, micros: micros / spans };
}

/** The template with other trace ids, read anew: traces of one second are whole and of it alone. */
function fresh(template: Template | undefined, second: number): SpanBatch {
  if (template === undefined) throw new Error('no template');
  const bytes = template.bytes.slice();
  const view = new DataView(bytes.buffer);
  for (const at of template.traceIds) {
    view.setUint32(at + 12, (view.getUint32(at + 12) + second * 2_654_435_761) >>> 0);
  }
  return decodeTraces(bytes);
}

function cpuMicros(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

function usedBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function sampler(): Holder {
  const { value, problems } = decode(component.config, SETTINGS);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const context = testContext(value);
  const next = { consume: async () => {} };
  const processor = component.create({ ...context, signal: 'traces', next });
  void processor.start?.(never);
  return {
    take: (batch) => void processor.consume(batch, never),
    second: () => context.clock.advance(1000),
    traces: async () => {
      const text = await context.telemetry.registry.metrics();
      const found = /sampling_traces_on_memory\S* (\d+)/.exec(text);
      return Number(found?.[1]);
    },
  };
}

interface PlainTrace {
  readonly spans: Span[];
  readonly due: number;
}

/** The same policies over arrays of objects. */
function evaluator(): Holder {
  const traces = new Map<string, PlainTrace>();
  let now = 0;
  let kept = 0;
  return {
    take(batch) {
      for (const span of spansOf(batch)) {
        const trace = traces.get(span.traceId) ?? { spans: [], due: now + WAIT_SECONDS };
        traces.set(span.traceId, trace);
        trace.spans.push(span);
      }
    },
    second() {
      now++;
      for (const [id, { spans, due }] of traces) {
        if (due > now) continue;
        traces.delete(id);
        if (isKept(id, spans)) kept += spans.length;
      }
    },
    traces: () => (kept >= 0 ? traces.size : 0),
  };
}

function isKept(id: string, spans: readonly Span[]): boolean {
  if (spans.some(({ statusCode }) => statusCode === 2)) return true;
  let start = spans[0]?.startNano ?? 0n;
  let end = 0n;
  for (const { startNano, endNano } of spans) {
    if (startNano < start) start = startNano;
    if (endNano > end) end = endNano;
  }
  return end - start >= 1_000_000_000n || Number.parseInt(id.slice(-8), 16) < 0.1 * 2 ** 32;
}

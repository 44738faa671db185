/** Writes made-up traces into a store directory without a server. The plan is kept beside the spans:
 *  started again with the same flags it goes on where it stopped, and makes the very spans it would
 *  have made. */

import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../../lib/clock.ts';
import { gather } from '../../model/batch/gather.ts';
import { DEFAULT_TENANT, type SpanBatch } from '../../model/batch/span-batch.ts';
import { BulkStore } from '../../storage/embedded/bulk-store.ts';
import { realFileSystem, replaceFile } from '../../storage/embedded/file-system.ts';
import { decodeTraces } from '../../wire/otlp-proto/decode.ts';
import { UsageError } from '../arguments.ts';
import { Random } from './random.ts';
import { makeTemplates, Payloads, type Template } from './templates.ts';
import { TraceMaker } from './trace-maker.ts';

export interface FillOptions {
  readonly directory: string;
  readonly spans: number;
  /** Their times are spread over so many days up to the first start. */
  readonly days: number;
  readonly seed: number;
  readonly signal: Pick<AbortSignal, 'aborted'>;
  readonly progress: (now: FillProgress) => void;
}

export interface FillProgress {
  readonly spans: number;
  readonly wanted: number;
  /** In this run. */
  readonly written: number;
  readonly elapsedMs: number;
  readonly cpuMs: number;
  readonly bytes: number;
}

const Plan = z.object({
  format: z.literal(1),
  spans: z.int(),
  days: z.number(),
  seed: z.int(),
  endMs: z.number(),
});
type Plan = z.infer<typeof Plan>;

const PLAN_FILE = 'loadgen.json';
const BATCH_SIZE = 512;
/** More than a row group, so that none holds a request twice. */
const ROUND_SPANS = 131_072;
const SAMPLE_TRACES = 400;
const DAY_MS = 86_400_000;
const PROGRESS_MS = 1000;

/** Resolves with how far it came, which is all of it unless the signal stopped it. */
export async function fillDirectory(options: FillOptions): Promise<FillProgress> {
  const { directory, signal, progress } = options;
  const deps = { files: realFileSystem, clock: systemClock, random: Math.random };
  const store = await BulkStore.open(directory, DEFAULT_TENANT, deps);
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  let done = 0;
  let written = 0;
  const now = (): FillProgress => {
    const { user, system } = process.cpuUsage(cpu);
    const elapsedMs = performance.now() - startMs;
    const wanted = options.spans;
    return {
      spans: done,
      wanted,
      written,
      elapsedMs,
      cpuMs: (user + system) / 1000,
      bytes: store.bytes,
    };
  };
  try {
    const plan = await readPlan(options, store.storedSpans);
    const source = new Source(plan);
    done = source.skip(store.storedSpans);
    if (done !== store.storedSpans) throw otherSpans(directory);
    for (let toldMs = startMs; done < plan.spans && !signal.aborted;) {
      const batch = source.next(plan.spans - done);
      await store.add(batch);
      done += batch.count;
      written += batch.count;
      if (performance.now() - toldMs < PROGRESS_MS) continue;
      toldMs = performance.now();
      progress(now());
    }
  } finally {
    await store.close();
  }
  return now();
}

/** The requests of a plan, one after another. */
class Source {
  readonly #plan: Plan;
  readonly #templates: readonly Template[];
  readonly #payloads: Payloads;
  readonly #roundMs: number;
  #next = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    const nanoPerSpan = (plan.days * DAY_MS * 1e6) / plan.spans;
    const perTrace = spansPerTrace(plan.seed);
    this.#templates = makeTemplates({
      seed: plan.seed,
      batchSize: BATCH_SIZE,
      traces: Math.ceil(Math.min(ROUND_SPANS, plan.spans) / perTrace),
      layout: 'sdk',
      apartNano: BigInt(Math.round(nanoPerSpan * perTrace)),
    });
    const roundSpans = this.#templates.reduce((sum, { spans }) => sum + spans, 0);
    this.#roundMs = (nanoPerSpan * roundSpans) / 1e6;
    this.#payloads = new Payloads(this.#templates, plan.seed);
  }

  /** Leaves out requests of so many spans together, or of a few less; returns how many. */
  skip(spans: number): number {
    let skipped = 0;
    for (;;) {
      const { spans: count } = this.#templateAt(this.#next);
      // Only the last request of all is ever cut.
      const isLast = skipped + count > this.#plan.spans;
      const taken = isLast ? this.#plan.spans - skipped : count;
      if (taken === 0 || skipped + taken > spans) break;
      skipped += taken;
      this.#next += 1;
    }
    this.#payloads.skipTo(this.#next, (round) => this.#startOf(round));
    return skipped;
  }

  next(spansMax: number): SpanBatch {
    const round = Math.floor(this.#next / this.#templates.length);
    this.#next += 1;
    const batch = decodeTraces(this.#payloads.next(this.#startOf(round)).bytes);
    if (batch.count <= spansMax) return batch;
    return gather(
      batch,
      Uint32Array.from({ length: spansMax }, (_, row) => row),
    );
  }

  #startOf(round: number): number {
    const { endMs, days } = this.#plan;
    return endMs - days * DAY_MS + round * this.#roundMs;
  }

  #templateAt(request: number): Template {
    const template = this.#templates[request % this.#templates.length];
    if (template === undefined) throw new RangeError('no templates');
    return template;
  }
}

function spansPerTrace(seed: number): number {
  let spans = 0;
  const maker = new TraceMaker(new Random(seed), () => (spans += 1));
  for (let i = 0; i < SAMPLE_TRACES; i++) maker.make(0n);
  return spans / SAMPLE_TRACES;
}

async function readPlan(options: FillOptions, storedSpans: number): Promise<Plan> {
  const { directory, spans, days, seed } = options;
  const path = join(directory, PLAN_FILE);
  if ((await realFileSystem.stat(path)) === undefined) {
    if (storedSpans > 0) throw otherSpans(directory);
    const plan: Plan = { format: 1, spans, days, seed, endMs: systemClock.nowMs() };
    const bytes = new TextEncoder().encode(`${JSON.stringify(plan)}\n`);
    await replaceFile(realFileSystem, path, bytes);
    return plan;
  }
  const { data } = Plan.safeParse(parsed(await realFileSystem.read(path)));
  if (data === undefined) throw otherSpans(directory);
  const isSame = data.spans === spans && data.days === days && data.seed === seed;
  if (isSame) return data;
  throw new UsageError(
    'usage',
    `${directory} was begun with --spans ${data.spans} --days ${data.days} --seed ${data.seed}`,
    { hint: 'give the same again to go on with it, or another directory' },
  );
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function otherSpans(directory: string): UsageError {
  return new UsageError('usage', `${directory} holds spans that were not made here`, {
    hint: 'give a directory that is empty or not there',
  });
}

/** Requests encoded once and sent many times. Before each sending the ids and times in the bytes are
 *  changed in place, the same way for all requests of a round, so traces stay whole, every span is
 *  new, and the sender spends next to nothing. */

import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { encodeTraces } from '../../wire/otlp-proto/encode.ts';
import { ProtoReader } from '../../wire/otlp-proto/proto-reader.ts';
import { Random } from './random.ts';
import { SpanWriter } from './span-writer.ts';
import { TraceMaker } from './trace-maker.ts';

/** When the last template trace starts; any time will do, since each sending moves it to now. */
const BASE_NANO = 1_700_000_000_000_000_000n;
/** Traces start this far apart in a round. */
const APART_NANO = 1_000_000n;

export interface Template {
  readonly bytes: Uint8Array;
  readonly spans: number;
  /** Offsets of 16-byte trace ids, 8-byte span ids, and 8-byte times. */
  readonly traceIds: Uint32Array;
  readonly spanIds: Uint32Array;
  readonly times: Uint32Array;
}

export interface TemplateOptions {
  readonly seed: number;
  /** Spans a request. */
  readonly batchSize: number;
  /** At least this many requests. */
  readonly batches: number;
  /** `sdk`: one resource a request, as an SDK sends; `collector`: as they come, of all. */
  readonly layout: 'sdk' | 'collector';
  /** Leave out requests smaller than `batchSize`: the traces at the end then miss spans. */
  readonly isExact?: boolean;
}

export function makeTemplates(options: TemplateOptions): Template[] {
  const { seed, batchSize, batches, layout, isExact = false } = options;
  const templates: Template[] = [];
  const writers = new Map<number, SpanWriter>();
  const maker = new TraceMaker(new Random(seed), (span) => {
    const key = layout === 'sdk' ? span.pod : 0;
    const writer = writers.get(key) ?? new SpanWriter();
    writers.set(key, writer);
    writer.add(span);
    if (writer.count === batchSize) templates.push(templateOf(writer.seal()));
  });
  for (let i = 0; templates.length < batches; i++) maker.make(BASE_NANO - BigInt(i) * APART_NANO);
  if (isExact) return templates;
  for (const writer of writers.values()) {
    if (writer.count > 0) templates.push(templateOf(writer.seal()));
  }
  return templates;
}

/** The templates one after another, again and again, each round with ids of its own. */
export class Payloads {
  readonly #templates: readonly [Template, ...Template[]];
  readonly #random: Random;
  readonly #traceMask = new Uint8Array(16);
  readonly #spanMask = new Uint8Array(8);
  #next = 0;
  #shiftLow = 0;
  #shiftHigh = 0;

  constructor(templates: readonly Template[], seed: number) {
    const [first, ...rest] = templates;
    if (first === undefined) throw new RangeError('no templates');
    this.#templates = [first, ...rest];
    this.#random = new Random(seed);
  }

  /** A request of its own, its latest spans at about `nowMs`. */
  next(nowMs: number): { bytes: Uint8Array; spans: number } {
    if (this.#next % this.#templates.length === 0) this.#startRound(nowMs);
    const template = this.#templates[this.#next++ % this.#templates.length] ?? this.#templates[0];
    const bytes = Uint8Array.from(template.bytes);
    const view = new DataView(bytes.buffer);
    for (const at of template.traceIds) mix(bytes, at, this.#traceMask);
    for (const at of template.spanIds) mix(bytes, at, this.#spanMask);
    for (const at of template.times) this.#shift(view, at);
    return { bytes, spans: template.spans };
  }

  #startRound(nowMs: number): void {
    this.#random.bytesInto(this.#traceMask);
    this.#random.bytesInto(this.#spanMask);
    const shift = BigInt.asUintN(64, BigInt(Math.round(nowMs)) * 1_000_000n - BASE_NANO);
    this.#shiftLow = Number(shift & 0xffff_ffffn);
    this.#shiftHigh = Number(shift >> 32n);
  }

  #shift(view: DataView, at: number): void {
    const low = view.getUint32(at, true) + this.#shiftLow;
    const carry = low > 0xffff_ffff ? 1 : 0;
    view.setUint32(at, low, true);
    view.setUint32(at + 4, view.getUint32(at + 4, true) + this.#shiftHigh + carry, true);
  }
}

function mix(bytes: Uint8Array, at: number, mask: Uint8Array): void {
  for (let i = 0; i < mask.length; i++) bytes[at + i] = (bytes[at + i] ?? 0) ^ (mask[i] ?? 0);
}

function templateOf(batch: SpanBatch): Template {
  const bytes = encodeTraces([batch]);
  const finder = new Finder(bytes);
  finder.walk(bytes.length, REQUEST);
  return {
    bytes,
    spans: batch.count,
    traceIds: Uint32Array.from(finder.found.traceId),
    spanIds: Uint32Array.from(finder.found.spanId),
    times: Uint32Array.from(finder.found.time),
  };
}

type Kind = 'traceId' | 'spanId' | 'time';
interface Message {
  readonly [field: number]: Kind | Message;
}

/** Field numbers of what is looked for (trace.proto). */
const EVENT: Message = { 1: 'time' };
const LINK: Message = { 1: 'traceId', 2: 'spanId' };
const SPAN: Message = {
  1: 'traceId',
  2: 'spanId',
  4: 'spanId',
  7: 'time',
  8: 'time',
  11: EVENT,
  13: LINK,
};
const REQUEST: Message = { 1: { 2: { 2: SPAN } } };

class Finder {
  readonly found: Record<Kind, number[]> = { traceId: [], spanId: [], time: [] };
  readonly #reader = new ProtoReader();

  constructor(bytes: Uint8Array) {
    this.#reader.open(bytes);
  }

  walk(end: number, message: Message): void {
    const reader = this.#reader;
    while (reader.at < end) {
      const tag = reader.tag(end);
      const inside = message[tag >>> 3];
      if (inside === undefined) reader.skip(tag, end, '', 0);
      else if (inside === 'time') this.found.time.push(reader.take(8, end, 'time'));
      else {
        const inner = reader.enter(end, 'field');
        if (typeof inside === 'string')
          this.found[inside === 'traceId' ? 'traceId' : 'spanId'].push(reader.at);
        else this.walk(inner, inside);
        reader.at = inner;
      }
    }
  }
}

/** Requests encoded once and sent many times. Before each sending the ids and times in the bytes are
 *  changed in place, the same way for all requests of a round, so traces stay whole, every span is
 *  new, and the sender spends next to nothing. */

import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { encodeTraces } from '../../wire/otlp-proto/encode.ts';
import { ProtoReader } from '../../wire/otlp-proto/proto-reader.ts';
import { Random } from './random.ts';
import { SpanWriter } from './span-writer.ts';
import { TraceMaker } from './trace-maker.ts';

/** When the first template trace starts; any time will do, since each sending moves it to now. */
const BASE_NANO = 1_700_000_000_000_000_000n;
/** Each trace of a round starts before the one made before it, so that a round ends now. */
const APART_NANO = -1_000_000n;
/** Length of a UUID in text, and where its dashes are. */
const UUID_BYTES = 36;
const DASHES: readonly number[] = [8, 13, 18, 23];

export interface Template {
  readonly bytes: Uint8Array;
  readonly spans: number;
  /** Offsets of 16-byte trace ids, 8-byte span ids, and 8-byte times. */
  readonly traceIds: Uint32Array;
  readonly spanIds: Uint32Array;
  readonly times: Uint32Array;
  /** Offsets of UUIDs among the attributes: orders, sessions, requests. */
  readonly uuids: Uint32Array;
}

export interface TemplateOptions {
  readonly seed: number;
  /** Spans a request. */
  readonly batchSize: number;
  /** At least this many requests. */
  readonly batches?: number;
  /** At least this many traces. */
  readonly traces?: number;
  /** `sdk`: one resource a request, as an SDK sends; `collector`: as they come, of all. */
  readonly layout: 'sdk' | 'collector';
  /** Leave out requests smaller than `batchSize`: the traces at the end then miss spans. */
  readonly isExact?: boolean;
  /** From the start of a trace to that of the next. */
  readonly apartNano?: bigint;
}

export function makeTemplates(options: TemplateOptions): Template[] {
  const { seed, batchSize, layout, isExact = false } = options;
  const { batches = 0, traces = 0, apartNano = APART_NANO } = options;
  const templates: Template[] = [];
  const writers = new Map<number, SpanWriter>();
  const maker = new TraceMaker(new Random(seed), (span) => {
    const key = layout === 'sdk' ? span.pod : 0;
    const writer = writers.get(key) ?? new SpanWriter();
    writers.set(key, writer);
    writer.add(span);
    if (writer.count === batchSize) templates.push(templateOf(writer.seal()));
  });
  for (let i = 0; i < traces || templates.length < batches; i++)
    maker.make(BASE_NANO + BigInt(i) * apartNano);
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
  /** How far each digit of a UUID is turned. */
  readonly #uuidTurns = new Uint8Array(UUID_BYTES);
  #next = 0;
  #shiftLow = 0;
  #shiftHigh = 0;

  constructor(templates: readonly Template[], seed: number) {
    const [first, ...rest] = templates;
    if (first === undefined) throw new RangeError('no templates');
    this.#templates = [first, ...rest];
    this.#random = new Random(seed);
  }

  /** Goes on with that request, which is what it would have been had all before it been made.
   *  `startOf` says when a round began. */
  skipTo(request: number, startOf: (round: number) => number): void {
    const begun = Math.ceil(request / this.#templates.length);
    for (let round = 0; round < begun; round++) this.#startRound(startOf(round));
    this.#next = request;
  }

  /** A request of its own, its first trace at about `nowMs`. */
  next(nowMs: number): { bytes: Uint8Array; spans: number } {
    if (this.#next % this.#templates.length === 0) this.#startRound(nowMs);
    const template = this.#templates[this.#next++ % this.#templates.length] ?? this.#templates[0];
    const bytes = Uint8Array.from(template.bytes);
    const view = new DataView(bytes.buffer);
    for (const at of template.traceIds) mix(bytes, at, this.#traceMask);
    for (const at of template.spanIds) mix(bytes, at, this.#spanMask);
    for (const at of template.times) this.#shift(view, at);
    for (const at of template.uuids) turnDigits(bytes, at, this.#uuidTurns);
    return { bytes, spans: template.spans };
  }

  #startRound(nowMs: number): void {
    this.#random.bytesInto(this.#traceMask);
    this.#random.bytesInto(this.#spanMask);
    this.#random.bytesInto(this.#uuidTurns);
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

const HEX = new TextEncoder().encode('0123456789abcdef');

function turnDigits(bytes: Uint8Array, at: number, turns: Uint8Array): void {
  for (let i = 0; i < UUID_BYTES; i++) {
    if (DASHES.includes(i)) continue;
    const char = bytes[at + i] ?? 0;
    const digit = char < 0x3a ? char - 0x30 : char - 0x57;
    bytes[at + i] = HEX[(digit + (turns[i] ?? 0)) & 15] ?? 0x30;
  }
}

/** Whether the text there is one: its length stands in the byte before it. */
function isUuid(bytes: Uint8Array, at: number): boolean {
  return bytes[at - 1] === UUID_BYTES && DASHES.every((i) => bytes[at + i] === 0x2d);
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
    uuids: Uint32Array.from(finder.found.text).filter((at) => isUuid(bytes, at)),
  };
}

type Kind = 'traceId' | 'spanId' | 'time' | 'text';
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
  9: { 2: { 1: 'text' } },
  11: EVENT,
  13: LINK,
};
const REQUEST: Message = { 1: { 2: { 2: SPAN } } };

function isKind(inside: Kind | Message): inside is Kind {
  return typeof inside === 'string';
}

class Finder {
  readonly found: Record<Kind, number[]> = { traceId: [], spanId: [], time: [], text: [] };
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
        if (isKind(inside)) this.found[inside].push(reader.at);
        else this.walk(inner, inside);
        reader.at = inner;
      }
    }
  }
}

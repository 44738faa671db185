/** Sampling of log records. What a tracestate says of a span, two attributes say of a record:
 *  `sampling.threshold` and `sampling.randomness`. */
import { withMessage, type MessageBatch } from '../../component/message-batch.ts';
import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import type { LogRecord } from '../../model/logs.ts';
import { mapItems } from '../../model/signal-message.ts';
import { logsCodec } from '../../wire/otlp-messages/codec.ts';
import type { SamplerConfig } from './config.ts';
import { Tally, thresholdsOf, type Thresholds } from './decision.ts';
import { hashOn, hashRandomness, seededHash } from './hash.ts';
import {
  ALWAYS,
  isLess,
  isLie,
  keeps,
  NEVER,
  parseRandomness,
  parseThreshold,
  randomnessText,
  thresholdOf,
  thresholdText,
  type Word56,
} from './threshold.ts';

const THRESHOLD_KEY = 'sampling.threshold';
const RANDOMNESS_KEY = 'sampling.randomness';
const ID_BYTES = 16;
const RANDOM_AT = 9;

/** What a record says about its own sampling. */
interface Marks {
  readonly randomness: Word56 | undefined;
  readonly threshold: Word56 | undefined;
}

interface Randomness {
  readonly policy: string;
  readonly value: Word56 | undefined;
}

const MISSING: Randomness = { policy: 'missing_randomness', value: undefined };

export class LogSampler {
  readonly #config: SamplerConfig;
  readonly #thresholds: Thresholds;
  readonly #seeded: number;
  readonly tally = new Tally();

  constructor(config: SamplerConfig) {
    this.#config = config;
    this.#thresholds = thresholdsOf(config);
    this.#seeded = seededHash(config.hash_seed);
  }

  kept(batch: MessageBatch): MessageBatch {
    const message = batch.payload.message(logsCodec);
    return withMessage(
      batch,
      logsCodec,
      mapItems(message, (record) => this.#decide(record)),
    );
  }

  #decide(record: LogRecord): LogRecord | undefined {
    const marks = this.#marksOf(record);
    const { policy, value } = this.#randomness(record, marks);
    const isWrong = isLie(value, marks?.threshold);
    const asked = this.#priority(record);
    const threshold = asked ?? this.#usual(marks, isWrong ? undefined : value);
    const isKept = keeps(threshold, value);
    this.tally.add(asked === undefined ? policy : 'sampling_priority', isKept);
    if (!isKept) return undefined;
    if (marks === undefined) return record;
    const randomness = this.#thresholds.isHashing ? value : undefined;
    const isLower = !isWrong && isLess(threshold, marks.threshold ?? ALWAYS);
    return marked(record, { randomness, threshold: isLower ? undefined : threshold });
  }

  #usual(marks: Marks | undefined, randomness: Word56 | undefined): Word56 {
    const isError = marks === undefined || randomness === undefined;
    return isError ? this.#thresholds.onError : this.#thresholds.of(marks.threshold);
  }

  /** undefined when they cannot be read, or when hashing meets marks of another sampler. */
  #marksOf(record: LogRecord): Marks | undefined {
    const marks = marksOf(record);
    const isTaken = (marks?.randomness ?? marks?.threshold) !== undefined;
    return this.#thresholds.isHashing && isTaken ? undefined : marks;
  }

  #randomness(record: LogRecord, marks: Marks | undefined): Randomness {
    if (this.#thresholds.isHashing) return this.#hashed(record);
    if (marks === undefined) return MISSING;
    if (marks.randomness) return { policy: 'sampling_randomness', value: marks.randomness };
    const { traceId } = record;
    if (!hasId(traceId)) return this.#fromAttribute(record);
    const view = new DataView(traceId.buffer, traceId.byteOffset + RANDOM_AT);
    const value = { high: view.getUint32(0) >>> 8, low: view.getUint32(3) };
    return { policy: 'trace_id_w3c', value };
  }

  #hashed(record: LogRecord): Randomness {
    const { traceId } = record;
    if (this.#config.attribute_source !== 'traceID' || !hasId(traceId)) {
      return this.#fromAttribute(record);
    }
    return { policy: 'trace_id_hash', value: this.#hash(traceId) };
  }

  #fromAttribute({ attributes }: LogRecord): Randomness {
    const { from_attribute: from } = this.#config;
    const found = from === '' ? undefined : valueIn(attributes, from);
    const bytes = found === undefined ? undefined : bytesOf(found);
    if (bytes === undefined || bytes.length === 0) return MISSING;
    return { policy: from, value: this.#hash(bytes) };
  }

  #hash(bytes: Uint8Array): Word56 {
    return hashRandomness(hashOn(this.#seeded, bytes, 0, bytes.length));
  }

  /** The threshold a record asks for itself; 0 % is never, 100 % and more always. */
  #priority({ attributes }: LogRecord): Word56 | undefined {
    const { sampling_priority: key, sampling_precision: precision } = this.#config;
    const found = key === '' ? undefined : valueIn(attributes, key);
    if (found?.type !== 'int' && found?.type !== 'double') return undefined;
    const percentage = Number(found.value);
    if (percentage === 0) return NEVER;
    if (percentage >= 100) return ALWAYS;
    return percentage > 0 ? thresholdOf(percentage / 100, precision) : undefined;
  }
}

function marksOf({ attributes }: LogRecord): Marks | undefined {
  const threshold = textIn(attributes, THRESHOLD_KEY);
  const randomness = textIn(attributes, RANDOMNESS_KEY);
  const marks = {
    threshold: threshold === '' ? undefined : parseThreshold(threshold),
    randomness: randomness === '' ? undefined : parseRandomness(randomness),
  };
  const isBad =
    (threshold !== '' && marks.threshold === undefined) ||
    (randomness !== '' && marks.randomness === undefined);
  return isBad ? undefined : marks;
}

function marked(record: LogRecord, { randomness, threshold }: Marks): LogRecord {
  const set = [
    ...(randomness ? [{ key: RANDOMNESS_KEY, text: randomnessText(randomness) }] : []),
    ...(threshold ? [{ key: THRESHOLD_KEY, text: thresholdText(threshold) }] : []),
  ];
  const isSet = (key: string) => set.some((one) => one.key === key);
  return {
    ...record,
    attributes: [
      ...record.attributes.filter(({ key }) => !isSet(key)),
      ...set.map(({ key, text }): KeyValue => ({ key, value: { type: 'string', value: text } })),
    ],
  };
}

function hasId(traceId: Uint8Array): boolean {
  return traceId.length === ID_BYTES && traceId.some((byte) => byte !== 0);
}

function valueIn(attributes: readonly KeyValue[], key: string): AttributeValue | undefined {
  return attributes.findLast((entry) => entry.key === key)?.value;
}

function textIn(attributes: readonly KeyValue[], key: string): string {
  const value = valueIn(attributes, key);
  return value?.type === 'string' ? value.value : '';
}

function bytesOf(value: AttributeValue): Uint8Array {
  if (value.type === 'bytes') return value.value;
  if (value.type === 'empty') return new Uint8Array(0);
  return Buffer.from(
    typeof value.value === 'object' ? JSON.stringify(plain(value)) : String(value.value),
  );
}

function plain(value: AttributeValue): unknown {
  switch (value.type) {
    case 'empty':
      return null;
    case 'array':
      return value.value.map(plain);
    case 'kvlist':
      return Object.fromEntries(value.value.map(({ key, value: of }) => [key, plain(of)]));
    case 'bytes':
      return Buffer.from(value.value).toString('base64');
    case 'int':
      return Number(value.value);
    default:
      return value.value;
  }
}

/** Families as Prometheus' protobuf format: each an `io.prometheus.client.MetricFamily` after its
 *  length. The only format in which native histograms can be scraped. Fields are written from the
 *  last to the first. */
import type { Exemplar } from '../../model/metrics.ts';
import { hexAt } from '../../model/ids.ts';
import { BackwardWriter } from '../../wire/otlp-proto/backward-writer.ts';
import { textOf, type Labels } from './labels.ts';
import { escapedName, isLegacyLabel, isLegacyName } from './naming.ts';
import { nativeHistogram, type NativeBuckets, type NativeHistogram } from './native-histogram.ts';
import type { FamilyType, Reading } from './reading.ts';
import type { Family, Series } from './series-store.ts';

export interface ProtobufOptions {
  /** The scraper takes names beyond [a-zA-Z_:]. */
  readonly allowsUtf8: boolean;
  readonly hasTimestamps: boolean;
}

const TYPES: Readonly<Record<FamilyType, number>> = {
  counter: 0,
  gauge: 1,
  summary: 2,
  histogram: 4,
};
/** The field of a metric that holds a value of this type. */
const FIELDS: Readonly<Record<FamilyType, number>> = {
  gauge: 2,
  counter: 3,
  summary: 4,
  histogram: 7,
};

type HistogramReading = Extract<Reading, { kind: 'histogram' | 'exponential' }>;

export function* protobufOfFamilies(
  families: readonly Family[],
  options: ProtobufOptions,
): Generator<Uint8Array> {
  const writer = new FamilyWriter(options);
  for (const family of families) yield writer.family(family);
}

class FamilyWriter {
  readonly #options: ProtobufOptions;
  readonly #out = new BackwardWriter(16 * 1024);

  constructor(options: ProtobufOptions) {
    this.#options = options;
  }

  family({ name, type, help, series }: Family): Uint8Array {
    for (const one of [...series.values()].toReversed()) {
      this.#message(4, () => this.#metric(one, type));
    }
    this.#varint(3, TYPES[type]);
    this.#text(2, help);
    this.#text(1, this.#name(name, isLegacyName(name)));
    this.#out.varint(this.#out.length);
    return this.#out.finish();
  }

  #metric({ labels, reading }: Series, type: FamilyType): void {
    this.#message(FIELDS[type], () => this.#value(reading, type));
    if (this.#options.hasTimestamps) this.#varint(6, Number(reading.timeNano / 1_000_000n));
    this.#labels(labels);
  }

  #value(reading: Reading, type: FamilyType): void {
    switch (reading.kind) {
      case 'number': {
        const exemplar = reading.exemplars.at(-1);
        if (type === 'counter') {
          this.#created(3, reading);
          if (exemplar !== undefined) this.#exemplar(2, exemplar);
        }
        return this.#double(1, reading.value);
      }
      case 'summary':
        this.#created(4, reading);
        for (const { quantile, value } of reading.quantiles.toReversed()) {
          this.#message(3, () => {
            this.#double(2, value);
            this.#double(1, quantile);
          });
        }
        break;
      case 'histogram':
        this.#created(15, reading);
        this.#buckets(reading);
        break;
      case 'exponential': {
        const native = nativeHistogram(reading);
        if (native !== undefined) for (const one of reading.exemplars) this.#exemplar(16, one);
        this.#created(15, reading);
        if (native !== undefined) this.#native(native);
      }
    }
    if (reading.sum !== undefined) this.#double(2, reading.sum);
    this.#varint(1, reading.count);
  }

  #buckets({ bounds, bucketCounts, count, exemplars }: HistogramReading & { kind: 'histogram' }) {
    let sum = 0;
    const finite = bounds.map((bound, i) => ({ bound, count: (sum += bucketCounts[i] ?? 0) }));
    const all = [...finite, { bound: Number.POSITIVE_INFINITY, count }];
    for (const [i, bucket] of [...all.entries()].toReversed()) {
      const above = bounds[i - 1] ?? Number.NEGATIVE_INFINITY;
      const exemplar = exemplars.findLast(
        ({ value }) => Number(value) > above && Number(value) <= bucket.bound,
      );
      this.#message(3, () => {
        if (exemplar !== undefined) this.#exemplar(3, exemplar);
        this.#double(2, bucket.bound);
        this.#varint(1, bucket.count);
      });
    }
  }

  #native({ schema, zeroCount, zeroThreshold, positive, negative }: NativeHistogram): void {
    this.#nativeBuckets(12, positive);
    this.#nativeBuckets(9, negative);
    this.#varint(7, zeroCount);
    this.#double(6, zeroThreshold);
    this.#zigzag(5, schema);
  }

  /** The spans in one field, the deltas in the next. */
  #nativeBuckets(field: number, { spans, deltas }: NativeBuckets): void {
    for (const delta of deltas.toReversed()) this.#zigzag(field + 1, delta);
    for (const { offset, length } of spans.toReversed()) {
      this.#message(field, () => {
        this.#varint(2, length);
        this.#zigzag(1, offset);
      });
    }
  }

  #exemplar(field: number, { traceId, spanId, value, timeNano, attributes }: Exemplar): void {
    const ids: [string, string][] = [
      ['trace_id', hexAt(traceId, 0, traceId.length)],
      ['span_id', hexAt(spanId, 0, spanId.length)],
    ];
    const own = attributes.map((one): [string, string] => [one.key, textOf(one.value)]);
    this.#message(field, () => {
      if (timeNano > 0n) this.#time(3, timeNano);
      this.#double(2, Number(value ?? 0));
      this.#labels([...ids, ...own].filter(([, text]) => text !== ''));
    });
  }

  #created(field: number, { startNano }: Reading): void {
    if (startNano > 0n) this.#time(field, startNano);
  }

  /** google.protobuf.Timestamp */
  #time(field: number, nano: bigint): void {
    this.#message(field, () => {
      this.#varint(2, Number(nano % 1_000_000_000n));
      this.#varint(1, Number(nano / 1_000_000_000n));
    });
  }

  #labels(labels: Labels): void {
    for (const [label, value] of labels.toReversed()) {
      this.#message(1, () => {
        this.#text(2, value);
        this.#text(1, this.#name(label, isLegacyLabel(label)).replaceAll(':', '_'));
      });
    }
  }

  #name(name: string, isLegacy: boolean): string {
    return isLegacy || this.#options.allowsUtf8 ? name : escapedName(name);
  }

  #message(field: number, write: () => void): void {
    const before = this.#out.length;
    write();
    this.#out.close((field << 3) | 2, before);
  }

  #text(field: number, text: string): void {
    const bytes = Buffer.from(text);
    this.#out.field((field << 3) | 2, bytes, 0, bytes.length);
  }

  #double(field: number, value: number): void {
    const words = new Uint32Array(Float64Array.of(value).buffer);
    this.#out.fixed64((field << 3) | 1, words[0] ?? 0, words[1] ?? 0);
  }

  /** Of a whole number that is not negative. */
  #varint(field: number, value: number): void {
    this.#out.varint64(value >>> 0, Math.floor(value / 2 ** 32));
    this.#out.varint(field << 3);
  }

  #zigzag(field: number, value: number): void {
    this.#varint(field, value < 0 ? -2 * value - 1 : 2 * value);
  }
}

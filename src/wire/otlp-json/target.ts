/** Where OTLP/JSON is read into: the reader, the batch being built, and the values that JSON gives
 *  in one order and columns take in another. */

import { encodeNested } from '../../model/any-value.ts';
import { AttributeType } from '../../model/attribute.ts';
import type { GrowingAttributes, SpanBatchBuilder } from '../../model/batch/builder.ts';
import { holdsString } from '../../model/batch/gather.ts';
import { writeWords } from '../../model/time.ts';
import { DecodedSize } from '../decoded-size.ts';
import { Fields } from './fields.ts';
import { JsonReader } from './json-reader.ts';
import { readBytes, readDouble, readIdInto, readInt64, readUint64 } from './scalars.ts';
import { readArray, readKvlist } from './value.ts';

/** Reads one field of the message that is open. */
export type Read = (to: Target) => void;

/** What is being built, and the rows that are open. */
export class Target {
  readonly reader: JsonReader;
  readonly builder: SpanBatchBuilder;
  readonly #size = new DecodedSize();
  /** The attribute being read. */
  key = 0;
  #type: AttributeType = AttributeType.empty;
  #low = 0;
  #high = 0;
  /** The resource and scope of the group being read; -1 before it is met. */
  resource = -1;
  scope = -1;

  constructor(bytes: Uint8Array, builder: SpanBatchBuilder) {
    this.reader = new JsonReader(bytes);
    this.builder = builder;
    this.#size.reset(bytes.length);
  }

  object(fields: Fields<Read>): void {
    const { reader } = this;
    reader.enterObject();
    while (reader.nextKey()) {
      const read = fields.find(reader.bytes, reader.start, reader.end);
      if (read === undefined || reader.isNull()) reader.skip();
      else read(this);
    }
  }

  list(read: () => void): void {
    const { reader } = this;
    reader.enterList();
    while (reader.nextElement()) read();
  }

  /** A string as text. `before` is what the field had: a second value replaces it. */
  text(before = 0): number {
    const { reader, builder } = this;
    reader.string();
    if (before !== 0) builder.hasUnused = true;
    return reader.hasEscapes
      ? builder.strings.internText(reader.text)
      : builder.strings.internAsText(reader.bytes, reader.start, reader.end);
  }

  id(column: Uint8Array, row: number, length: number): void {
    readIdInto(this.reader, column.subarray(row * length, (row + 1) * length));
  }

  time(column: Uint32Array, row: number): void {
    writeWords(column, row * 2, readUint64(this.reader));
  }

  attributes(table: GrowingAttributes): void {
    this.list(() => this.#attribute(table));
  }

  checkSize(): void {
    this.#size.check(this.builder, this.reader.at);
  }

  /** A string value: interned from the text's own bytes unless it has escapes. */
  stringValue(): void {
    const { reader } = this;
    const { strings } = this.builder;
    reader.string();
    const id = reader.hasEscapes
      ? strings.internText(reader.text)
      : strings.intern(reader.bytes, reader.start, reader.end);
    this.setValue(strings.isText[id] === 1 ? AttributeType.string : AttributeType.bytes, id, 0);
  }

  /** A second value of one attribute replaces the first, whose string then stays behind. */
  setValue(type: AttributeType, low: number, high: number): void {
    if (holdsString(this.#type)) this.builder.hasUnused = true;
    this.#type = type;
    this.#low = low;
    this.#high = high;
  }

  #attribute(table: GrowingAttributes): void {
    this.key = 0;
    this.#type = AttributeType.empty;
    this.#low = 0;
    this.#high = 0;
    this.object(KEY_VALUE);
    table.add(this.key, this.#type, this.#low, this.#high);
    if ((table.count & 1023) === 0) this.checkSize();
  }
}

const KEY_VALUE = new Fields<Read>({
  key: (to) => {
    to.key = to.text(to.key);
  },
  value: (to) => to.object(VALUE),
});

const VALUE = new Fields<Read>({
  stringValue: (to) => to.stringValue(),
  boolValue: (to) => to.setValue(AttributeType.bool, to.reader.bool() ? 1 : 0, 0),
  intValue: (to) => {
    const value = BigInt.asUintN(64, readInt64(to.reader));
    to.setValue(AttributeType.int, Number(value & 0xffff_ffffn), Number(value >> 32n));
  },
  doubleValue: (to) => {
    const [low = 0, high = 0] = new Uint32Array(Float64Array.of(readDouble(to.reader)).buffer);
    to.setValue(AttributeType.double, low, high);
  },
  bytesValue: (to) => keepBytes(to, AttributeType.bytes, readBytes(to.reader)),
  arrayValue: (to) => {
    keepBytes(to, AttributeType.array, encodeNested(readArray(to.reader, 1)));
  },
  kvlistValue: (to) => {
    keepBytes(to, AttributeType.kvlist, encodeNested(readKvlist(to.reader, 1)));
  },
});

function keepBytes(to: Target, type: AttributeType, bytes: Uint8Array): void {
  to.setValue(type, to.builder.strings.intern(bytes, 0, bytes.length), 0);
}

/** Nested attribute values of OTLP/JSON as JavaScript values: arrays and kvlists are rare and small
 *  enough for objects. A value is an object with one member that names its type; the last wins. */

import { NESTING_MAX } from '../../model/any-value.ts';
import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import { WireError } from '../wire-error.ts';
import { Fields } from './fields.ts';
import type { JsonReader } from './json-reader.ts';
import { readBytes, readDouble, readInt64 } from './scalars.ts';

type ReadValue = (reader: JsonReader, depth: number) => AttributeValue;

const VALUE = new Fields<ReadValue>({
  stringValue: (reader) => {
    reader.string();
    return { type: 'string', value: reader.text };
  },
  boolValue: (reader) => ({ type: 'bool', value: reader.bool() }),
  intValue: (reader) => ({ type: 'int', value: readInt64(reader) }),
  doubleValue: (reader) => ({ type: 'double', value: readDouble(reader) }),
  bytesValue: (reader) => ({ type: 'bytes', value: readBytes(reader) }),
  arrayValue: readArray,
  kvlistValue: readKvlist,
});

type Nested<Type extends string> = Extract<AttributeValue, { readonly type: Type }>;

/** An ArrayValue message that is a value at this depth. */
export function readArray(reader: JsonReader, depth: number): Nested<'array'> {
  return { type: 'array', value: readValues(reader, () => readValue(reader, depth + 1)) };
}

/** A KeyValueList message that is a value at this depth. */
export function readKvlist(reader: JsonReader, depth: number): Nested<'kvlist'> {
  return { type: 'kvlist', value: readValues(reader, () => readKeyValue(reader, depth + 1)) };
}

function readKeyValue(reader: JsonReader, depth: number): KeyValue {
  let key = '';
  let value: AttributeValue = { type: 'empty' };
  reader.enterObject();
  while (reader.nextKey()) {
    const name = reader.text;
    if (reader.isNull()) reader.skip();
    else if (name === 'key') {
      reader.string();
      key = reader.text;
    } else if (name === 'value') value = readValue(reader, depth);
    else reader.skip();
  }
  return { key, value };
}

function readValue(reader: JsonReader, depth: number): AttributeValue {
  if (depth > NESTING_MAX) {
    throw new WireError('too_deep', `attribute value nested deeper than ${NESTING_MAX}`, reader.at);
  }
  let value: AttributeValue = { type: 'empty' };
  reader.enterObject();
  while (reader.nextKey()) {
    const read = VALUE.find(reader.bytes, reader.start, reader.end);
    if (read === undefined || reader.isNull()) reader.skip();
    else value = read(reader, depth);
  }
  return value;
}

/** The `values` of an ArrayValue or KeyValueList message. */
function readValues<T>(reader: JsonReader, read: () => T): T[] {
  const values: T[] = [];
  reader.enterObject();
  while (reader.nextKey()) {
    if (reader.text === 'values' && reader.isList()) {
      reader.enterList();
      while (reader.nextElement()) values.push(read());
    } else reader.skip();
  }
  return values;
}

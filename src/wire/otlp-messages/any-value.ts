/** AnyValue and KeyValue. */
import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import { NESTING_MAX } from '../../model/any-value.ts';
import type { BackwardWriter } from '../otlp-proto/backward-writer.ts';
import { fieldBits } from '../otlp-proto/proto-reader.ts';
import { WireError } from '../wire-error.ts';
import { many, message } from './message.ts';
import { bool, bytes, double, text, type Kind, type MessageReader } from './scalars.ts';

const VALUE_FIELDS = fieldBits(1, 2, 3, 4, 5, 6, 7);

/** One kind for each depth, made when first needed: a value nested deeper is refused. */
const valueKinds: Kind<AttributeValue>[] = [];
const keyValueKinds: Kind<KeyValue>[] = [];

export const keyValue: Kind<KeyValue> = keyValueAt(0);
export const anyValue: Kind<AttributeValue> = valueAt(0);

function keyValueAt(depth: number): Kind<KeyValue> {
  return (keyValueKinds[depth] ??= message<{ key: string; value: AttributeValue }>({
    name: 'KeyValue',
    empty: () => ({ key: '', value: { type: 'empty' } }),
    fields: [
      {
        number: 1,
        wires: [2],
        read(target, reader, { end }) {
          target.key = text.read(reader, end);
        },
        write: (source, writer) => text.write(writer, 0x0a, source.key),
      },
      {
        number: 2,
        wires: [2],
        read(target, reader, { end }) {
          target.value = valueAt(depth).read(reader, end);
        },
        write: (source, writer) => valueAt(depth).write(writer, 0x12, source.value),
      },
    ],
  }));
}

function valueAt(depth: number): Kind<AttributeValue> {
  return (valueKinds[depth] ??= {
    wire: 2,
    read: (reader, end) => readValue(reader, end, depth),
    write(writer, tag, value) {
      const before = writer.length;
      writeValue(writer, value, depth);
      writer.close(tag, before);
    },
    isZero: () => false,
  });
}

/** The last field wins, as in protobuf's oneof. */
function readValue(reader: MessageReader, end: number, depth: number): AttributeValue {
  if (depth > NESTING_MAX) {
    throw new WireError('too_deep', `value nested deeper than ${NESTING_MAX}`, reader.at);
  }
  if (!reader.countMessage()) throw new WireError('too_large', 'mostly empty values', reader.at);
  const inner = reader.enter(end, 'AnyValue');
  let value: AttributeValue = { type: 'empty' };
  while (reader.at < inner) {
    value = readField(reader, inner, depth) ?? value;
  }
  return value;
}

function readField(
  reader: MessageReader,
  inner: number,
  depth: number,
): AttributeValue | undefined {
  const tag = reader.tag(inner);
  switch (tag) {
    case 0x0a:
      return { type: 'string', value: text.read(reader, inner) };
    case 0x10:
      return { type: 'bool', value: bool.read(reader, inner) };
    case 0x18:
      reader.varint64(inner);
      return { type: 'int', value: BigInt.asIntN(64, wide(reader.low, reader.high)) };
    case 0x21:
      return { type: 'double', value: double.read(reader, inner) };
    case 0x2a:
      return { type: 'array', value: arrayAt(depth).read(reader, inner).values };
    case 0x32:
      return { type: 'kvlist', value: kvlistAt(depth).read(reader, inner).values };
    case 0x3a:
      return { type: 'bytes', value: bytes.read(reader, inner) };
    default:
      reader.skip(tag, inner, 'AnyValue', VALUE_FIELDS);
      return undefined;
  }
}

function writeValue(writer: BackwardWriter, value: AttributeValue, depth: number): void {
  switch (value.type) {
    case 'empty':
      return;
    case 'string':
      return text.write(writer, 0x0a, value.value);
    case 'bool':
      writer.varint(value.value ? 1 : 0);
      return writer.varint(0x10);
    case 'int': {
      const unsigned = BigInt.asUintN(64, value.value);
      writer.varint64(Number(unsigned & 0xffff_ffffn), Number(unsigned >> 32n));
      return writer.varint(0x18);
    }
    case 'double':
      return double.write(writer, 0x21, value.value);
    case 'array':
      return arrayAt(depth).write(writer, 0x2a, { values: [...value.value] });
    case 'kvlist':
      return kvlistAt(depth).write(writer, 0x32, { values: [...value.value] });
    case 'bytes':
      return bytes.write(writer, 0x3a, value.value);
  }
}

function arrayAt(depth: number): Kind<{ values: AttributeValue[] }> {
  return message({
    name: 'ArrayValue',
    empty: (): { values: AttributeValue[] } => ({ values: [] }),
    fields: [many(1, valueAt(depth + 1), ({ values }) => values)],
  });
}

function kvlistAt(depth: number): Kind<{ values: KeyValue[] }> {
  return message({
    name: 'KeyValueList',
    empty: (): { values: KeyValue[] } => ({ values: [] }),
    fields: [many(1, keyValueAt(depth + 1), ({ values }) => values)],
  });
}

function wide(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

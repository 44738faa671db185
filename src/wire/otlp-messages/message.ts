/** Messages described as lists of fields, so that reading and writing come from one description.
 *  For the metrics and logs that somebody looks into; spans, which are many, have code of their own. */
import type { BackwardWriter } from '../otlp-proto/backward-writer.ts';
import { fieldBits } from '../otlp-proto/proto-reader.ts';
import { WireError } from '../wire-error.ts';
import { double, uint64, type Kind, type MessageReader } from './scalars.ts';

export interface Field<T> {
  readonly number: number;
  /** Wire types it may come with. */
  readonly wires: readonly number[];
  read(target: T, reader: MessageReader, place: { end: number; wire: number }): void;
  write(source: T, writer: BackwardWriter): void;
}

export interface MessageSpec<T> {
  readonly name: string;
  readonly empty: () => T;
  readonly fields: readonly Field<T>[];
}

/** Left out when zero. */
export function one<T, K extends keyof T>(number: number, key: K, kind: Kind<T[K]>): Field<T> {
  return {
    number,
    wires: [kind.wire],
    read(target, reader, { end }) {
      target[key] = kind.read(reader, end);
    },
    write(source, writer) {
      if (!kind.isZero(source[key])) kind.write(writer, tagOf(number, kind.wire), source[key]);
    },
  };
}

/** Written even when zero, left out when undefined: `optional` fields and members of a oneof. */
export function optional<T, V>(
  number: number,
  kind: Kind<V>,
  access: { get(source: T): V | undefined; set(target: T, value: V): void },
): Field<T> {
  return {
    number,
    wires: [kind.wire],
    read: (target, reader, { end }) => access.set(target, kind.read(reader, end)),
    write(source, writer) {
      const value = access.get(source);
      if (value !== undefined) kind.write(writer, tagOf(number, kind.wire), value);
    },
  };
}

export function many<T, V>(number: number, kind: Kind<V>, list: (target: T) => V[]): Field<T> {
  return {
    number,
    wires: [kind.wire],
    read: (target, reader, { end }) => void list(target).push(kind.read(reader, end)),
    write(source, writer) {
      const values = list(source);
      const tag = tagOf(number, kind.wire);
      // oxlint-disable-next-line unicorn/no-for-loop, typescript/no-non-null-assertion -- backwards, without a copy of the list
      for (let i = values.length - 1; i >= 0; i--) kind.write(writer, tag, values[i]!);
    },
  };
}

/** Numbers (`double`, `fixed64` or `uint64`) in one length-delimited field; read also when they come
 *  one by one. */
export function packed<T>(
  number: number,
  kind: Kind<number>,
  list: (target: T) => number[],
): Field<T> {
  return {
    number,
    wires: [2, kind.wire],
    read(target, reader, { end, wire }) {
      const values = list(target);
      if (wire !== 2) return void values.push(kind.read(reader, end));
      const inner = reader.enter(end, 'packed numbers');
      while (reader.at < inner) values.push(kind.read(reader, inner));
    },
    write(source, writer) {
      const values = list(source);
      if (values.length === 0) return;
      const before = writer.length;
      for (const value of values.toReversed()) writeBare(writer, kind, value);
      writer.close(tagOf(number, 2), before);
    },
  };
}

export function message<T>({ name, empty, fields }: MessageSpec<T>): Kind<T> {
  const known = fieldBits(...fields.map(({ number }) => number));
  const byNumber: (Field<T> | undefined)[] = [];
  for (const field of fields) byNumber[field.number] = field;
  const backwards = fields.toReversed();
  return {
    wire: 2,
    read(reader, end) {
      if (!reader.countMessage()) {
        throw new WireError('too_large', 'mostly empty messages', reader.at);
      }
      const target = empty();
      const inner = reader.enter(end, name);
      while (reader.at < inner) {
        const tag = reader.tag(inner);
        const field = byNumber[tag >>> 3];
        const wire = tag & 7;
        if (field?.wires.includes(wire)) field.read(target, reader, { end: inner, wire });
        else reader.skip(tag, inner, name, known);
      }
      return target;
    },
    write(writer, tag, value) {
      const before = writer.length;
      for (const field of backwards) field.write(value, writer);
      writer.close(tag, before);
    },
    isZero: () => false,
  };
}

/** What stands at the top of a request, without a tag and a length. */
export function readWhole<T>(spec: MessageSpec<T>, reader: MessageReader): T {
  const target = spec.empty();
  const end = reader.bytes.length;
  const known = fieldBits(...spec.fields.map(({ number }) => number));
  while (reader.at < end) {
    const tag = reader.tag(end);
    const wire = tag & 7;
    const field = spec.fields.find(({ number }) => number === tag >>> 3);
    if (field?.wires.includes(wire)) field.read(target, reader, { end, wire });
    else reader.skip(tag, end, spec.name, known);
  }
  return target;
}

function tagOf(number: number, wire: number): number {
  return number * 8 + wire;
}

const bareBits = new DataView(new ArrayBuffer(8));
const bareBytes = new Uint8Array(bareBits.buffer);

function writeBare(writer: BackwardWriter, kind: Kind<number>, value: number): void {
  if (kind === uint64) return uint64.write(writer, 0, value);
  if (kind === double) bareBits.setFloat64(0, value, true);
  else bareBits.setBigUint64(0, BigInt(value), true);
  writer.raw(bareBytes, 0, 8);
}

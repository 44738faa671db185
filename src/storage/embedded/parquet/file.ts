/** A Parquet file around its column chunks: schema, row groups, footer. Reading takes only what
 *  stitching and checking need: the footer of files that this writer made.
 *
 *  Parquet has a checksum for each page and none for the footer, where one flipped bit makes a value
 *  another column's: the last pair of the footer's metadata is a checksum of the footer. */

import { crc32 } from 'node:zlib';
import { ByteSink } from './byte-sink.ts';
import {
  type ColumnChunk,
  type ColumnSpec,
  describeChunk,
  type Logical,
  Physical,
} from './column-chunk.ts';
import {
  bool,
  byte,
  i32,
  i64,
  nested,
  numberField,
  readStruct,
  struct,
  structField,
  structs,
  structsField,
  text,
  textField,
  type ThriftStruct,
  type ThriftValue,
  writeStruct,
} from './thrift.ts';

export const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31); // "PAR1"
/** Footer length and magic behind the footer. */
export const TRAILER_BYTES = 8;
const CREATED_BY = 'spoor';
const FORMAT_VERSION = 2;
/** The field of LogicalType. */
const UUID_TYPE = 14;
const OPTIONAL = 1;
const REQUIRED = 0;

const CRC_KEY = 'spoor.crc32';
/** Stands for the checksum while it is made. */
const CRC_BLANK = '00000000';
const encoder = new TextEncoder();

/** Text pairs a file carries about itself. */
export type FileMetadata = Readonly<Record<string, string>>;

export interface RowGroup {
  readonly rows: number;
  /** parquet.thrift's ColumnChunk of each column, in the order of the schema. */
  readonly chunks: readonly ThriftStruct[];
}

export interface Footer {
  readonly specs: readonly ColumnSpec[];
  readonly rowGroups: readonly RowGroup[];
  readonly metadata: FileMetadata;
}

/** A file of one row group, whose chunks are of `rows` rows each. */
export function writeFile(
  chunks: readonly ColumnChunk[],
  rows: number,
  metadata: FileMetadata,
): Uint8Array {
  const out = new ByteSink();
  out.reserve(chunks.reduce((sum, chunk) => sum + chunk.bytes.length + 256, 4096));
  out.append(MAGIC);
  const described = chunks.map((chunk) => {
    const offset = out.length;
    out.append(chunk.bytes);
    return describeChunk(chunk, offset);
  });
  const specs = chunks.map((chunk) => chunk.spec);
  const rowGroups = rows === 0 ? [] : [{ rows, chunks: described }];
  out.append(writeFooter({ specs, rowGroups, metadata }));
  return out.view();
}

/** The footer with its length and the closing magic. */
export function writeFooter({ specs, rowGroups, metadata }: Footer): Uint8Array {
  const out = new ByteSink();
  const root = struct({ 4: text('schema'), 5: i32(specs.length) });
  writeStruct(
    out,
    struct({
      1: i32(FORMAT_VERSION),
      2: structs([root, ...specs.map(schemaElement)]),
      3: i64(rowGroups.reduce((sum, group) => sum + group.rows, 0)),
      4: structs(rowGroups.map(describeRowGroup)),
      5: structs(
        Object.entries({ ...metadata, [CRC_KEY]: CRC_BLANK }).map(([key, value]) =>
          struct({ 1: text(key), 2: text(value) }),
        ),
      ),
      6: text(CREATED_BY),
      // Statistics are in the order of the column's type.
      7: structs(specs.map(() => struct({ 1: nested({}) }))),
    }),
  );
  const crcAt = crcOffset(out.view()) ?? 0;
  out.bytes.set(encoder.encode(hexOfCrc(crc32(out.view()))), crcAt);
  out.u32(out.length);
  out.append(MAGIC);
  return out.take();
}

/** Where the digits of the checksum stand in a footer. */
function crcOffset(footer: Uint8Array): number | undefined {
  const { buffer, byteOffset, byteLength } = footer;
  const at = Buffer.from(buffer, byteOffset, byteLength).lastIndexOf(CRC_KEY);
  // Behind the key: the next field's head and the length of its text.
  return at < 0 ? undefined : at + CRC_KEY.length + 2;
}

function hexOfCrc(crc: number): string {
  return crc.toString(16).padStart(CRC_BLANK.length, '0');
}

/** Throws RangeError when the bytes of a footer are not what was written. A footer of an older
 *  version has no checksum. */
function checkFooter(footer: Uint8Array): void {
  const at = crcOffset(footer);
  if (at === undefined) return;
  const end = at + CRC_BLANK.length;
  const said = new TextDecoder().decode(footer.subarray(at, end));
  const before = crc32(CRC_BLANK, crc32(footer.subarray(0, at)));
  if (said !== hexOfCrc(crc32(footer.subarray(end), before))) {
    throw new RangeError('parquet: the checksum of the footer differs');
  }
}

function describeRowGroup({ rows, chunks }: RowGroup, ordinal: number): ThriftStruct {
  const metas = chunks.map((chunk) => structField(chunk, 3));
  const first = metas[0];
  return struct({
    1: structs(chunks),
    2: i64(metas.reduce((sum, meta) => sum + numberField(meta, 6), 0)),
    3: i64(rows),
    5: i64(first === undefined ? MAGIC.length : chunkStart(first)),
    6: i64(metas.reduce((sum, meta) => sum + numberField(meta, 7), 0)),
    7: { kind: 'i16', value: ordinal },
  });
}

/** Where the bytes of a chunk begin, from its ColumnMetaData. */
export function chunkStart(meta: ThriftStruct): number {
  return numberField(meta, meta.has(11) ? 11 : 9);
}

function schemaElement(spec: ColumnSpec): ThriftStruct {
  return struct({
    1: i32(spec.physical),
    2: spec.fixedBytes === undefined ? undefined : i32(spec.fixedBytes),
    3: i32(spec.isNullable ? OPTIONAL : REQUIRED),
    4: text(spec.name),
    6: i32OrNothing(spec.logical && CONVERTED[spec.logical]),
    10: spec.logical && LOGICAL[spec.logical],
  });
}

const i32OrNothing = (value: number | undefined): ThriftValue | undefined =>
  value === undefined ? undefined : i32(value);

/** ConvertedType, for readers that know no logical types. There is none for UUIDs. */
const CONVERTED = { string: 0, uint32: 13, uint64: 14, uuid: undefined } as const satisfies Record<
  Logical,
  number | undefined
>;
const LOGICAL: Record<Logical, ThriftValue> = {
  string: nested({ 1: nested({}) }),
  uint32: nested({ 10: nested({ 1: byte(32), 2: bool(false) }) }),
  uint64: nested({ 10: nested({ 1: byte(64), 2: bool(false) }) }),
  uuid: nested({ [UUID_TYPE]: nested({}) }),
};

/** How many bytes before the end the footer begins, from a file's last eight; undefined when they
 *  are not the end of a Parquet file. */
export function footerBytes(trailer: Uint8Array): number | undefined {
  if (trailer.length < TRAILER_BYTES) return undefined;
  if (MAGIC.some((value, i) => trailer[i + 4] !== value)) return undefined;
  const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_BYTES);
  return view.getUint32(0, true) + TRAILER_BYTES;
}

/** Reads a footer, of which `bytes` begin with the first byte and end with the file's last. Throws
 *  RangeError when it is not one of ours, or damaged. */
export function readFooter(bytes: Uint8Array): Footer {
  const footer = bytes.subarray(0, Math.max(0, bytes.length - TRAILER_BYTES));
  checkFooter(footer);
  const fields = readStruct(footer);
  const [, ...elements] = structsField(fields, 2);
  const metadata: Record<string, string> = {};
  for (const pair of structsField(fields, 5)) {
    const key = textField(pair, 1);
    if (key !== CRC_KEY) metadata[key] = textField(pair, 2);
  }
  return {
    specs: elements.map(readSpec),
    rowGroups: structsField(fields, 4).map((group) => ({
      rows: numberField(group, 3),
      chunks: structsField(group, 1),
    })),
    metadata,
  };
}

function readSpec(element: ThriftStruct): ColumnSpec {
  const physical = PHYSICALS.find((one) => one === numberField(element, 1));
  if (physical === undefined) throw new RangeError('parquet: a column of a type we never write');
  return {
    name: textField(element, 4),
    physical,
    fixedBytes: element.has(2) ? numberField(element, 2) : undefined,
    isNullable: numberField(element, 3) === OPTIONAL,
    logical: element.has(6) ? LOGICALS.get(numberField(element, 6)) : uuidOrNothing(element),
  };
}

function uuidOrNothing(element: ThriftStruct): Logical | undefined {
  return element.has(10) && structField(element, 10).has(UUID_TYPE) ? 'uuid' : undefined;
}

const PHYSICALS = Object.values(Physical);
const LOGICALS = new Map<number, Logical>([
  [CONVERTED.string, 'string'],
  [CONVERTED.uint32, 'uint32'],
  [CONVERTED.uint64, 'uint64'],
]);

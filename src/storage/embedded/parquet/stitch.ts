/** Several files become one without decoding a value: their pages are copied byte for byte, one
 *  after another, and a new footer says where they lie now. A column that an input lacks gets
 *  chunks of nulls. Costs a tenth of encoding again, and keeps row groups in the inputs' order. */

import { type ColumnSpec, describeChunk, nullChunk } from './column-chunk.ts';
import {
  chunkStart,
  type FileMetadata,
  type Footer,
  footerBytes,
  MAGIC,
  readFooter,
  type RowGroup,
  TRAILER_BYTES,
  writeFooter,
} from './file.ts';
import {
  i64,
  numberField,
  struct,
  structField,
  type ThriftStruct,
  type ThriftValue,
} from './thrift.ts';

/** Takes the bytes of the new file in order. */
export type Write = (parts: readonly Uint8Array[]) => Promise<void>;

/** The parts of ColumnMetaData that say where a chunk lies. */
const PLACES = [9, 10, 11];

export class Stitcher {
  readonly #specs = new Map<string, ColumnSpec>();
  readonly #groups: { rows: number; chunks: Map<string, ThriftStruct> }[] = [];
  readonly #write: Write;
  #at = 0;

  constructor(write: Write) {
    this.#write = write;
  }

  get columns(): readonly string[] {
    return [...this.#specs.keys()];
  }

  get rowGroupRows(): readonly number[] {
    return this.#groups.map(({ rows }) => rows);
  }

  /** Adds all row groups of a whole file, or one of them, and returns its footer. Throws RangeError
   *  when the file is damaged. */
  async add(file: Uint8Array, only?: number): Promise<Footer> {
    const footer = footerOf(file);
    for (const spec of footer.specs) {
      if (!this.#specs.has(spec.name)) this.#specs.set(spec.name, spec);
    }
    const parts: Uint8Array[] = [];
    if (this.#at === 0) {
      parts.push(MAGIC);
      this.#at = MAGIC.length;
    }
    for (const [i, { rows, chunks }] of footer.rowGroups.entries()) {
      if (only !== undefined && i !== only) continue;
      const kept = new Map<string, ThriftStruct>();
      footer.specs.forEach(({ name }, at) => {
        const chunk = chunks[at];
        if (chunk === undefined) throw new RangeError(`parquet: no chunk of column ${name}`);
        const bytes = chunkBytes(file, chunk);
        kept.set(name, moved(chunk, this.#at - (bytes.byteOffset - file.byteOffset)));
        parts.push(bytes);
        this.#at += bytes.length;
      });
      this.#groups.push({ rows, chunks: kept });
    }
    await this.#write(parts);
    return footer;
  }

  /** Writes what is missing and the footer. */
  async finish(metadata: FileMetadata): Promise<void> {
    const specs = [...this.#specs.values()];
    const rowGroups: RowGroup[] = [];
    for (const { rows, chunks } of this.#groups) {
      const parts: Uint8Array[] = [];
      const described = specs.map((spec) => {
        const known = chunks.get(spec.name);
        if (known !== undefined) return known;
        const chunk = nullChunk(spec, rows);
        const offset = this.#at;
        parts.push(chunk.bytes);
        this.#at += chunk.bytes.length;
        return describeChunk(chunk, offset);
      });
      rowGroups.push({ rows, chunks: described });
      await this.#write(parts);
    }
    await this.#write([writeFooter({ specs, rowGroups, metadata })]);
  }
}

/** The pages of a chunk, a view. */
function chunkBytes(file: Uint8Array, chunk: ThriftStruct): Uint8Array {
  const meta = structField(chunk, 3);
  const start = chunkStart(meta);
  const end = start + numberField(meta, 7);
  if (end > file.length) throw new RangeError('parquet: a chunk passes the end of the file');
  return file.subarray(start, end);
}

/** The footer of a whole file. Throws RangeError when there is none. */
export function footerOf(file: Uint8Array): Footer {
  const fromEnd = footerBytes(file.subarray(Math.max(0, file.length - TRAILER_BYTES)));
  if (fromEnd === undefined || fromEnd > file.length) {
    throw new RangeError('parquet: no footer at the end of the file');
  }
  return readFooter(file.subarray(file.length - fromEnd));
}

/** The ColumnChunk when its bytes begin `shift` further on. */
function moved(chunk: ThriftStruct, shift: number): ThriftStruct {
  const meta: Record<number, ThriftValue> = {};
  for (const [id, value] of structField(chunk, 3)) {
    meta[id] = PLACES.includes(id) ? i64(numberField(structField(chunk, 3), id) + shift) : value;
  }
  return struct({ 2: i64(0), 3: { kind: 'struct', value: struct(meta) } });
}

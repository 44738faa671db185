/** Writes an index file (index-file.ts reads it) from traces in the order of their ids. */

import { constants, crc32, zstdCompressSync } from 'node:zlib';
import { boundsOf, packBounds } from '../block-bounds.ts';
import { ByteSink } from '../parquet/byte-sink.ts';
import {
  INDEX_MAGIC,
  INDEX_PREFIX_BYTES,
  INDEX_VERSION,
  type IndexHeaderJson,
  type Section,
  type SectionName,
} from '../index-file.ts';
import { BLOCK_TRACES, BLOCK_WORDS, ID_BYTES, wordAt } from '../index-ids.ts';
import type { BlockBounds, SegmentHeader } from '../segment-index.ts';
import { packRed } from '../red/codec.ts';
import { sumMinutes } from '../red/merge.ts';
import { type MissingCall, packCalls } from '../red/missing-calls.ts';
import type { RedPartial } from '../red/partial.ts';
import { type TraceEntry, writeSummaries } from '../summary-block.ts';

const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

export interface IndexExtras {
  /** Two words a row, for files whose rows may be sent again. */
  readonly hashes?: Uint32Array | undefined;
  /** Of all rows; absent when that of a file it is made of is not known. */
  readonly red?: RedPartial | undefined;
  /** Value filters of all row groups, in their order; absent when that of one is not known. */
  readonly values?: readonly Uint8Array[] | undefined;
  /** Calls of its spans to a parent that is not in the file, when all others are in edges of `red`. */
  readonly calls?: readonly MissingCall[] | undefined;
}

export class IndexWriter {
  readonly #ids = new ByteSink();
  readonly #summaries = new ByteSink();
  readonly #directory: number[] = [];
  readonly #bounds: BlockBounds[] = [];
  #block: TraceEntry[] = [];
  #traces = 0;

  /** Traces come in ascending order of their ids, each once. */
  add(entry: TraceEntry): void {
    this.#block.push(entry);
    if (this.#block.length === BLOCK_TRACES) this.#endBlock();
  }

  /** The file. */
  finish(header: SegmentHeader, { hashes, red, values, calls }: IndexExtras = {}): Uint8Array {
    if (this.#block.length > 0) this.#endBlock();
    const bodies: [SectionName, Uint8Array][] = [
      ['directory', bytesOf(Uint32Array.from(this.#directory))],
      ['ids', this.#ids.view()],
      ['summaries', this.#summaries.view()],
      ['bounds', packBounds(this.#bounds)],
    ];
    if (hashes !== undefined && hashes.length > 0) bodies.push(['hashes', bytesOf(hashes)]);
    if (red !== undefined) bodies.push(['red', packRed(red)]);
    if (red !== undefined && header.rowGroups > 1) bodies.push(['sums', packRed(sumMinutes(red))]);
    if (calls !== undefined) bodies.push(['calls', packCalls(calls)]);
    if (values !== undefined) bodies.push(['values', Buffer.concat(values)]);
    const json = this.#header(header, bodies);
    const out = new ByteSink(
      bodies.reduce((sum, [, { length }]) => sum + length, json.length + 64),
    );
    for (const word of [INDEX_MAGIC, INDEX_VERSION, json.length, crc32(json)]) out.u32(word);
    out.append(json);
    for (const [, bytes] of bodies) out.append(bytes);
    return out.view();
  }

  /** Offsets stand in the header, whose length depends on their digits: they are counted from its
   *  end first, and blanks fill it up to a length that fits. */
  #header(header: SegmentHeader, bodies: readonly [SectionName, Uint8Array][]): Uint8Array {
    const encode = (firstAt: number): Uint8Array => {
      const sections: Partial<Record<SectionName, Section>> = {};
      let at = firstAt;
      for (const [name, bytes] of bodies) {
        sections[name] = { at, bytes: bytes.length, crc: crc32(bytes) };
        at += bytes.length;
      }
      const json: IndexHeaderJson = { ...headerJson(header), traces: this.#traces, sections };
      return new TextEncoder().encode(JSON.stringify(json));
    };
    const room = encode(0xffff_ffff).length + 32;
    const json = encode(INDEX_PREFIX_BYTES + room);
    const padded = new Uint8Array(room).fill(0x20);
    padded.set(json);
    return padded;
  }

  #endBlock(): void {
    const idsAt = this.#ids.length;
    for (const { summary } of this.#block) {
      this.#ids.append(Buffer.from(summary.traceId, 'hex'));
    }
    const ids = this.#ids.bytes.subarray(idsAt, this.#ids.length);
    const packed = zstdCompressSync(writeSummaries(this.#block), zstdOptions);
    const entry = [
      wordAt(ids, 0),
      wordAt(ids, 4),
      crc32(ids),
      this.#summaries.length,
      packed.length,
      crc32(packed),
    ];
    if (entry.length !== BLOCK_WORDS || ids.length !== this.#block.length * ID_BYTES) {
      throw new Error('a directory entry of another shape than its reader expects');
    }
    this.#directory.push(...entry);
    this.#summaries.append(packed);
    this.#bounds.push(boundsOf(this.#block.map(({ summary }) => summary)));
    this.#traces += this.#block.length;
    this.#block = [];
  }
}

/** JSON knows no bigint. */
export function headerJson(header: SegmentHeader): Omit<IndexHeaderJson, 'traces' | 'sections'> {
  const { minStartNano, maxStartNano, ...rest } = header;
  return { ...rest, minStartNano: String(minStartNano), maxStartNano: String(maxStartNano) };
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

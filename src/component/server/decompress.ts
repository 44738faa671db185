/** Compressed bodies to plain ones. Done on the spot up to a megabyte: zlib's thread pool costs more
 *  than the work (1.6 times the CPU for a typical request); beyond that it keeps the loop free.
 *  Snappy and LZ4 are our own and fast: always on the spot. No body becomes larger than the limit. */

import {
  constants,
  gunzip,
  gunzipSync,
  inflate,
  inflateSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';
import { promisify } from 'node:util';
import { CompressionError, tooLarge } from '../../lib/compression/error.ts';
import { lz4FrameDecompress } from '../../lib/compression/lz4-frame.ts';
import { isSnappyFramed, snappyFramedDecompress } from '../../lib/compression/snappy-framed.ts';
import { snappyDecompress } from '../../lib/compression/snappy.ts';
import { messageOf, systemCodeOf } from '../../lib/errors.ts';

const SYNC_BYTES_MAX = 1024 * 1024;
/** zlib writes into pieces of this size: one piece of about the last body's size is fastest, larger
 *  ones cost more to allocate than they save. */
const PIECE_BYTES_MIN = 16 * 1024;
const PIECE_BYTES_MAX = 320 * 1024;
/** A zstd frame may ask for a window of 2 GB; 32 MiB is more than any body we take. */
const ZSTD_WINDOW_LOG_MAX = 25;

interface Options {
  readonly chunkSize: number;
  readonly maxOutputLength: number;
}

interface Codec {
  readonly sync: (bytes: Uint8Array, options: Options) => Uint8Array;
  readonly async: (bytes: Uint8Array, options: Options) => Promise<Uint8Array>;
}

const zstdParams = { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX };
const gunzipLater = promisify(gunzip);
const inflateLater = promisify(inflate);
const zstdLater = promisify(zstdDecompress);

const onTheSpot = (decompress: (bytes: Uint8Array, bytesMax: number) => Uint8Array): Codec => ({
  sync: (bytes, { maxOutputLength }) => decompress(bytes, maxOutputLength),
  async: async (bytes, { maxOutputLength }) => decompress(bytes, maxOutputLength),
});

const zlib: Codec = { sync: inflateSync, async: (bytes, options) => inflateLater(bytes, options) };

/** Some clients say `snappy` and mean the frames, as gRPC does. */
const anySnappy = (bytes: Uint8Array, bytesMax: number): Uint8Array =>
  isSnappyFramed(bytes)
    ? snappyFramedDecompress(bytes, bytesMax)
    : snappyDecompress(bytes, bytesMax);

const CODECS: ReadonlyMap<string, Codec> = new Map<string, Codec>([
  ['gzip', { sync: gunzipSync, async: (bytes, options) => gunzipLater(bytes, options) }],
  [
    'zstd',
    {
      sync: (bytes, options) => zstdDecompressSync(bytes, { ...options, params: zstdParams }),
      async: (bytes, options) => zstdLater(bytes, { ...options, params: zstdParams }),
    },
  ],
  ['deflate', zlib],
  ['zlib', zlib],
  ['snappy', onTheSpot(anySnappy)],
  ['x-snappy-framed', onTheSpot(snappyFramedDecompress)],
  ['lz4', onTheSpot(lz4FrameDecompress)],
]);

export class Decompressor {
  readonly #bytesMax: number;
  readonly #allowed: readonly string[];
  #pieceBytes = 64 * 1024;

  /** @param allowed encodings taken; the empty one is none */
  constructor(bytesMax: number, allowed: readonly string[]) {
    this.#bytesMax = bytesMax;
    this.#allowed = allowed;
  }

  /** The body itself when it is not compressed.
   *  @throws CompressionError */
  async decompress(encoding: string | undefined, bytes: Uint8Array): Promise<Uint8Array> {
    const name = encoding === undefined || encoding === 'identity' ? '' : encoding.toLowerCase();
    if (!this.#allowed.includes(name)) throw this.#notTaken(name);
    const codec = CODECS.get(name);
    if (codec === undefined) return bytes;
    return this.#with(codec, name, bytes);
  }

  #notTaken(name: string): CompressionError {
    const names = this.#allowed.map((allowed) => (allowed === '' ? 'no compression' : allowed));
    const what = name === '' ? 'a body without compression' : `compression "${name}"`;
    return new CompressionError(
      'unknown_encoding',
      `${what} is not taken: send ${names.join(', ')}`,
    );
  }

  async #with(codec: Codec, name: string, bytes: Uint8Array): Promise<Uint8Array> {
    const options = { chunkSize: this.#pieceBytes, maxOutputLength: this.#bytesMax };
    try {
      const plain =
        bytes.length <= SYNC_BYTES_MAX
          ? codec.sync(bytes, options)
          : await codec.async(bytes, options);
      this.#pieceBytes = Math.min(Math.max(plain.length, PIECE_BYTES_MIN), PIECE_BYTES_MAX);
      return plain;
    } catch (cause) {
      if (cause instanceof CompressionError && cause.code === 'too_large') throw cause;
      if (systemCodeOf(cause) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(this.#bytesMax);
      throw new CompressionError('damaged', `not ${name}: ${messageOf(cause)}`, { cause });
    }
  }
}

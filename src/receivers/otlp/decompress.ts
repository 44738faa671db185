/** Compressed bodies to plain ones. Done on the spot up to a megabyte: zlib's thread pool costs more
 *  than the work (1.6 times the CPU for a typical request); beyond that it keeps the loop free. No
 *  body becomes larger than the limit. */

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
import { messageOf, systemCodeOf } from '../../lib/errors.ts';
import { OtlpError } from './refusal.ts';

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

const CODECS: Readonly<Record<string, Codec>> = {
  gzip: { sync: gunzipSync, async: (bytes, options) => gunzipLater(bytes, options) },
  deflate: { sync: inflateSync, async: (bytes, options) => inflateLater(bytes, options) },
  zstd: {
    sync: (bytes, options) => zstdDecompressSync(bytes, { ...options, params: zstdParams }),
    async: (bytes, options) => zstdLater(bytes, { ...options, params: zstdParams }),
  },
};

export const ACCEPTED_ENCODINGS = Object.keys(CODECS).join(',');

export class Decompressor {
  readonly #bytesMax: number;
  #pieceBytes = 64 * 1024;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** True when nothing has to be done. */
  static isPlain(encoding: string | undefined): boolean {
    return encoding === undefined || encoding === '' || encoding === 'identity';
  }

  /** Throws OtlpError: `unknown_encoding`, `too_large` or `bad_request`. */
  async decompress(encoding: string, bytes: Uint8Array): Promise<Uint8Array> {
    const codec = Object.hasOwn(CODECS, encoding) ? CODECS[encoding] : undefined;
    if (codec === undefined) {
      const hint = `send gzip, zstd, deflate or no compression`;
      throw new OtlpError('unknown_encoding', `compression "${encoding}" is not known: ${hint}`);
    }
    const options = { chunkSize: this.#pieceBytes, maxOutputLength: this.#bytesMax };
    try {
      const plain =
        bytes.length <= SYNC_BYTES_MAX
          ? codec.sync(bytes, options)
          : await codec.async(bytes, options);
      this.#pieceBytes = Math.min(Math.max(plain.length, PIECE_BYTES_MIN), PIECE_BYTES_MAX);
      return plain;
    } catch (cause) {
      if (systemCodeOf(cause) === 'ERR_BUFFER_TOO_LARGE') {
        throw new OtlpError('too_large', `larger than ${this.#bytesMax} bytes decompressed`, {
          cause,
        });
      }
      throw new OtlpError('bad_request', `not ${encoding}: ${messageOf(cause)}`, { cause });
    }
  }
}

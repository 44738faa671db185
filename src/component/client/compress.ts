/** What is sent, made smaller: by zlib's threads where Node has the codec, on the spot by our own.
 *  Levels are the codec's own (gzip 1–9, zstd 1–22), as the Collector takes them. */
import { promisify } from 'node:util';
import { constants, deflate, gzip, zstdCompress } from 'node:zlib';
import { lz4FrameCompress } from '../../lib/compression/lz4-frame.ts';
import { snappyFramedCompress } from '../../lib/compression/snappy-framed.ts';
import { snappyCompress } from '../../lib/compression/snappy.ts';

export const httpCompressions = [
  'gzip',
  'zstd',
  'zlib',
  'deflate',
  'snappy',
  'x-snappy-framed',
  'lz4',
  'none',
  '',
] as const;

/** gRPC's Snappy is the framed one. */
export const grpcCompressions = ['gzip', 'zstd', 'snappy', 'none', ''] as const;

export type Compression = (typeof httpCompressions)[number];

/** Bytes to compressed bytes; undefined level is the codec's own default. */
export type Compress = (bytes: Uint8Array, level: number | undefined) => Promise<Uint8Array>;

const gzipLater = promisify(gzip);
const deflateLater = promisify(deflate);
const zstdLater = promisify(zstdCompress);

const withZlib: Compress = (bytes, level) =>
  deflateLater(bytes, level === undefined ? {} : { level });

const CODECS: Readonly<Record<Exclude<Compression, 'none' | ''>, Compress>> = {
  gzip: (bytes, level) => gzipLater(bytes, level === undefined ? {} : { level }),
  zlib: withZlib,
  deflate: withZlib,
  zstd: (bytes, level) =>
    zstdLater(
      bytes,
      level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } },
    ),
  snappy: async (bytes) => snappyCompress(bytes),
  'x-snappy-framed': async (bytes) => snappyFramedCompress(bytes),
  lz4: async (bytes) => lz4FrameCompress(bytes),
};

/** Undefined when nothing is to be done. */
export function compressorFor(compression: Compression): Compress | undefined {
  return compression === 'none' || compression === '' ? undefined : CODECS[compression];
}

const LEVELS: Partial<Record<Compression, readonly [least: number, most: number]>> = {
  gzip: [1, 9],
  zlib: [1, 9],
  deflate: [1, 9],
  zstd: [1, 22],
};

/** Why the codec does not have this level; undefined when it has. 0 and -1 are its default. */
export function levelProblem(compression: Compression, level: number): string | undefined {
  if (level === 0 || level === -1) return undefined;
  const range = LEVELS[compression];
  if (range === undefined) return `compression "${compression}" has no levels`;
  const [least, most] = range;
  if (level >= least && level <= most) return undefined;
  return `the level of ${compression} is between ${least} and ${most}, got ${level}`;
}

import { array, assert, integer, property, tuple, uint8Array } from 'fast-check';
import { snappyUncompress } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';
import { CompressionError } from './error.ts';
import { lz4FrameCompress, lz4FrameDecompress } from './lz4-frame.ts';
import { snappyFramedCompress, snappyFramedDecompress } from './snappy-framed.ts';
import { snappyCompress, snappyDecompress } from './snappy.ts';
import { xxhash32 } from './xxhash32.ts';

const MAX = 4 * 1024 * 1024;
const text = (value: string) => new TextEncoder().encode(value);
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

/** Repetitive, random, long, short: what makes every kind of copy and literal. */
const samples: readonly Uint8Array[] = [
  text(''),
  text('a'),
  text('hello hello hello hello hello hello'),
  text('abcd'.repeat(50_000)),
  Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) % 251),
  Uint8Array.from({ length: 70_000 }, (_, i) => Math.imul(i, 2654435761) >>> 24),
  text(Array.from({ length: 20_000 }, (_, i) => `span-${i % 97} service-${i % 13}\n`).join('')),
];

const codecs = {
  snappy: { compress: snappyCompress, decompress: snappyDecompress },
  'framed snappy': { compress: snappyFramedCompress, decompress: snappyFramedDecompress },
  lz4: { compress: lz4FrameCompress, decompress: lz4FrameDecompress },
} as const;

describe.for(Object.entries(codecs))('%s', ([, { compress, decompress }]) => {
  test('gives back what was put in', () => {
    for (const sample of samples) {
      expect(Buffer.from(decompress(compress(sample), MAX)).equals(sample)).toBe(true);
    }
  });

  test('gives back any bytes', () => {
    const pieces = array(uint8Array({ maxLength: 40 }), { maxLength: 30 });
    const repeated = tuple(pieces, integer({ min: 1, max: 50 }));
    assert(
      property(repeated, ([parts, times]) => {
        const sample = Buffer.concat(Array.from({ length: times }, () => parts).flat());
        expect(Buffer.from(decompress(compress(sample), MAX)).equals(sample)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('makes repetitive text small', () => {
    for (const sample of samples.filter(({ length }) => length > 100_000)) {
      expect(compress(sample).length).toBeLessThan(sample.length / 2);
    }
  });

  test('stops at the limit', () => {
    const bomb = compress(new Uint8Array(8 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(600_000);
    expect(() => decompress(bomb, 1000)).toThrow('larger than 1000 bytes');
  });

  test('says of damaged bytes that they are, or gives some, and never more than allowed', () => {
    const good = compress(text('service-a span-b '.repeat(500)));
    const flips = array(
      tuple(integer({ min: 0, max: good.length - 1 }), integer({ min: 0, max: 255 })),
      { minLength: 1, maxLength: 8 },
    );
    const cut = integer({ min: 0, max: good.length });
    assert(
      property(flips, cut, (changes, length) => {
        const bad = good.slice(0, length);
        for (const [at, value] of changes) if (at < length) bad[at] = value;
        try {
          expect(decompress(bad, MAX).length).toBeLessThanOrEqual(MAX);
        } catch (error) {
          expect(error).toBeInstanceOf(CompressionError);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('says of any bytes that they are none, or gives some', () => {
    assert(
      property(uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(decompress(bytes, 10_000).length).toBeLessThanOrEqual(10_000);
        } catch (error) {
          expect(error).toBeInstanceOf(CompressionError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test('another decoder reads our snappy', () => {
  for (const sample of samples) {
    const out = new Uint8Array(sample.length);
    if (sample.length > 0) snappyUncompress(snappyCompress(sample), out);
    expect(Buffer.from(out).equals(sample)).toBe(true);
  }
});

test('every kind of snappy element is read', () => {
  const elements = [
    Uint8Array.of(7 << 2, ...text('abcdefgh')),
    // Copies with offsets of one, two and four bytes, the last overlapping.
    Uint8Array.of(0b000_000_01, 8),
    Uint8Array.of(4 * 4 + 2, 4, 0),
    Uint8Array.of(5 * 4 + 3, 2, 0, 0, 0),
    // A literal whose length stands in a byte of its own.
    Uint8Array.of(60 << 2, 2, ...text('xyz')),
  ];
  const read = snappyDecompress(Buffer.concat([Uint8Array.of(26), ...elements]), MAX);
  expect(Buffer.from(read).toString()).toBe('abcdefghabcdabcdadadadaxyz');
});

test.for([
  ['BCJNGHRAvRAAAABvaGVsbG8gBgAFUGhlbGxvciC1KAAAAAC9nNZ0', 'hello hello hello hello hello hello'],
  [
    `BCJNGERAXgsBAAAfYQEA${'/'.repeat(341)}+dQYWFhYWELAAAADwQA/7lQYWFhYWEAAAAAxx9W7w==`,
    'a'.repeat(66_000),
  ],
] as const)('a frame of the lz4 tool is read, %#', ([frame, content]) => {
  expect(Buffer.from(lz4FrameDecompress(bytesOf(frame), MAX)).toString()).toBe(content);
});

test('a snappy stream of the smallest chunks is bounded like any other', () => {
  const chunk = snappyFramedCompress(text('a')).subarray(10);
  const head = snappyFramedCompress(new Uint8Array(0));
  const stream = Buffer.concat([head, ...Array.from({ length: 100 }, () => chunk)]);
  expect(Buffer.from(snappyFramedDecompress(stream, 100)).toString()).toBe('a'.repeat(100));
  expect(() => snappyFramedDecompress(stream, 99)).toThrow(CompressionError);
  expect(snappyFramedDecompress(head, 0)).toHaveLength(0);
});

test('frames follow each other, others are passed over', () => {
  const skipped = Buffer.from('502a4d1803000000616263', 'hex');
  const frames = Buffer.concat([lz4FrameCompress(text('a')), skipped, lz4FrameCompress(text('b'))]);
  expect(Buffer.from(lz4FrameDecompress(frames, MAX)).toString()).toBe('ab');
});

test.for([
  [text('123456789'), 0xe3069283],
  [new Uint8Array(32), 0x8a9136aa],
] as const)('crc32c %#', ([bytes, sum]) => {
  expect(crc32c(bytes)).toBe(sum);
});

test.for([
  ['', 0x02cc5d05],
  ['a', 0x550d7456],
  ['abc', 0x32d153ff],
] as const)('xxhash32 of "%s"', ([value, hash]) => {
  expect(xxhash32(text(value))).toBe(hash);
});

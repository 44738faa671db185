import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PACKED_BYTES, PACKERS, type PackedType, unpackedColumn } from './packed-text.ts';
import { bytesAt, type ReadColumn } from './read-column.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function packed(text: string, type: PackedType): Uint8Array | undefined {
  const bytes = encoder.encode(`<${text}>`);
  const width = PACKED_BYTES[type];
  const out = new Uint8Array(width + 2).fill(0xee);
  const isPacked = PACKERS[type](bytes, 1, bytes.length - 1, out, 1);
  expect([out[0], out[width + 1]]).toEqual([0xee, 0xee]);
  return isPacked ? out.slice(1, -1) : undefined;
}

/** As a reader of files gets it. */
function columnOf(values: readonly Uint8Array[], type: PackedType): ReadColumn {
  const bytes = new Uint8Array(values.flatMap((value) => [...value]));
  if (type === 'ipv4') {
    return { name: 'c', kind: 'number', values: Float64Array.from(new Uint32Array(bytes.buffer)) };
  }
  const width = PACKED_BYTES[type];
  const offsets = Uint32Array.from({ length: values.length + 1 }, (_, i) => i * width);
  return { name: 'c', kind: 'bytes', bytes, offsets };
}

function unpacked(values: readonly Uint8Array[], type: PackedType): string[] {
  const column = unpackedColumn(columnOf(values, type), type);
  if (column.kind !== 'bytes') throw new Error('no texts');
  return values.map((_, i) => decoder.decode(bytesAt(column, i)));
}

test.each(['uuid', 'ipv4'] as const)('every %s comes back as it was', (type) => {
  const value = fc.uint8Array({ minLength: PACKED_BYTES[type], maxLength: PACKED_BYTES[type] });
  fc.assert(
    fc.property(fc.array(value, { maxLength: 5 }), (values) => {
      const texts = unpacked(values, type);
      expect(texts.map((text) => packed(text, type))).toEqual(values);
    }),
  );
});

test.each([
  ['', 'nothing'],
  ['8C7B3F2A-1111-4222-8333-444455556667', 'capital letters'],
  ['8c7b3f2a-1111-4222-8333-44445555666', 'too short'],
  ['8c7b3f2a-1111-4222-8333-4444555566670', 'too long'],
  ['8c7b3f2a11114222-8333-444455556667-00', 'dashes elsewhere'],
  ['8c7b3f2a-1111-4222-8333-44445555666g', 'a letter that is no digit'],
  ['8c7b3f2a-1111-4222-8333-4444555566\u00e9', 'a letter of two bytes'],
  ['{c7b3f2a-1111-4222-8333-444455556667', 'a bracket'],
])('%s stays a string, not a UUID: %s', (text) => {
  expect(packed(text, 'uuid')).toBeUndefined();
});

test.each([
  ['1.2.3', 'too few numbers'],
  ['1.2.3.4.5', 'too many'],
  ['10.0.0.256', 'a number too large'],
  ['10.0.0.01', 'a needless zero'],
  ['10.0.0.1000', 'four digits'],
  ['10..0.1', 'no number'],
  ['10.0.0.', 'no last number'],
  ['.10.0.0.1', 'a dot before'],
  ['10.0.0.1.', 'a dot behind'],
  ['10.0.0.-1', 'a sign'],
  [' 10.0.0.1', 'a blank'],
  ['10.0.0.1:80', 'a port'],
  ['10.0.0.\u0661', 'a digit of another script'],
])('%s stays a string, not an address: %s', (text) => {
  expect(packed(text, 'ipv4')).toBeUndefined();
});

test('known values', () => {
  expect(packed('10.1.2.255', 'ipv4')).toEqual(Uint8Array.of(255, 2, 1, 10));
  expect(packed('00010203-0405-0607-0809-0a0b0c0d0eff', 'uuid')).toEqual(
    Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255),
  );
});

test('rows without a value have no text', () => {
  const offsets = Uint32Array.of(0, 16, 16, 32);
  const uuids: ReadColumn = { name: 'c', kind: 'bytes', bytes: new Uint8Array(32), offsets };
  const texts = unpackedColumn(uuids, 'uuid');
  expect(texts).toMatchObject({ kind: 'bytes', offsets: Uint32Array.of(0, 36, 36, 72) });
  const isNull = Uint8Array.of(1, 0);
  const addresses = { name: 'c', isNull, kind: 'number', values: Float64Array.of(0, 1) } as const;
  expect(unpackedColumn(addresses, 'ipv4')).toMatchObject({
    isNull,
    offsets: Uint32Array.of(0, 0, 7),
  });
});

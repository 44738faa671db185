import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isUuid, packUuid, UUID_BYTES, uuidTexts } from './uuid.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function packed(text: string): Uint8Array | undefined {
  const bytes = encoder.encode(`<${text}>`);
  const out = new Uint8Array(UUID_BYTES + 2).fill(0xee);
  const isPacked = packUuid(bytes, 1, bytes.length - 1, out, 1);
  expect([out[0], out[UUID_BYTES + 1]]).toEqual([0xee, 0xee]);
  return isPacked ? out.slice(1, -1) : undefined;
}

test('what is packed comes back as it was', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: UUID_BYTES, maxLength: UUID_BYTES }), (bytes) => {
      const { bytes: text } = uuidTexts(bytes, Uint32Array.of(0, UUID_BYTES));
      expect(isUuid(decoder.decode(text))).toBe(true);
      expect(packed(decoder.decode(text))).toEqual(bytes);
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
])('%s stays a string: %s', (text) => {
  expect(packed(text)).toBeUndefined();
  expect(isUuid(text)).toBe(false);
});

test('a value that is not there has no text', () => {
  const { bytes, offsets } = uuidTexts(new Uint8Array(32), Uint32Array.of(0, 16, 16, 32));
  expect([...offsets]).toEqual([0, 36, 36, 72]);
  expect(decoder.decode(bytes.subarray(36, 72))).toBe('00000000-0000-0000-0000-000000000000');
});

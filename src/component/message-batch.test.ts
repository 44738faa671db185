import { describe, expect, test } from 'vitest';
import { messagesOfBytes, packed, withMessage, type MessageCodec } from './message-batch.ts';

/** Numbers as bytes, and how often they were read and written. */
function counting() {
  const calls = { decoded: 0, encoded: 0 };
  const codec: MessageCodec<readonly number[]> = {
    signal: 'logs',
    decode(bytes) {
      calls.decoded++;
      return Object.freeze([...bytes]);
    },
    encode(message) {
      calls.encoded++;
      return Uint8Array.from(message);
    },
    count: (message) => message.length,
  };
  const bytes = Uint8Array.of(1, 2, 3, 4);
  return { calls, codec, batch: messagesOfBytes({ signal: 'logs', count: 4, tenant: 't', bytes }) };
}

describe('a batch of messages', () => {
  test('that is only passed on is never decoded', () => {
    const { calls, batch } = counting();
    expect(batch).toMatchObject({ signal: 'logs', count: 4, byteSize: 4, tenant: 't' });
    expect([...batch.payload.bytes]).toEqual([1, 2, 3, 4]);
    expect(calls).toEqual({ decoded: 0, encoded: 0 });
  });

  test('is decoded once for all who look, copies of the record included', () => {
    const { calls, codec, batch } = counting();
    const first = batch.payload.message(codec);
    expect({ ...batch, tenant: 'other' }.payload.message(codec)).toBe(first);
    expect(calls.decoded).toBe(1);
  });

  test('with another message is encoded once, when the bytes are asked for', () => {
    const { calls, codec, batch } = counting();
    const edited = withMessage(batch, codec, [1, 2]);
    expect(edited).toMatchObject({ count: 2, byteSize: 2, tenant: 't' });
    expect(edited.payload.message(codec)).toEqual([1, 2]);
    expect(calls.encoded).toBe(0);
    expect([...edited.payload.bytes, ...edited.payload.bytes]).toEqual([1, 2, 1, 2]);
    expect(calls).toEqual({ decoded: 1, encoded: 1 });
    expect([...batch.payload.bytes]).toEqual([1, 2, 3, 4]);
  });

  test('with its own message is itself', () => {
    const { codec, batch } = counting();
    expect(withMessage(batch, codec, batch.payload.message(codec))).toBe(batch);
  });

  test('that waits holds its bytes alone, and their exact size', () => {
    const { codec, batch } = counting();
    expect(packed(batch)).toBe(batch);
    const edited = withMessage(batch, codec, [7, 7, 7, 7, 7, 7]);
    const waiting = packed(edited);
    expect(waiting.payload.isPacked).toBe(true);
    expect(waiting).toMatchObject({ count: 6, byteSize: 6, tenant: 't' });
    expect(edited.payload.isPacked).toBe(false);
  });
});

import { expect, test } from 'vitest';

import { encodeCommand, encodeReply, RespReader } from './resp.ts';

test('a command arrives whole, however its bytes are cut', () => {
  const bytes = Buffer.from(encodeCommand(['SET', 'driver:T700', '안녕\r\n']));
  const reader = new RespReader();
  for (const byte of bytes.subarray(0, -1)) {
    reader.push(Buffer.from([byte]));
    expect(reader.nextCommand()).toBeUndefined();
  }
  reader.push(bytes.subarray(-1));
  expect(reader.nextCommand()).toEqual(['SET', 'driver:T700', '안녕\r\n']);
  expect(reader.nextCommand()).toBeUndefined();
});

test('replies come one by one out of one chunk: a value, no value, an error', () => {
  const replies = [
    { kind: 'value', value: 'x' },
    { kind: 'value', value: undefined },
    { kind: 'error', message: 'ERR no\u0020such' },
  ] as const;
  const reader = new RespReader();
  reader.push(
    Buffer.from(
      encodeReply(replies[0]) +
        encodeReply(replies[1]) +
        encodeReply({ kind: 'error', message: 'no\nsuch' }),
    ),
  );
  expect([reader.nextReply(), reader.nextReply(), reader.nextReply()]).toEqual(replies);
});

test('what is not RESP, or has no end, is refused', () => {
  const reader = new RespReader();
  reader.push(Buffer.from('GET / HTTP/1.1\r\n'));
  expect(() => reader.nextCommand()).toThrow('expected a RESP array');
  expect(() => reader.push(Buffer.alloc(70_000))).toThrow('longer than');
});

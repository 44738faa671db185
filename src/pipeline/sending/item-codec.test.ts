/** A bit that the disk has flipped in a queued item never changes what is sent on. */
import { expect, test } from 'vitest';
import { makeSpan } from '../../model/trace/span.fixture.ts';
import { batchOf } from '../../model/trace/span.ts';
import { sentBy, type Batch } from '../../component/consumer.ts';
import { messagesOfBytes } from '../../component/message-batch.ts';
import type { Client } from '../../model/batch/client.ts';
import { decodeItem, encodeItem } from './item-codec.ts';

const client: Client = {
  address: '10.0.0.7',
  metadata: new Map([['x-tenant', ['blue']]]),
  auth: new Map(),
};
const spans = batchOf('default', [makeSpan({ name: 'a' })]);
const logs = messagesOfBytes({
  signal: 'logs',
  count: 3,
  tenant: 'default',
  bytes: Uint8Array.from({ length: 40 }, (_, i) => i),
});

test.each<[string, Batch]>([
  ['spans', spans],
  ['spans and who sent them', sentBy(spans, client)],
  ['logs', logs],
  ['logs and who sent them', sentBy(logs, client)],
])('%s with any bit flipped are refused', (_, batch) => {
  const item = encodeItem(batch);
  expect(decodeItem(item).count).toBe(batch.count);
  const taken: number[] = [];
  for (let bit = 0; bit < item.length * 8; bit++) {
    const flipped = item.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      decodeItem(flipped);
      taken.push(bit);
    } catch {
      // As it should.
    }
  }
  expect(taken).toEqual([]);
});

test('items of the first versions, without a checksum, are read', () => {
  const checked = encodeItem(sentBy(logs, client));
  const back = decodeItem(checked.subarray(8));
  expect(back).toMatchObject({ count: 3, tenant: 'default', client: { address: '10.0.0.7' } });
});

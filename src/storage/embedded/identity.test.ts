import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame } from '../../model/batch/frame.ts';
import { concat, gather } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { identityHashes } from './identity.ts';
import { bool, double, int, type PlainSpan, spans, text } from '../conformance/plain-spans.ts';

const SEED = [0x1234_5678, 0x9abc_def0] as const;
const ids = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };

const event = {
  timeNano: 8n,
  name: 'e',
  droppedAttributes: 9,
  attributes: [['x', bool(true)]],
} as const;
const link = { traceId: 'd'.repeat(32), spanId: 'e'.repeat(16), traceState: 't', flags: 10 };
const full = {
  ...ids,
  parentSpanId: 'c'.repeat(16),
  startNano: 1_700_000_000_000_000_001n,
  endNano: 1_700_000_000_000_000_002n,
  name: 'GET /',
  kind: 2,
  status: 1,
  statusMessage: 'fine',
  traceState: 'a=b',
  flags: 1,
  droppedAttributes: 3,
  droppedEvents: 4,
  droppedLinks: 5,
  service: 'shop',
  resource: { schemaUrl: 'r', droppedAttributes: 6, attributes: [['host', text('h')]] },
  scope: { name: 'lib', version: '1', schemaUrl: 's', droppedAttributes: 7 },
  attributes: [
    ['key', text('value')],
    ['n', int(1)],
  ],
  events: [event],
  links: [link],
} satisfies PlainSpan;

function hash(span: PlainSpan): string {
  return hashesOf(spans('t', [span]))[0]!;
}

function hashesOf(batch: SpanBatch): string[] {
  const words = identityHashes(batch, SEED);
  return Array.from({ length: batch.count }, (_, i) => `${words[i * 2]}:${words[i * 2 + 1]}`);
}

test('the hash depends on every field', () => {
  const others: PlainSpan[] = [
    { traceId: 'f'.repeat(32) },
    { spanId: 'f'.repeat(16) },
    { parentSpanId: '' },
    { startNano: 1n },
    { endNano: 1n },
    { name: 'GET /x' },
    { kind: 3 },
    { status: 2 },
    { statusMessage: '' },
    { traceState: '' },
    { flags: 2 },
    { droppedAttributes: 0 },
    { droppedEvents: 0 },
    { droppedLinks: 0 },
    { service: 'shop2' },
    { resource: { ...full.resource, schemaUrl: '' } },
    { resource: { ...full.resource, droppedAttributes: 0 } },
    { resource: { ...full.resource, attributes: [['host', text('h2')]] } },
    { scope: { ...full.scope, name: '' } },
    { scope: { ...full.scope, version: '' } },
    { scope: { ...full.scope, schemaUrl: '' } },
    { scope: { ...full.scope, droppedAttributes: 0 } },
    { scope: { ...full.scope, attributes: [['a', int(1)]] } },
    { attributes: [['key', text('value')]] },
    {
      attributes: [
        ['key', text('value')],
        ['n', int(2)],
      ],
    },
    {
      attributes: [
        ['key', text('value')],
        ['n', double(1)],
      ],
    },
    {
      attributes: [
        ['value', text('key')],
        ['n', int(1)],
      ],
    },
    {
      attributes: [
        ['key', text('value')],
        ['n', int(1)],
        ['n', int(1)],
      ],
    },
    { events: [] },
    { events: [{ ...event, name: 'f' }] },
    { events: [{ ...event, timeNano: 7n }] },
    { events: [{ ...event, droppedAttributes: 0 }] },
    { events: [{ ...event, attributes: [['x', bool(false)]] }] },
    { events: [event, event] },
    { links: [] },
    { links: [{ ...link, flags: 0 }] },
    { links: [{ ...link, traceId: 'e'.repeat(32) }] },
    { links: [{ ...link, spanId: 'd'.repeat(16) }] },
    { links: [{ ...link, traceState: '' }] },
    { links: [{ ...link, attributes: [['y', text('')]] }] },
  ];
  const hashes = [full, ...others.map((other) => ({ ...full, ...other }))].map(hash);
  expect(new Set(hashes).size).toBe(others.length + 1);
});

test('the hash depends on neither the order of attributes nor on tables', () => {
  const turned = { ...full, attributes: [...full.attributes].reverse() };
  expect(hash(turned)).toBe(hash(full));
  const crowd = spans('t', [{ name: 'GET /', service: 'other' }, full, { name: 'value' }]);
  const wanted = hash(full);
  expect(hashesOf(crowd)[1]).toBe(wanted);
  expect(hashesOf(gather(crowd, Uint32Array.of(1)))).toEqual([wanted]);
  expect(hashesOf(concat([crowd, crowd]))[4]).toBe(wanted);
  expect(hashesOf(decodeFrame(encodeFrame(crowd)))[1]).toBe(wanted);
});

test('another seed gives other hashes', () => {
  const batch = spans('t', [full]);
  expect(identityHashes(batch, [1, 2])).not.toEqual(identityHashes(batch, SEED));
});

test('spans that differ little have hashes that differ in both words', () => {
  const many = spans(
    't',
    Array.from({ length: 20_000 }, (_, i) => ({
      ...ids,
      attributes: [
        ['a', int(i % 200)],
        ['b', int(Math.floor(i / 200))],
      ],
    })),
  );
  const words = identityHashes(many, SEED);
  for (const half of [0, 1]) {
    const distinct = new Set(words.filter((_, i) => i % 2 === half)).size;
    // 20,000 draws of 2^32 collide 0.05 times.
    expect(distinct).toBeGreaterThan(19_990);
  }
});

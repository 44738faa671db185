import { expect, test } from 'vitest';
import { makeAttributes, makeSpan } from '../../model/trace/span.fixture.ts';
import type { Span } from '../../model/trace/span.ts';
import { adjust } from './adjust.ts';
import { adjustClockSkew } from './clock-skew.ts';

const OFF = { maxClockSkewNano: 0n };
const keysOf = ({ attributes }: Span) => attributes.map(({ key }) => key);

test('a server span with its client’s id gets its own, and the children of it', () => {
  const [client, server, child] = adjust(
    [
      makeSpan({ spanId: '5', kind: 3 }),
      makeSpan({ spanId: '5', kind: 2, parentSpanId: '9' }),
      makeSpan({ spanId: '1', parentSpanId: '5' }),
    ],
    OFF,
  );
  expect(client?.spanId).toBe('0000000000000005');
  expect(server?.spanId).toBe('0000000000000002');
  expect(server?.parentSpanId).toBe('0000000000000005');
  expect(child?.parentSpanId).toBe('0000000000000002');
});

test('attributes come by key, events by name', () => {
  const event = (name: string) => ({ timeNano: 1n, name, droppedAttributes: 0, attributes: [] });
  const [span] = adjust(
    [makeSpan({ attributes: { b: 1, a: 2 }, events: [event('z'), event('y')] })],
    OFF,
  );
  expect(span && keysOf(span)).toEqual(['a', 'b']);
  expect(span?.events.map(({ name }) => name)).toEqual(['y', 'z']);
});

test('the same span twice appears once, other content under the same id stays', () => {
  const span = makeSpan({ attributes: { a: 1 } });
  const other = makeSpan({ attributes: { a: 2 } });
  expect(adjust([span, makeSpan({ attributes: { a: 1 } }), other], OFF)).toHaveLength(2);
});

test('numeric addresses become dotted', () => {
  const [span] = adjust(
    [makeSpan({ attributes: { ip: 2130706433, 'peer.ipv4': -1, port: 80 } })],
    OFF,
  );
  expect(span?.attributes).toEqual(
    makeAttributes({ ip: '127.0.0.1', 'peer.ipv4': '255.255.255.255', port: 80 }),
  );
});

test('what describes the SDK moves to the resource, a conflict stays with a warning', () => {
  const [moved] = adjust([makeSpan({ attributes: { 'telemetry.sdk.name': 'x', a: 1 } })], OFF);
  expect(moved && keysOf(moved)).toEqual(['a']);
  expect(moved?.resource.attributes.map(({ key }) => key)).toContain('telemetry.sdk.name');
  const resource = {
    schemaUrl: '',
    droppedAttributes: 0,
    attributes: makeAttributes({ 'telemetry.sdk.name': 'y' }),
  };
  const [kept] = adjust([makeSpan({ attributes: { 'telemetry.sdk.name': 'x' }, resource })], OFF);
  expect(kept && keysOf(kept)).toEqual(['telemetry.sdk.name']);
  expect(kept?.warnings).toHaveLength(1);
});

test('links without ids are left out with a warning', () => {
  const link = { traceState: '', flags: 0, droppedAttributes: 0, attributes: [] };
  const [span] = adjust(
    [
      makeSpan({
        links: [
          { ...link, traceId: '0'.repeat(32), spanId: '1'.padStart(16, '0') },
          { ...link, traceId: '1'.padStart(32, '0'), spanId: '1'.padStart(16, '0') },
        ],
      }),
    ],
    OFF,
  );
  expect(span?.links).toHaveLength(1);
  expect(span?.warnings).toHaveLength(1);
});

const onHost = (host: string) => ({
  schemaUrl: '',
  droppedAttributes: 0,
  attributes: makeAttributes({ 'host.name': host }),
});

test.each([
  ['a child that fits stays', { at: 100, takes: 50 }, 0],
  ['a child that starts before is centred', { at: -500, takes: 400 }, 800],
  ['a child that ends after is centred', { at: 900, takes: 400 }, -600],
  ['a longer child that starts before moves to the start', { at: -10, takes: 2000 }, 10],
  ['a longer child that starts after stays', { at: 10, takes: 2000 }, 0],
])('clock skew: %s', (_, times, moved) => {
  const root = makeSpan({ spanId: '1', takes: 1000, resource: onHost('a') });
  const child = makeSpan({ spanId: '2', parentSpanId: '1', ...times, resource: onHost('b') });
  const grandchild = makeSpan({ spanId: '3', parentSpanId: '2', at: 5, resource: onHost('b') });
  const [, after, below] = adjustClockSkew([root, child, grandchild], 1_000_000n);
  expect(Number((after?.startNano ?? 0n) - child.startNano)).toBe(moved);
  expect(Number((below?.startNano ?? 0n) - grandchild.startNano)).toBe(moved);
});

test('clock skew beyond the limit warns and changes nothing; on one host nothing is off', () => {
  const root = makeSpan({ spanId: '1', takes: 1000, resource: onHost('a') });
  const child = makeSpan({ spanId: '2', parentSpanId: '1', at: -9000, resource: onHost('b') });
  const [, after] = adjustClockSkew([root, child], 100n);
  expect(after?.startNano).toBe(child.startNano);
  expect(after?.warnings).toHaveLength(1);
  const same = makeSpan({ spanId: '2', parentSpanId: '1', at: -9000, resource: onHost('a') });
  expect(adjustClockSkew([root, same], 1_000_000n)[1]).toEqual(same);
});

import { expect, test } from 'vitest';
import { bool, int, spans, text } from '../conformance/plain-spans.ts';
import { Catalogue } from './catalogue.ts';
import { decodeTenantState, encodeTenantState } from './tenant-state.ts';

const DAY_MS = 86_400_000;
const NOW = 20_000 * DAY_MS;

function catalogueOf(...batches: Parameters<typeof spans>[1][]): Catalogue {
  const catalogue = new Catalogue();
  for (const [i, plain] of batches.entries()) catalogue.add(spans('t', plain), NOW + i * DAY_MS);
  return catalogue;
}

const lists = (catalogue: Catalogue) => ({
  services: catalogue.services(),
  operations: catalogue.services().map((service) => catalogue.operations(service)),
  keys: catalogue.attributeKeys(),
});

test('what it holds survives being written and read', () => {
  const catalogue = catalogueOf([
    {
      service: 'a',
      name: 'x',
      kind: 2,
      attributes: [
        ['k', int(1)],
        ['k2', bool(true)],
      ],
    },
    { service: 'b', name: '', events: [{ attributes: [['k', text('')]] }] },
  ]);
  const bytes = encodeTenantState({ nextFlush: 7, walTo: 9, catalogue: catalogue.takeState() });
  const state = decodeTenantState(bytes)!;
  const restored = new Catalogue();
  restored.restore(state.catalogue);
  expect(state).toMatchObject({ nextFlush: 7, walTo: 9 });
  expect(lists(restored)).toEqual(lists(catalogue));
  expect(restored.isDirty).toBe(false);
});

test('a damaged state is none', () => {
  const catalogue = catalogueOf([{ service: 'a' }]);
  const bytes = encodeTenantState({ nextFlush: 1, walTo: 1, catalogue: catalogue.takeState() });
  expect(decodeTenantState(bytes.subarray(0, bytes.length / 2))).toBeUndefined();
  expect(decodeTenantState(new TextEncoder().encode('{"format":2}'))).toBeUndefined();
});

test('it is dirty when something new came, not when the same came again', () => {
  const catalogue = catalogueOf([{ service: 'a', attributes: [['k', int(1)]] }]);
  expect(catalogue.isDirty).toBe(true);
  catalogue.takeState();
  catalogue.add(spans('t', [{ service: 'a', attributes: [['k', int(2)]] }]), NOW);
  expect(catalogue.isDirty).toBe(false);
  catalogue.add(spans('t', [{ service: 'a', attributes: [['k', text('')]] }]), NOW);
  expect(catalogue.isDirty).toBe(true);
});

test('what was not seen for long is forgotten, what was seen again is kept', () => {
  const old = { service: 'old', name: 'x', attributes: [['old', int(1)]] as const };
  const kept = { service: 'kept', name: 'x', attributes: [['kept', int(1)]] as const };
  const catalogue = catalogueOf([old, kept], [kept], [kept]);
  catalogue.prune(NOW + DAY_MS);
  expect(catalogue.services()).toEqual(['kept']);
  expect(catalogue.attributeKeys().filter(({ scope }) => scope === 'span')).toEqual([
    { scope: 'span', key: 'kept', types: ['int'] },
  ]);
});

test('what was forgotten is listed again when it comes again on the same day', () => {
  const catalogue = new Catalogue();
  const batch = spans('t', [{ service: 'a', name: 'x', attributes: [['k', int(1)]] }]);
  catalogue.add(batch, NOW);
  const before = lists(catalogue);
  catalogue.prune(NOW + DAY_MS);
  expect(catalogue.services()).toEqual([]);
  catalogue.add(batch, NOW);
  expect(lists(catalogue)).toEqual(before);
});

test('names that differ late, are long, empty or no UTF-8 are told apart', () => {
  const long = 'n'.repeat(300);
  const names = ['', 'a', 'ab', `${long}1`, `${long}2`, 'é', '\ufeffa'];
  const catalogue = new Catalogue();
  for (let times = 0; times < 2; times++) {
    for (const name of names) catalogue.add(spans('t', [{ service: 's', name }]), NOW);
  }
  const listed = catalogue.operations('s').map(({ name }) => name);
  expect(listed.toSorted()).toEqual(names.toSorted());
});

test('a key is known by its scope and its type', () => {
  const catalogue = catalogueOf([{ attributes: [['k', int(1)]] }]);
  const at = (i: number) => NOW + i;
  catalogue.add(spans('t', [{ events: [{ attributes: [['k', int(1)]] }] }]), at(1));
  catalogue.add(spans('t', [{ attributes: [['k', bool(true)]] }]), at(2));
  catalogue.add(spans('t', [{ attributes: [['k', int(1)]] }]), at(3));
  const keys = catalogue.attributeKeys().filter(({ key }) => key === 'k');
  expect(keys).toEqual([
    { scope: 'event', key: 'k', types: ['int'] },
    { scope: 'span', key: 'k', types: ['bool', 'int'] },
  ]);
});

test('its lists are bounded', () => {
  const catalogue = new Catalogue();
  for (let i = 0; i < 60; i++) {
    const many = Array.from({ length: 1000 }, (_, n) => ({ service: 's', name: `op ${i} ${n}` }));
    catalogue.add(spans('t', many), NOW);
  }
  expect(catalogue.operations('s')).toHaveLength(50_000);
});

test('names that are too long together are not listed', () => {
  const catalogue = new Catalogue();
  const many = (from: number) =>
    Array.from({ length: 1000 }, (_, i) => ({ service: 'a', name: `${from + i}`.padEnd(999) }));
  for (let from = 0; from < 20_000; from += 1000) catalogue.add(spans('t', many(from)), NOW);
  const listed = catalogue.operations('a').length;
  expect(listed).toBeGreaterThan(16_000);
  expect(listed).toBeLessThan(17_000);
  // What is forgotten makes room.
  catalogue.prune(NOW + 2 * DAY_MS);
  catalogue.add(spans('t', many(0)), NOW + 2 * DAY_MS);
  expect(catalogue.operations('a')).toHaveLength(1000);
});

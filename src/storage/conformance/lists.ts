/** Services, operations, attribute keys, dependencies. */

import { describe, expect, test } from 'vitest';
import type { AttributeValue } from '../../model/attribute.ts';
import type { AttributeValuesQuery } from '../contract.ts';
import { bool, double, int, type PlainSpan, spans, text } from './plain-spans.ts';
import { Chance } from './random-spans.ts';
import type { Subject } from './subject.ts';

const chance = new Chance(Date.now() + 1);
const START = 1_731_000_000_000_000_000n;
const RANGE = { startNano: START, endNano: START + 3_600_000_000_000n };

export function describeLists(subject: Subject): void {
  const reader = () => subject.backend().reader;

  async function tenantWith(plain: readonly PlainSpan[]): Promise<string> {
    const tenant = subject.newTenant();
    await subject.backend().writer.write(spans(tenant, plain));
    return tenant;
  }

  describe('lists', () => {
    test('services are sorted names, each once', async () => {
      const tenant = await tenantWith(
        ['shop', 'billing', 'Shop', 'shop', '가게', 'größe'].map((service) => ({ service })),
      );
      expect(await reader().getServices(tenant)).toEqual([
        'Shop',
        'billing',
        'größe',
        'shop',
        '가게',
      ]);
    });

    test('operations are those of the service, sorted by name, then kind', async () => {
      const tenant = await tenantWith([
        { service: 'shop', name: 'b', kind: 2 },
        { service: 'shop', name: 'a', kind: 3 },
        { service: 'shop', name: 'a', kind: 1 },
        { service: 'shop', name: 'a', kind: 1 },
        { service: 'other', name: 'c', kind: 2 },
        { service: 'other', name: 'd' },
      ]);
      expect(await reader().getOperations(tenant, { service: 'shop' })).toEqual([
        { name: 'a', kind: 'client' },
        { name: 'a', kind: 'internal' },
        { name: 'b', kind: 'server' },
      ]);
      expect(await reader().getOperations(tenant, { service: 'shop', kind: 'server' })).toEqual([
        { name: 'b', kind: 'server' },
      ]);
      expect(
        await reader().getOperations(tenant, { service: 'other', kind: 'unspecified' }),
      ).toEqual([{ name: 'd', kind: 'unspecified' }]);
      expect(await reader().getOperations(tenant, { service: 'nobody' })).toEqual([]);
    });

    test('values of a key are those that begin with the prefix, most frequent first', async () => {
      const of = (key: string, ...values: readonly AttributeValue[]): PlainSpan[] =>
        values.map((value) => ({ service: 's', attributes: [[key, value]] }));
      const uuid = '5f0c1a52-8d5c-4e9e-b9a1-0d3f8c6c2a11';
      const tenant = await tenantWith([
        ...of('path', text('/cart'), text('/b'), text('/cart'), text('/a'), text('/'), text(uuid)),
        ...of('path', int(503), double(1.5), bool(true), text("it's\u001f%"), text('')),
        ...of('other', text('/cart')),
      ]);
      const values = async (query: Partial<AttributeValuesQuery>) => {
        const full = { tenant, scope: 'span', key: 'path', limit: 100, ...query } as const;
        return (await reader().getAttributeValues(full)).map(({ value, count }) => [value, count]);
      };
      expect(await values({ prefix: '/' })).toEqual([
        ['/cart', 2],
        ['/', 1],
        ['/a', 1],
        ['/b', 1],
      ]);
      expect(await values({ prefix: '/c' })).toEqual([['/cart', 2]]);
      expect(await values({ limit: 1 })).toEqual([['/cart', 2]]);
      expect(await values({ prefix: '5' })).toEqual([
        [503n, 1],
        [uuid, 1],
      ]);
      expect(await values({ prefix: '1' })).toEqual([[1.5, 1]]);
      expect(await values({ prefix: 't' })).toEqual([[true, 1]]);
      expect(await values({ prefix: "it's\u001f" })).toEqual([["it's\u001f%", 1]]);
      expect(await values({})).toHaveLength(10);
      expect(await values({ key: 'no such key' })).toEqual([]);
      expect(await values({ scope: 'resource' })).toEqual([]);
      await expect(values({ limit: 0 })).rejects.toMatchObject({ code: 'invalid' });
    });

    test('values are those of the scope asked for, of events and links too', async () => {
      const tenant = await tenantWith([
        {
          service: 'shop',
          attributes: [['k', text('span')]],
          resource: { attributes: [['k', text('resource')]] },
          scope: { attributes: [['k', text('scope')]] },
          events: [
            { attributes: [['k', text('one')]] },
            {
              attributes: [
                ['k', text('two')],
                ['x', text('other')],
              ],
            },
            { attributes: [['k', text('one')]] },
          ],
          links: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), attributes: [['k', int(7)]] }],
        },
      ]);
      const values = async (scope: AttributeValuesQuery['scope'], key = 'k') =>
        (await reader().getAttributeValues({ tenant, scope, key, limit: 9 })).map(
          ({ value, count }) => [value, count],
        );
      expect(await values('span')).toEqual([['span', 1]]);
      expect(await values('resource')).toEqual([['resource', 1]]);
      expect(await values('resource', 'service.name')).toEqual([['shop', 1]]);
      expect(await values('scope')).toEqual([['scope', 1]]);
      expect(await values('event')).toEqual([
        ['one', 2],
        ['two', 1],
      ]);
      expect(await values('link')).toEqual([[7n, 1]]);
    });

    test('attribute keys have their scope and all their types', async () => {
      const tenant = await tenantWith([
        {
          service: 's',
          attributes: [
            ['k', int(1)],
            ['z', bool(true)],
          ],
        },
        {
          service: 's',
          attributes: [
            ['k', text('x')],
            ['a', { type: 'array', value: [] }],
          ],
          events: [{ attributes: [['e', double(1)]] }],
          links: [
            { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), attributes: [['k', text('')]] },
          ],
          scope: { attributes: [['lang', text('ts')]] },
        },
      ]);
      expect(await reader().getAttributeKeys(tenant)).toEqual([
        { scope: 'event', key: 'e', types: ['double'] },
        { scope: 'link', key: 'k', types: ['string'] },
        { scope: 'resource', key: 'service.name', types: ['string'] },
        { scope: 'scope', key: 'lang', types: ['string'] },
        { scope: 'span', key: 'a', types: ['array'] },
        { scope: 'span', key: 'k', types: ['string', 'int'] },
        { scope: 'span', key: 'z', types: ['bool'] },
      ]);
    });

    test('a tenant that wrote nothing has none', async () => {
      expect(await reader().getServices('silent')).toEqual([]);
      expect(await reader().getOperations('silent', { service: 's' })).toEqual([]);
      expect(await reader().getAttributeKeys('silent')).toEqual([]);
      expect(await reader().getDependencies('silent', RANGE)).toEqual([]);
    });

    test('dependencies count calls between services whose child starts in the range', async () => {
      const traceId = chance.hex(16);
      const span = (id: number, parent: number, service: string, at: bigint): PlainSpan => ({
        traceId,
        spanId: id.toString(16).padStart(16, '0'),
        parentSpanId: parent === 0 ? '' : parent.toString(16).padStart(16, '0'),
        service,
        startNano: START + at,
      });
      const minute = 60_000_000_000n;
      const tenant = await tenantWith([
        span(1, 0, 'front', -minute),
        span(2, 1, 'cart', 0n),
        span(3, 1, 'cart', minute),
        span(4, 1, 'front', minute),
        span(5, 2, 'db', minute),
        span(6, 99, 'lost', minute),
        span(7, 2, 'late', 61n * minute),
      ]);
      await subject.backend().writer.write(spans(tenant, [span(8, 3, 'db', 2n * minute)]));
      const links = await reader().getDependencies(tenant, RANGE);
      expect(links.filter(({ parent, child }) => parent !== child)).toEqual([
        { parent: 'cart', child: 'db', callCount: 2 },
        { parent: 'front', child: 'cart', callCount: 2 },
      ]);
    });
  });
}

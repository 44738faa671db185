/** Services, operations, attribute keys, dependencies. */

import { describe, expect, test } from 'vitest';
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

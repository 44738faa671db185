import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { attributeColumn, columnOfName, type ColumnValueType } from './schema.ts';

const types: readonly ColumnValueType[] = ['string', 'uuid', 'ipv4', 'int', 'double', 'bool'];

/** Keys that look like what the names of columns are made of. */
const key = fc
  .array(
    fc.constantFrom(
      'a',
      'B',
      '.',
      ':int',
      ':string',
      ':uuid',
      ':uuid:string',
      ':ipv4',
      '~1',
      '~0',
      ':bool',
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => parts.join(''));

test('a name says scope, key and type, and no two share one, whatever their case', () => {
  const known = new Map<string, string>();
  fc.assert(
    fc.property(fc.constantFrom('span', 'resource', 'scope'), key, (scope, one) => {
      for (const type of types) {
        const column = attributeColumn(scope, one, type);
        expect(column?.kind).toBe('attribute');
        const name = column?.name ?? '';
        expect(columnOfName(name)).toEqual(column);
        const whose = JSON.stringify([scope, one, type]);
        expect(known.get(name.toLowerCase()) ?? whose).toBe(whose);
        known.set(name.toLowerCase(), whose);
      }
    }),
    { numRuns: 5000 },
  );
});

test('columns of UUIDs have a name that no other attribute ever had', () => {
  expect(attributeColumn('span', 'id', 'uuid')?.name).toBe('span.id:uuid:string');
  expect(attributeColumn('span', 'id:uuid', 'string')?.name).toBe('span.id:uuid');
  expect(attributeColumn('span', 'id:uuid:string', 'string')?.name).toBe(
    'span.id:uuid:string:string',
  );
});

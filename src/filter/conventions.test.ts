import { expect, test } from 'vitest';
import { type Field, type Filter, intrinsic } from './ast.ts';
import { namesOf, withAllNames } from './conventions.ts';

const at = (key: string): Field => ({ kind: 'attribute', scope: 'span', key });
const is = (key: string): Filter => ({ op: 'compare', field: at(key), by: '=', value: 503n });

test('old asks for new, new asks for old, and no name is in two groups', () => {
  expect(namesOf('http.status_code')).toEqual(['http.status_code', 'http.response.status_code']);
  expect(namesOf('http.response.status_code')).toEqual([
    'http.response.status_code',
    'http.status_code',
  ]);
  expect(namesOf('db.collection.name')).toContain('db.sql.table');
  expect(namesOf('my.own')).toEqual(['my.own']);
  for (const name of namesOf('network.protocol.version')) {
    expect(new Set(namesOf(name))).toEqual(new Set(namesOf('network.protocol.version')));
  }
});

test('every leaf that names an attribute is asked under each of its names', () => {
  const own: Filter = { op: 'exists', field: intrinsic('name') };
  const filter: Filter = {
    op: 'and',
    of: [own, { op: 'not', of: is('http.status_code') }, { op: 'some', in: 'event', of: own }],
  };
  expect(withAllNames(filter)).toEqual({
    op: 'and',
    of: [
      own,
      {
        op: 'not',
        of: { op: 'or', of: [is('http.status_code'), is('http.response.status_code')] },
      },
      { op: 'some', in: 'event', of: own },
    ],
  });
  expect(withAllNames({ op: 'looseEquals', key: 'http.method', text: 'GET' })).toEqual({
    op: 'or',
    of: [
      { op: 'looseEquals', key: 'http.method', text: 'GET' },
      { op: 'looseEquals', key: 'http.request.method', text: 'GET' },
    ],
  });
});

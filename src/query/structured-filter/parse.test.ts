import { describe, expect, test } from 'vitest';
import { type Field, type Filter, intrinsic } from '../../filter/ast.ts';
import { parseStructuredFilter } from './parse.ts';

const attr = (key: string, level?: string) => ({
  attr: level === undefined ? { key } : { key, level },
});
const field = (level: string, name: string) => ({ field: { level, name } });
const scalar = (value: string, type?: string) => ({
  scalar: type === undefined ? { value } : { value, type },
});
const list = (values: string[], type?: string) => ({
  list: type === undefined ? { values } : { values, type },
});
const call = (op: string, ...args: unknown[]) => ({ op, args });
const nested = (op: string, ...args: unknown[]) => ({ call: call(op, ...args) });

const at = (scope: 'span' | 'resource' | 'event', key: string): Field => ({
  kind: 'attribute',
  scope,
  key,
});
const within = (of: Field, ...values: (string | bigint | number | boolean)[]): Filter => ({
  op: 'in',
  field: of,
  values,
});

const parse = (tree: unknown) => parseStructuredFilter(JSON.stringify(tree));

test.each<[string, unknown, Filter]>([
  [
    'an attribute without a level is of the span or its resource, without a type of any',
    call('eq', attr('a'), scalar('503')),
    {
      op: 'or',
      of: [within(at('span', 'a'), '503', 503n), within(at('resource', 'a'), '503', 503n)],
    },
  ],
  [
    'a type is meant',
    call('eq', attr('a', 'span'), scalar('503', 'string')),
    within(at('span', 'a'), '503'),
  ],
  [
    'a double',
    call('gte', attr('a', 'span'), scalar('1.5', 'double')),
    { op: 'compare', field: at('span', 'a'), by: '>=', value: 1.5 },
  ],
  [
    'order without a type is asked as text and as number',
    call('gt', attr('a', 'span'), scalar('5')),
    {
      op: 'or',
      of: [
        { op: 'compare', field: at('span', 'a'), by: '>', value: '5' },
        { op: 'compare', field: at('span', 'a'), by: '>', value: 5n },
      ],
    },
  ],
  [
    'a duration',
    call('gt', field('span', 'duration'), scalar('2s')),
    { op: 'compare', field: intrinsic('durationNano'), by: '>', value: 2_000_000_000n },
  ],
  [
    'the constant may come first',
    call('gt', scalar('2s'), field('span', 'duration')),
    { op: 'compare', field: intrinsic('durationNano'), by: '<', value: 2_000_000_000n },
  ],
  [
    'a time',
    call('lte', field('event', 'time'), scalar('1970-01-01T00:00:01.000000001Z')),
    { op: 'compare', field: intrinsic('eventTimeNano'), by: '<=', value: 1_000_000_001n },
  ],
  [
    'ne wants the value to be there',
    call('ne', field('span', 'status'), scalar('error')),
    {
      op: 'and',
      of: [
        { op: 'exists', field: intrinsic('status') },
        { op: 'not', of: within(intrinsic('status'), 'error') },
      ],
    },
  ],
  [
    'in',
    call('in', field('span', 'kind'), list(['server', 'client'])),
    within(intrinsic('kind'), 'server', 'client'),
  ],
  [
    'not_in',
    call('not_in', attr('a', 'span'), list(['1', '2'], 'int')),
    {
      op: 'and',
      of: [
        { op: 'exists', field: at('span', 'a') },
        { op: 'not', of: within(at('span', 'a'), 1n, 2n) },
      ],
    },
  ],
  [
    'an id in any case',
    call('eq', field('link', 'spanID'), scalar('00AB00000000CD00')),
    within(intrinsic('linkSpanId'), '00ab00000000cd00'),
  ],
  [
    'regex',
    call('regex', field('resource', 'service'), scalar('^a.*')),
    { op: 'regex', field: intrinsic('service'), pattern: '^a.*' },
  ],
  [
    'some, and a whole expression around it',
    {
      call: call(
        'some',
        { nested: { level: 'event' } },
        nested(
          'and',
          nested('exists', attr('x', 'event')),
          nested('eq', field('event', 'name'), scalar('n')),
        ),
      ),
    },
    {
      op: 'some',
      in: 'event',
      of: {
        op: 'and',
        of: [{ op: 'exists', field: at('event', 'x') }, within(intrinsic('eventName'), 'n')],
      },
    },
  ],
  [
    'the trace',
    call('not', nested('gt', field('trace', 'duration'), scalar('1ms'))),
    {
      op: 'not',
      of: {
        op: 'compare',
        field: { kind: 'trace', name: 'durationNano' },
        by: '>',
        value: 1_000_000n,
      },
    },
  ],
])('%s', (_, tree, filter) => {
  expect(parse(tree)).toEqual(filter);
});

describe('what is wrong is named with its place', () => {
  const deep = Array.from({ length: 25 }).reduce<unknown>(
    (inner) => nested('not', inner),
    nested('exists', attr('a')),
  );
  test.each<[unknown, string]>([
    ['x', 'filter: expected a call'],
    [call('like', attr('a'), scalar('b')), 'filter: unknown operator "like"; there are and, or'],
    [call('toString'), 'unknown operator "toString"'],
    [call('and', nested('exists', attr('a'))), 'at least 2 arguments, got 1'],
    [call('not', attr('a')), 'filter.args[0]: expected a predicate'],
    [call('eq', attr('a')), 'takes 2 argument(s), got 1'],
    [call('eq', attr('', 'span'), scalar('x')), 'filter.args[0]: an attribute needs a "key"'],
    [call('eq', attr('a', 'trace'), scalar('x')), 'unknown level "trace"; there are span'],
    [call('eq', field('span', 'length'), scalar('x')), 'unknown field "length" of span'],
    [call('eq', field('', 'name'), scalar('x')), 'unknown level ""'],
    [call('eq', attr('a'), attr('b')), 'two references cannot be compared'],
    [call('eq', scalar('a'), scalar('b')), 'one of the two must be a reference'],
    [call('gt', field('span', 'duration'), scalar('banana')), '"banana" is no duration like 2s'],
    [call('gt', field('span', 'duration'), scalar('5', 'int')), 'holds a duration, not a int'],
    [call('eq', field('span', 'kind'), scalar('SERVER')), '"SERVER" is no span kind'],
    [call('gt', field('span', 'kind'), scalar('server')), 'have no order'],
    [call('lt', attr('a'), scalar('true', 'bool')), 'have no order'],
    [call('eq', attr('a'), scalar('1.5', 'int')), '"1.5" is no int'],
    [call('eq', attr('a'), scalar('1', 'float')), 'unknown type "float"'],
    [call('eq', attr('a'), { scalar: { value: 5 } }), 'a value is written as a string'],
    [call('in', attr('a'), list([])), 'at least one value'],
    [call('in', list(['a']), attr('a')), 'the list is the second argument'],
    [call('regex', attr('a'), scalar('(')), 'filter.args[1]: "(" is not a regular expression'],
    [call('regex', field('span', 'duration'), scalar('x')), 'a pattern matches text'],
    [call('exists', { nested: { level: 'event' } }), 'a collection can only be'],
    [call('some', { nested: { level: 'span' } }, nested('exists', attr('a'))), 'some takes'],
    [
      call(
        'some',
        { nested: { level: 'event' } },
        nested('some', { nested: { level: 'event' } }, nested('exists', attr('a'))),
      ),
      'filter.args[1]: some is already looking at one event',
    ],
    [call('not', deep), 'nest deeper than 20'],
    [
      call('and', ...Array.from({ length: 1001 }, () => nested('exists', attr('a')))),
      'more than 1000 calls',
    ],
  ])('%j', (tree, message) => {
    expect(() => parse(tree)).toThrow(message);
  });

  test('text that is no JSON, and text that is too long', () => {
    expect(() => parseStructuredFilter('{')).toThrow('query.filter: it is no JSON');
    expect(() => parseStructuredFilter(' '.repeat(70_000))).toThrow('longer than 65536');
  });
});

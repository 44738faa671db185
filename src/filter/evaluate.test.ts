import { describe, expect, test } from 'vitest';
import type { AttributeValue, KeyValue } from '../model/attribute.ts';
import { addAttributes } from '../model/batch/build-value.ts';
import { SpanBatchBuilder } from '../model/batch/builder.ts';
import { SpanView } from '../model/batch/view.ts';
import { writeWords } from '../model/time.ts';
import { type AttributeScope, type Field, type Filter, intrinsic, type Scalar } from './ast.ts';
import { compareScalars, compareText } from './compare.ts';
import { RegexError } from '../lib/regex.ts';
import { compileFilter } from './evaluate.ts';

const string = (key: string, value: string): KeyValue => ({
  key,
  value: { type: 'string', value },
});
const value = (key: string, of: AttributeValue): KeyValue => ({ key, value: of });

/** One span of service "cart", with one attribute of each type and a key in every scope. */
function exampleSpan(): SpanView {
  const builder = new SpanBatchBuilder();
  const { strings, spans, events, links, resources, scopes } = builder;
  const resource = resources.open();
  resources.columns.services[resource] = strings.internText('cart');
  addAttributes(builder, resources.attributes, [string('where', 'resource'), string('host', 'h1')]);
  const scope = scopes.open();
  scopes.columns.names[scope] = strings.internText('lib');
  scopes.columns.versions[scope] = strings.internText('1.2');
  addAttributes(builder, scopes.attributes, [string('where', 'scope')]);
  const row = builder.openSpan();
  const { columns } = spans;
  columns.traceIds[row * 16 + 15] = 0xab;
  columns.spanIds[row * 8 + 7] = 1;
  columns.names[row] = strings.internText('GET /cart');
  columns.kinds[row] = 2;
  columns.statusCodes[row] = 2;
  columns.resources[row] = resource;
  columns.scopes[row] = scope;
  writeWords(columns.startNano, row * 2, 1_000n);
  writeWords(columns.endNano, row * 2, 3_500n);
  addAttributes(builder, spans.attributes, [
    string('where', 'span'),
    value('code', { type: 'int', value: 503n }),
    value('big', { type: 'int', value: 2n ** 53n + 1n }),
    value('ratio', { type: 'double', value: 1.5 }),
    value('nan', { type: 'double', value: Number.NaN }),
    value('hit', { type: 'bool', value: true }),
    value('list', { type: 'array', value: [{ type: 'string', value: 'x' }] }),
    value('none', { type: 'empty' }),
    string('twice', 'first'),
    string('twice', 'second'),
  ]);
  for (const name of ['start', 'exception']) {
    const event = events.open();
    events.columns.names[event] = strings.internText(name);
    addAttributes(builder, events.attributes, [string('where', `event ${name}`)]);
  }
  links.open();
  addAttributes(builder, links.attributes, [string('where', 'link')]);
  return new SpanView(builder.seal('t'));
}

const at = (scope: AttributeScope | 'any', key: string): Field => ({
  kind: 'attribute',
  scope,
  key,
});
const compare = (field: Field, by: '=' | '!=' | '<' | '<=' | '>' | '>=', of: Scalar): Filter => ({
  op: 'compare',
  field,
  by,
  value: of,
});
const exists = (field: Field): Filter => ({ op: 'exists', field });
const loose = (key: string, text: string): Filter => ({ op: 'looseEquals', key, text });
const regex = (field: Field, pattern: string): Filter => ({ op: 'regex', field, pattern });
const some = (element: 'event' | 'link', of: Filter): Filter => ({ op: 'some', in: element, of });
const not = (of: Filter): Filter => ({ op: 'not', of });

const cases: [string, Filter, boolean][] = [
  ['string equal', compare(at('span', 'where'), '=', 'span'), true],
  ['string unequal', compare(at('span', 'where'), '!=', 'span'), false],
  ['another type is not equal', compare(at('span', 'code'), '=', '503'), false],
  ['another type is not unequal either', compare(at('span', 'code'), '!=', '503'), false],
  ['but `not` of it is true', not(compare(at('span', 'code'), '=', '503')), true],
  ['absent is not equal', compare(at('span', 'no'), '=', 'x'), false],
  ['absent is not unequal', compare(at('span', 'no'), '!=', 'x'), false],
  ['`not` of absent', not(compare(at('span', 'no'), '=', 'x')), true],
  ['int against double', compare(at('span', 'code'), '>', 502.5), true],
  ['double against int', compare(at('span', 'ratio'), '<', 2n), true],
  ['beyond 2^53 exactly', compare(at('span', 'big'), '=', 2 ** 53), false],
  ['beyond 2^53 ordered', compare(at('span', 'big'), '>', 2 ** 53), true],
  ['NaN is not equal', compare(at('span', 'nan'), '=', Number.NaN), false],
  ['NaN is unequal', compare(at('span', 'nan'), '!=', 1), true],
  ['NaN is not more', compare(at('span', 'nan'), '>', 1), false],
  ['bool', compare(at('span', 'hit'), '=', true), true],
  ['bool has no order', compare(at('span', 'hit'), '>=', true), false],
  ['arrays do not compare', compare(at('span', 'list'), '!=', 'x'), false],
  ['a duplicate key: one is enough', compare(at('span', 'twice'), '=', 'second'), true],
  ['any scope: link', compare(at('any', 'where'), '=', 'link'), true],
  ['any scope: scope', compare(at('any', 'where'), '=', 'scope'), true],
  ['any scope: one of several differs', compare(at('any', 'where'), '!=', 'span'), true],
  ['second event', compare(at('event', 'where'), '=', 'event exception'), true],
  ['only that scope', compare(at('resource', 'where'), '=', 'span'), false],
  ['in', { op: 'in', field: at('span', 'code'), values: ['x', 503.0] }, true],
  ['in nothing', { op: 'in', field: at('span', 'code'), values: [] }, false],
  ['exists', exists(at('resource', 'host')), true],
  ['exists of an array', exists(at('span', 'list')), true],
  ['exists of an empty value', exists(at('span', 'none')), true],
  ['exists not', exists(at('span', 'host')), false],
  ['intrinsic text', compare(intrinsic('service'), '=', 'cart'), true],
  ['kind by name', compare(intrinsic('kind'), '=', 'server'), true],
  ['status by name', compare(intrinsic('status'), '=', 'error'), true],
  ['duration', compare(intrinsic('durationNano'), '>=', 2_500n), true],
  ['duration against a double', compare(intrinsic('durationNano'), '<', 2_500.5), true],
  ['start', compare(intrinsic('startNano'), '<', 1_000n), false],
  ['trace id', compare(intrinsic('traceId'), '=', `${'0'.repeat(30)}ab`), true],
  ['a root has no parent', exists(intrinsic('parentSpanId')), false],
  ['a root, by its empty parent', compare(intrinsic('parentSpanId'), '=', ''), true],
  ['event name', compare(intrinsic('eventName'), '=', 'exception'), true],
  [
    'events are looked at apart without `some`',
    {
      op: 'and',
      of: [
        compare(intrinsic('eventName'), '=', 'start'),
        compare(at('event', 'where'), '=', 'event exception'),
      ],
    },
    true,
  ],
  [
    '`some` is of one event',
    some('event', {
      op: 'and',
      of: [
        compare(intrinsic('eventName'), '=', 'start'),
        compare(at('event', 'where'), '=', 'event exception'),
      ],
    }),
    false,
  ],
  [
    '`some` finds the second event',
    some('event', compare(at('any', 'where'), '=', 'event exception')),
    true,
  ],
  ['`some` sees the span too', some('event', compare(intrinsic('name'), '=', 'GET /cart')), true],
  ['`not some` is of none', not(some('link', compare(at('link', 'where'), '=', 'no'))), true],
  [
    'after `some` all events count again',
    {
      op: 'and',
      of: [
        some('event', compare(intrinsic('eventName'), '=', 'start')),
        compare(intrinsic('eventName'), '=', 'exception'),
      ],
    },
    true,
  ],
  ['end', compare(intrinsic('endNano'), '=', 3_500n), true],
  ['event time from the start', compare(intrinsic('eventSinceStartNano'), '=', -1_000n), true],
  ['link id', compare(intrinsic('linkSpanId'), '=', '0'.repeat(16)), true],
  ['regex is unanchored', regex(intrinsic('name'), 'cart$'), true],
  ['regex anchored', regex(intrinsic('name'), '^/cart'), false],
  ['regex of text only', regex(at('span', 'code'), '503'), false],
  ['loose int', loose('code', '503'), true],
  ['loose double', loose('ratio', '1.5'), true],
  ['loose bool', loose('hit', 'true'), true],
  ['loose in an event', loose('where', 'event start'), true],
  ['loose array', loose('list', 'x'), false],
  ['error', loose('error', 'true'), true],
  ['error=false', loose('error', 'false'), false],
  ['error=nonsense', loose('error', 'maybe'), false],
  ['span.kind', loose('span.kind', 'SERVER'), true],
  ['span.status', loose('span.status', 'ok'), false],
  ['scope.name', loose('scope.name', 'lib'), true],
  ['scope.version', loose('scope.version', '2'), false],
  ['and', { op: 'and', of: [loose('hit', 'true'), loose('code', '1')] }, false],
  ['and of nothing', { op: 'and', of: [] }, true],
  ['or', { op: 'or', of: [loose('hit', 'true'), loose('code', '1')] }, true],
  ['or of nothing', { op: 'or', of: [] }, false],
];

describe('a filter on a span', () => {
  const span = exampleSpan();
  test.each(cases)('%s', (_name, filter, expected) => {
    expect(compileFilter(filter)(span)).toBe(expected);
  });

  test('a bad pattern is refused when compiled', () => {
    expect(() => compileFilter(regex(intrinsic('name'), '('))).toThrow(RegexError);
  });
});

describe('comparison', () => {
  const order = ['', 'a', 'ab', 'b', 'é', '\uffee', '\u{1f600}'];
  test('text is ordered as its UTF-8 bytes are', () => {
    for (const [i, left] of order.entries()) {
      for (const [j, right] of order.entries()) {
        expect(Math.sign(compareText(left, right))).toBe(Math.sign(i - j));
        expect(Math.sign(Buffer.compare(Buffer.from(left), Buffer.from(right)))).toBe(
          Math.sign(i - j),
        );
      }
    }
  });
  test('each operator', () => {
    const holding = (left: Scalar, right: Scalar) =>
      (['=', '!=', '<', '<=', '>', '>='] as const).filter((by) => compareScalars(left, by, right));
    expect(holding(1n, 2)).toEqual(['!=', '<', '<=']);
    expect(holding(2, 2n)).toEqual(['=', '<=', '>=']);
    expect(holding('b', 'a')).toEqual(['!=', '>', '>=']);
    expect(holding(true, false)).toEqual(['!=']);
    expect(holding(true, 1n)).toEqual([]);
    expect(holding(Number.NaN, Number.NaN)).toEqual(['!=']);
  });
});

test('a field of the trace is refused, not answered', () => {
  const field: Field = { kind: 'trace', name: 'rootName' };
  expect(() => compileFilter(exists(field))).toThrow('rootName');
});

import { describe, expect, test } from 'vitest';
import { SpanView } from '../model/batch/view.ts';
import { makeAttributes, makeSpan } from '../model/trace/span.fixture.ts';
import { batchOf } from '../model/trace/span.ts';
import { compileAny, compileCondition } from './compile.ts';
import { eventItems, spanEventContext } from './contexts/span-event.ts';
import { spanContext } from './contexts/span.ts';
import { OttlError } from './error.ts';
import { parseCondition } from './parser.ts';

const span = makeSpan({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  name: 'GET /cart',
  kind: 2,
  statusCode: 2,
  statusMessage: 'boom',
  traceState: 'a=1, b=2',
  takes: 1_500_000_000,
  attributes: {
    'http.status': 503,
    ratio: 0.5,
    ok: false,
    url: 'https://shop.example/cart',
    list: {
      type: 'array',
      value: [
        { type: 'string', value: 'x' },
        { type: 'int', value: 2n },
      ],
    },
    map: { type: 'kvlist', value: makeAttributes({ inner: 'deep' }) },
    twice: 1,
  },
  scope: { name: 'lib', version: '1', schemaUrl: '', droppedAttributes: 0, attributes: [] },
  events: [
    { timeNano: 5n, name: 'start', droppedAttributes: 0, attributes: [] },
    {
      timeNano: 6n,
      name: 'exception',
      droppedAttributes: 0,
      attributes: makeAttributes({ 'exception.type': 'TypeError' }),
    },
  ],
});
const view = new SpanView(batchOf('default', [span]));
const holds = (condition: string): boolean => compileCondition(condition, spanContext)(view);

describe('what holds of a span', () => {
  test.each([
    'true',
    'name == "GET /cart"',
    'span.name == "GET /cart" and resource.attributes["service.name"] == "web"',
    'attributes["http.status"] == 503',
    'attributes["http.status"] == 503.0',
    'attributes["http.status"] >= 500 and attributes["http.status"] < 600',
    'attributes["ratio"] > 0',
    'attributes["ratio"] == .5',
    'attributes["ok"] == false',
    'attributes["gone"] == nil',
    'attributes["http.status"] != nil',
    'attributes["http.status"] != "503"',
    'not (attributes["http.status"] < "9")',
    'attributes["list"][0] == "x" and attributes["list"][1] == 2',
    'attributes["list"] == ["x", 2]',
    'attributes["map"]["inner"] == "deep"',
    'attributes["map"] == {"inner": "deep"}',
    'attributes["gone"]["deeper"] == nil',
    'ContainsValue(attributes["list"], "x")',
    'Keys(attributes["map"])[0] == "inner"',
    'status.code == STATUS_CODE_ERROR and kind == SPAN_KIND_SERVER',
    'kind.string == "Server" and kind.deprecated_string == "SPAN_KIND_SERVER"',
    'status.message == "boom"',
    'IsRootSpan()',
    'parent_span_id == nil and parent_span_id != 0x00',
    'trace_id == TraceID(0x0af7651916cd43dd8448eb211c80319c)',
    'trace_id == 0x0af7651916cd43dd8448eb211c80319c',
    'trace_id.string == "0af7651916cd43dd8448eb211c80319c"',
    'span_id == SpanID("b7ad6b7169203331")',
    'trace_state["b"] == "2" and trace_state["c"] == nil',
    'end_time - start_time > Duration("1s")',
    'end_time - start_time == Duration("1.5s")',
    'Milliseconds(end_time - start_time) == 1500',
    'Seconds(end_time - start_time) == 1.5',
    '(end_time_unix_nano - start_time_unix_nano) / 1000000 == 1500',
    '1 + 2 * 3 == 7 and (1 + 2) * 3 == 9 and 7 / 2 == 3 and -1 < 0',
    'true or true and false',
    'not false and true',
    'not true or true',
    '(true and false) or (false or true)',
    'IsMatch(name, "^GET /c.*t$")',
    'IsMatch(attributes["http.status"], "^5\\\\d\\\\d$")',
    'not IsMatch(attributes["gone"], ".*")',
    'IsString(name) and IsInt(attributes["http.status"]) and IsDouble(attributes["ratio"])',
    'IsMap(attributes) and IsList(attributes["list"]) and not IsBool(name)',
    'HasPrefix(name, "GET") and HasSuffix(name, "cart")',
    'Concat([ToLowerCase(name), "x"], "-") == "get /cart-x"',
    'Substring(name, 0, 3) == "GET" and Split(name, " ")[1] == "/cart"',
    'Substring(target=name, length=3, start=0) == "GET"',
    'Trim("  a ") == "a" and Len(name) == 9',
    'Int("42") == 42 and Double("1.5") == 1.5 and String(7) == "7" and Int("x") == nil',
    'instrumentation_scope.name == "lib" and scope.version == "1"',
    'SHA256("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"',
    'name == "GET \\u002fcart"',
  ])('%s', (condition) => {
    expect(holds(condition)).toBe(true);
    expect(holds(`not (${condition})`)).toBe(false);
  });
});

test('conditions of a list are joined by or', () => {
  const any = compileAny(['name == "other"', 'kind == SPAN_KIND_SERVER'], spanContext);
  expect(any(view)).toBe(true);
  expect(compileAny([], spanContext)(view)).toBe(false);
});

test('events know themselves, their span and its resource', () => {
  const found = (condition: string) =>
    eventItems(view)
      .filter(compileCondition(condition, spanEventContext))
      .map(({ event }) => event.name);
  expect(found('name == "exception"')).toEqual(['exception']);
  expect(found('spanevent.attributes["exception.type"] == "TypeError"')).toEqual(['exception']);
  expect(found('span.name == "GET /cart" and event_index == 0')).toEqual(['start']);
  expect(found('resource.attributes["service.name"] == "web"')).toHaveLength(2);
});

test.each([
  ['', 'syntax'],
  ['name', 'syntax'],
  ['name ==', 'syntax'],
  ['name == "open', 'syntax'],
  ['name = "x"', 'syntax'],
  ['(name == "x"', 'syntax'],
  ['name == "x") ', 'syntax'],
  ['name == "x" "y"', 'syntax'],
  ['name == "\\q"', 'syntax'],
  ['0x1 == 0x01', 'syntax'],
  ['99999999999999999999 == 1', 'syntax'],
  ['IsMatch(name)', 'syntax'],
  ['IsMatch(name, "(")', 'bad_regex'],
  ['IsMatch(name, "a", "b")', 'syntax'],
  ['Substring(text=name, start=0, length=1) == "a"', 'syntax'],
  ['nonsense == 1', 'unknown_name'],
  ['attribute["a"] == 1', 'unknown_name'],
  ['NoSuch(name)', 'unknown_name'],
  ['kind == SPAN_KIND_OTHER', 'unknown_name'],
  [`${'('.repeat(200)}true${')'.repeat(200)}`, 'syntax'],
])('%s is refused when it is read: %s', (condition, code) => {
  expect(() => holds(condition)).toThrow(expect.objectContaining({ code }));
});

test.each(['1 / 0 == 1', 'name + 1 == 2', 'Len(1) == 1', 'Int(true)', 'name["x"] == 1'])(
  '%s fails when it is evaluated',
  (condition) => {
    const predicate = compileCondition(condition, spanContext);
    expect(() => predicate(view)).toThrow(OttlError);
  },
);

test('random text never crashes the parser', () => {
  const parts = [
    'name',
    '==',
    '"x"',
    '(',
    ')',
    'and',
    'not',
    '[',
    ']',
    '1',
    '.5',
    '-',
    '{',
    ',',
    'F(',
  ];
  let seed = 5;
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: 1 + (round % 12) }, () => {
      seed = (seed * 48271) % 2147483647;
      return parts[seed % parts.length];
    }).join(' ');
    try {
      parseCondition(text);
    } catch (error) {
      expect(error).toBeInstanceOf(OttlError);
    }
  }
});

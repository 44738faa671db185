/** Every converter by a condition that holds, and by one that fails. */
import { expect, test } from 'vitest';
import { SpanView } from '../model/batch/view.ts';
import { makeAttributes, makeSpan } from '../model/trace/span.fixture.ts';
import { batchOf } from '../model/trace/span.ts';
import { compileCondition } from './compile.ts';
import { spanContext } from './contexts/span.ts';
import { OttlError } from './error.ts';

const view = new SpanView(
  batchOf('default', [
    makeSpan({
      name: 'GET /Cart',
      attributes: {
        map: { type: 'kvlist', value: makeAttributes({ a: 1, b: 'x' }) },
        list: {
          type: 'array',
          value: [3n, 1n, 2n].map((value) => ({ type: 'int', value }) as const),
        },
      },
      events: [
        { timeNano: 5n, name: 'e', droppedAttributes: 0, attributes: makeAttributes({ k: 7 }) },
      ],
    }),
  ]),
);
const holds = (condition: string): boolean => compileCondition(condition, spanContext)(view);

test.each([
  'ToSnakeCase("httpStatusCode") == "http_status_code"',
  'ToSnakeCase("HTTPServer name") == "http_server_name"',
  'ToCamelCase("http_status-code") == "HttpStatusCode"',
  'ConvertCase(name, "upper") == "GET /CART" and ConvertCase(name, "lower") == "get /cart"',
  'ConvertCase("aB", "snake") == "a_b" and ConvertCase("a_b", "camel") == "AB"',
  'TrimPrefix(name, "GET ") == "/Cart" and TrimPrefix(name, "x") == name',
  'TrimSuffix(name, "Cart") == "GET /"',
  'Format("%s has %d of %05.2f%%", ["a", 3, 1.5]) == "a has 3 of 01.50%"',
  'Format("%03d %x %q", [7, 255, "a"]) == "007 ff \\"a\\""',
  'ExtractPatterns(name, "^(?P<method>\\\\w+) /(?P<page>\\\\w+)")["page"] == "Cart"',
  'ExtractPatterns("none", "(?P<digit>\\\\d)")["digit"] == nil',
  'Base64Decode("aGVsbG8=") == "hello" and Decode("aGVsbG8", "base64-raw") == "hello"',
  'FNV("foobar") == FNV_VALUE',
  'Murmur3Hash("hello") == "47fa8b24"',
  'ParseJSON("{\\"a\\": [1, {\\"b\\": true}]}")["a"][1]["b"] == true',
  'ParseJSON("{\\"n\\": 1.5}")["n"] == 1.5',
  'ParseInt("ff", 16) == 255 and ParseInt("-12", 10) == -12',
  'ParseInt("9223372036854775807", 10) == 9223372036854775807 and ParseInt("+007", 10) == 7',
  'ParseInt("0x1_0", 0) == 16 and ParseInt("010", 0) == 8 and ParseInt("0", 0) == 0',
  'ParseKeyValue("a=1 b=\\"x y\\" ")["a"] == "1"',
  'ParseKeyValue("a=1 b=\\"x y\\"")["b"] == "x y"',
  'ParseKeyValue("a:1||b:2", ":", "||")["b"] == "2"',
  'ParseCSV("1,\\"a,b\\",3", "x,y,z")["y"] == "a,b"',
  'ParseCSV("1;2", "x|y", ";", "|")["y"] == "2"',
  'URL("https://u:p@shop.example:8443/a/b?x=1#f")["url.domain"] == "shop.example"',
  'URL("https://shop.example:8443/a")["url.port"] == 8443',
  'Values(attributes["map"])[1] == "x"',
  'Sort(attributes["list"]) == [1, 2, 3] and Sort(attributes["list"], "desc")[0] == 3',
  'Coalesce([attributes["gone"], nil, name]) == name',
  'IsInCIDR("10.1.2.3", ["192.168.0.0/16", "10.0.0.0/8"])',
  'IsInCIDR("fd00::1", ["fd00::/8"]) and not IsInCIDR("11.0.0.1", ["10.0.0.0/8"])',
  'IsValidLuhn("4532015112830366") and not IsValidLuhn("4532015112830367")',
  'Len(UUID()) == 36 and IsMatch(UUIDv7(), "^[0-9a-f]{8}-[0-9a-f]{4}-7")',
  'UUID() != UUID()',
  'UnixSeconds(Now()) > 1700000000',
  'Unix(5, 7) == Unix(5) + Duration("7ns")',
  'UnixNano(Time("2024-02-29T12:34:56.789+0100", "%FT%T.%L%z")) == 1709206496789000000',
  'UnixSeconds(Time("01/03/1971", "%d/%m/%Y")) == 36633600',
  'FormatTime(Unix(1709206496, 789000000), "%Y-%m-%dT%H:%M:%S.%L") == "2024-02-29T11:34:56.789"',
  'FormatTime(Unix(0), "%F %T.%f %%") == "1970-01-01 00:00:00.000000 %"',
  'TruncateTime(Unix(1709206496), Duration("1h")) == Unix(1709204400)',
  'Year(Unix(0)) == 1970 and Month(Unix(0)) == 1 and Day(Unix(86400)) == 2',
  'Hour(Unix(3600)) == 1 and Minute(Unix(60)) == 1 and Second(Unix(1)) == 1',
  'Nanosecond(Unix(1, 5)) == 5 and Weekday(Unix(0)) == 4',
  'Len(events) == 1 and events[0]["name"] == "e" and events[0]["attributes"]["k"] == 7',
  'Len(links) == 0',
])('%s', (condition) => {
  expect(holds(condition.replace('FNV_VALUE', '-8821353812377114648'))).toBe(true);
});

test.each([
  'ConvertCase(name, "title") == ""',
  'Decode("x", "rot13") == ""',
  'ParseJSON("{") == nil',
  'ParseInt("zz", 10) == 1',
  'ParseInt("12abc", 10) == 12',
  'ParseInt(" 12", 10) == 12',
  'ParseInt("", 10) == 0',
  'ParseInt("9223372036854775808", 10) == 0',
  'ParseInt("1_0", 10) == 10',
  'ParseInt("_1", 0) == 1',
  'ParseInt("1", 37) == 1',
  'ParseKeyValue("novalue") == nil',
  'ParseCSV("1,2", "x") == nil',
  'URL("not a url") == nil',
  'Values(name) == nil',
  'Sort(name) == nil',
  'IsInCIDR("x", ["10.0.0.0/8"])',
  'IsInCIDR("10.0.0.1", [name])',
  'Time("x", "%Y") == Now()',
  'Time("x", "%Q") == Now()',
  'Year(name) == 1',
  'ExtractPatterns(attributes["list"], "(?P<a>x)") == nil',
  'Format("%d", name) == ""',
])('%s fails when it is evaluated', (condition) => {
  const predicate = compileCondition(condition, spanContext);
  expect(() => predicate(view)).toThrow(OttlError);
});

test.each(['10.0.0.0', '10.0.0.0/33', 'x/8', '10.0.0.0/8/8'])(
  'a list with the network %s is refused when it is read',
  (network) => {
    const condition = `IsInCIDR(name, ["fd00::/8", "${network}"])`;
    expect(() => compileCondition(condition, spanContext)).toThrow(/no network/);
  },
);

test('a pattern without named groups is refused when it is read', () => {
  expect(() => holds('ExtractPatterns(name, "x")["a"] == nil')).toThrow(/named groups/);
});

test('a location that would not be heeded is refused', () => {
  const written = 'Time("2024", "%Y", "Europe/Zurich") == Now()';
  expect(() => compileCondition(written, spanContext)).toThrow('no location but UTC');
  expect(() => compileCondition('Time("2024", "%Y", "UTC") == Now()', spanContext)).not.toThrow();
});

import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { encodeFrame } from '../../model/batch/frame.ts';
import { RandomSpans } from '../../model/batch/random-spans.fixture.ts';
import { batchOf, type Span, spansOf } from '../../model/trace/span.ts';
import { WireError } from '../wire-error.ts';
import { decodeTracesJson } from './decode.ts';
import { encodeTraces } from './encode.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const decode = (text: string) => spansOf(decodeTracesJson(bytesOf(text)));
const inSpan = (members: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[{${members}}]}]}]}`;

function only(members: string): Span {
  const spans = decode(inSpan(members));
  expect(spans).toHaveLength(1);
  return spans[0]!;
}

const valueOf = (value: string) =>
  only(`"attributes":[{"key":"k","value":${value}}]`).attributes[0]?.value;

function refusal(text: string): WireError {
  try {
    decode(text);
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

test('random spans come back the same', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const spans = new RandomSpans(seed).spans();
    const text = encodeTraces([batchOf('t', spans)]);
    expect(decode(text), `seed ${seed}`).toEqual(spans);
  }
});

describe('writes', () => {
  test('what the specification shows', () => {
    const span: Span = {
      ...new RandomSpans(1).span({
        resource: {
          schemaUrl: '',
          droppedAttributes: 0,
          attributes: [{ key: 'service.name', value: { type: 'string', value: 'shop' } }],
        },
        scope: { name: 'lib', version: '', schemaUrl: '', droppedAttributes: 0, attributes: [] },
      }),
      traceId: '5b8efff798038103d269b633813fc60c',
      spanId: 'eee19b7ec3c1b174',
      parentSpanId: '',
      name: 'I am a server span',
      kind: 2,
      startNano: 1_544_712_660_000_000_000n,
      endNano: 1_544_712_661_000_000_000n,
      statusCode: 0,
      statusMessage: '',
      traceState: '',
      flags: 0,
      droppedAttributes: 0,
      droppedEvents: 0,
      droppedLinks: 0,
      attributes: [{ key: 'n', value: { type: 'int', value: 2n ** 53n + 1n } }],
      events: [],
      links: [],
    };
    expect(JSON.parse(encodeTraces([batchOf('t', [span])]))).toEqual({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
          scopeSpans: [
            {
              scope: { name: 'lib' },
              spans: [
                {
                  traceId: '5b8efff798038103d269b633813fc60c',
                  spanId: 'eee19b7ec3c1b174',
                  name: 'I am a server span',
                  kind: 2,
                  startTimeUnixNano: '1544712660000000000',
                  endTimeUnixNano: '1544712661000000000',
                  attributes: [{ key: 'n', value: { intValue: '9007199254740993' } }],
                  status: {},
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test('no batch as an empty list', () => {
    expect(encodeTraces([])).toBe('{"resourceSpans":[]}');
  });
});

describe('reads', () => {
  test('nothing from an empty object', () => {
    expect(decode(' {} \n')).toEqual([]);
  });

  test('snake_case keys, names of enums and numbers in strings', () => {
    const span = only(
      '"start_time_unix_nano":"7","kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR"},' +
        '"dropped_links_count":"3"',
    );
    expect([span.startNano, span.kind, span.statusCode, span.droppedLinks]).toEqual([7n, 3, 2, 3]);
  });

  test('64-bit numbers without losing a digit, quoted or not', () => {
    const span = only(
      '"startTimeUnixNano":18446744073709551615,"endTimeUnixNano":"9007199254740993"',
    );
    expect([span.startNano, span.endNano]).toEqual([2n ** 64n - 1n, 9_007_199_254_740_993n]);
    expect(valueOf('{"intValue":-9223372036854775808}')).toEqual({
      type: 'int',
      value: -(2n ** 63n),
    });
  });

  test('integers that a generic writer made floats', () => {
    expect(valueOf('{"intValue":1e3}')).toEqual({ type: 'int', value: 1000n });
    expect(valueOf('{"intValue":12.0}')).toEqual({ type: 'int', value: 12n });
  });

  test('doubles by name', () => {
    expect(valueOf('{"doubleValue":"-Infinity"}')).toEqual({ type: 'double', value: -Infinity });
    expect(valueOf('{"doubleValue":"NaN"}')).toEqual({ type: 'double', value: Number.NaN });
    expect(valueOf('{"doubleValue":"1.5"}')).toEqual({ type: 'double', value: 1.5 });
  });

  test('ids in upper case', () => {
    const span = only('"traceId":"5B8EFFF798038103D269B633813FC60C","parentSpanId":""');
    expect([span.traceId, span.parentSpanId]).toEqual(['5b8efff798038103d269b633813fc60c', '']);
  });

  test('escapes, in keys too', () => {
    expect(only(String.raw`"name":"a\u00e9\"\\\n\ud83e\udd8a"`).name).toBe('aé"\\\n🦊');
    expect(valueOf(String.raw`{"stringValue":"\t"}`)).toEqual({ type: 'string', value: '\t' });
  });

  test('unknown fields and null as if they were not there', () => {
    const span = only(
      '"name":null,"new":{"a":[1,-2.5e3,"x",null,true,false,{}],"b":"\\n"},"events":null,"kind":2',
    );
    expect([span.name, span.kind, span.events]).toEqual(['', 2, []]);
  });

  test('a resource and a scope that stand behind their spans', () => {
    const [span] = decode(
      '{"resourceSpans":[{"schemaUrl":"u","scopeSpans":[{"spans":[{}],"scope":{"name":"lib"}}],' +
        '"resource":{"attributes":[{"value":{"stringValue":"shop"},"key":"service.name"}]}}]}',
    );
    expect(span?.scope.name).toBe('lib');
    expect(span?.resource.schemaUrl).toBe('u');
    expect(span?.resource.attributes).toEqual([
      { key: 'service.name', value: { type: 'string', value: 'shop' } },
    ]);
  });

  test('the last of several values, and what it replaced is not kept', () => {
    const value = '{"stringValue":"secret","stringValue":"shown"}';
    const batch = decodeTracesJson(bytesOf(inSpan(`"attributes":[{"key":"k","value":${value}}]`)));
    expect(spansOf(batch)[0]?.attributes[0]?.value).toEqual({ type: 'string', value: 'shown' });
    expect(Buffer.from(encodeFrame(batch)).includes('secret')).toBe(false);
  });

  test('service.name into the column that says so', () => {
    const batch = decodeTracesJson(
      bytesOf(
        '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},' +
          '"scopeSpans":[{"spans":[{}]}]}]}',
      ),
    );
    expect(batch.strings.text(batch.serviceOf(0))).toBe('shop');
  });
});

describe('is refused, saying what and where:', () => {
  const deep = (levels: number) =>
    inSpan(
      `"attributes":[{"key":"k","value":${'{"arrayValue":{"values":['.repeat(levels)}{}${']}}'.repeat(levels)}}]`,
    );

  test.each<[string, string, RegExp]>([
    ['nothing', '', /expected an object at byte 0/],
    ['a list', '[]', /expected an object/],
    ['text behind the end', '{}x', /expected end of the text at byte 2/],
    ['a comma too many', '{"a":1,}', /expected a string/],
    ['a missing comma', '{"a":1 "b":2}', /expected "," or "}"/],
    ['a cut text', '{"resourceSpans":[{', /expected "," or "}"|expected a string/],
    ['a string without its end', '{"resourceSpans', /expected the end of the string/],
    ['a line break in a string', inSpan('"name":"a\nb"'), /expected no control character/],
    ['an escape that is none', inSpan(String.raw`"name":"\x"`), /expected escapes that JSON has/],
    ['a number that is none', inSpan('"kind":01'), /expected a number/],
    ['a span list that is an object', '{"resourceSpans":{}}', /expected a list/],
    ['an id in base64', inSpan('"traceId":"W47/95gDgQPSabYzgT/GDA=="'), /expected 32 hex digits/],
    ['a time that is no integer', inSpan('"startTimeUnixNano":1.5'), /expected an integer from 0/],
    ['a negative time', inSpan('"startTimeUnixNano":"-1"'), /expected an integer from 0/],
    [
      'an int beyond 64 bits',
      inSpan('"attributes":[{"value":{"intValue":"9223372036854775808"}}]'),
      /9223372036854775807/,
    ],
    ['a count beyond 32 bits', inSpan('"droppedLinksCount":4294967296'), /from 0 to 4294967295/],
    ['an enum name of another enum', inSpan('"kind":"STATUS_CODE_OK"'), /SPAN_KIND_/],
    [
      'bytes that are no base64',
      inSpan('"attributes":[{"value":{"bytesValue":"%"}}]'),
      /expected base64/,
    ],
    ['a value nested 65 deep', deep(64), /nested deeper than 64/],
    ['an unknown field nested 300 deep', `{"x":${'['.repeat(300)}`, /nested deeper than 256/],
  ])('%s', (_, text, message) => {
    expect(refusal(text).message).toMatch(message);
  });

  test('a message of nothing but empty spans', () => {
    const spans = Array.from({ length: 20_000 }, () => '{}').join(',');
    const text = `{"resourceSpans":[{"scopeSpans":[{"spans":[${spans}]}]}]}`;
    expect(refusal(text).code).toBe('too_large');
  });
});

test('damaged texts are read or refused with a WireError', () => {
  for (let seed = 1; seed <= 1500; seed++) {
    const random = new RandomSpans(seed);
    const bytes = bytesOf(encodeTraces([batchOf('t', random.spans(3))]));
    for (let times = 1 + random.below(3); times > 0; times--) {
      const at = random.below(bytes.length);
      const damage = random.below(3);
      if (damage === 0) bytes[at] = random.below(256);
      else if (damage === 1) bytes[at] = random.pick([...bytesOf('{}[]",:\\0e-tn')]);
      else bytes.copyWithin(at, random.below(bytes.length), random.below(bytes.length));
    }
    try {
      spansOf(
        decodeTracesJson(
          bytes.subarray(0, random.below(4) ? bytes.length : random.below(bytes.length)),
        ),
      );
    } catch (error) {
      assert.ok(error instanceof WireError, `seed ${seed}: ${String(error)}`);
    }
  }
});

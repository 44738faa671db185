import { describe, expect, test } from 'vitest';
import { encodeFrame } from '../../model/batch/frame.ts';
import { concat } from '../../model/batch/gather.ts';
import { RandomSpans } from '../../model/batch/random-spans.fixture.ts';
import { batchOf, type Span, spansOf } from '../../model/trace/span.ts';
import { WireError } from '../wire-error.ts';
import { decodeTraces } from './decode.ts';
import { encodeTraces } from './encode.ts';
import { oracleSpans, TracesData } from './oracle.fixture.ts';

const text = new TextEncoder();

/** A length-delimited field (number below 16, length below 128 or of two bytes). */
function field(number: number, ...parts: (Uint8Array | number[] | string)[]): number[] {
  const body = parts.flatMap((part) => [...(typeof part === 'string' ? text.encode(part) : part)]);
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return [(number << 3) | 2, ...length, ...body];
}

const request = (...fields: number[][]) => Uint8Array.from(field(1, ...fields));
const spanRequest = (...fields: number[][]) => request(field(2, field(2, ...fields)));
const attribute = (key: string, ...value: number[]) => field(9, field(1, key), field(2, value));

function only(bytes: Uint8Array): Span {
  const spans = spansOf(decodeTraces(bytes));
  expect(spans).toHaveLength(1);
  return spans[0]!;
}

/** The error, checked to be one of ours, with where it happened. */
function refusal(bytes: Uint8Array | number[]): WireError {
  try {
    decodeTraces(Uint8Array.from(bytes));
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('against protobufjs', () => {
  test('reads random requests span by span the same', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const bytes = encodeTraces([batchOf('t', new RandomSpans(seed).spans())]);
      expect(spansOf(decodeTraces(bytes)), `seed ${seed}`).toEqual(oracleSpans(bytes));
    }
  });

  test('reads what protobufjs wrote from what it had read', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const spans = new RandomSpans(seed).spans();
      const bytes = encodeTraces([batchOf('t', spans)]);
      const again = TracesData.encode(TracesData.decode(bytes)).finish();
      expect(spansOf(decodeTraces(again)), `seed ${seed}`).toEqual(spans);
    }
  });

  test('fields in reverse order say the same', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const spans = new RandomSpans(seed).spans(6);
      const bytes = encodeTraces([batchOf('t', spans)]);
      const turned = reversed(bytes, MESSAGES['TracesData']!);
      const back = spansOf(decodeTraces(turned));
      expect(back, `seed ${seed}`).toEqual(oracleSpans(turned));
    }
  });
});

/** For each message, which fields hold which message. */
const MESSAGES: Record<string, Record<number, string>> = {
  TracesData: { 1: 'ResourceSpans' },
  ResourceSpans: { 1: 'Resource', 2: 'ScopeSpans' },
  ScopeSpans: { 1: 'Scope', 2: 'Span' },
  Resource: { 1: 'KeyValue' },
  Scope: { 3: 'KeyValue' },
  Span: { 9: 'KeyValue', 11: 'Event', 13: 'Link' },
  Event: { 3: 'KeyValue' },
  Link: { 4: 'KeyValue' },
  KeyValue: {},
};

/** The same message with the fields of every nested message turned round. */
function reversed(bytes: Uint8Array, nested: Record<number, string>): Uint8Array {
  const fields: number[][] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    if ((tag & 7) === 0) varint();
    else if ((tag & 7) === 1) at += 8;
    else if ((tag & 7) === 5) at += 4;
    else {
      const length = varint();
      const inner = nested[tag >>> 3];
      const body = bytes.subarray(at, at + length);
      at += length;
      if (inner !== undefined) {
        const turned = reversed(body, MESSAGES[inner]!);
        fields.push([tag, ...bytes.subarray(start + 1, at - length), ...turned]);
        continue;
      }
    }
    fields.push([...bytes.subarray(start, at)]);
  }
  return Uint8Array.from(fields.toReversed().flat());
}

describe('a request', () => {
  test('that is empty holds no span', () => {
    expect(decodeTraces(new Uint8Array(0)).count).toBe(0);
  });

  test('with groups but no span is not exact, since resource and scope are not referred to', () => {
    const batch = decodeTraces(request(field(1, field(1, field(1, 'k'))), field(2)));
    expect([batch.count, batch.isExact]).toEqual([0, false]);
  });

  test('of an ordinary kind is exact', () => {
    expect(decodeTraces(spanRequest(field(5, 'a'))).isExact).toBe(true);
  });

  test('with the resource behind its spans gives it to them', () => {
    const resource = field(1, field(1, field(1, 'service.name'), field(2, field(1, 'shop'))));
    const batch = decodeTraces(request(field(2, field(2, field(5, 'a'))), resource));
    expect(batch.strings.text(batch.serviceOf(0))).toBe('shop');
  });

  test('with a resource in two pieces merges them', () => {
    const piece = (key: string) => field(1, field(1, field(1, key)));
    const span = only(request(piece('a'), piece('b'), field(2, field(2, field(5, 'x')))));
    expect(span.resource.attributes.map(({ key }) => key)).toEqual(['a', 'b']);
  });

  test('that repeats a resource keeps it once, unless its schema URL differs', () => {
    const resource = field(1, field(1, field(1, 'k'), field(2, field(1, 'v'))));
    const group = (...more: number[][]) =>
      field(1, resource, field(2, field(2, field(5, 'a'))), ...more);
    const batch = decodeTraces(Uint8Array.from([...group(), ...group(), ...group(field(3, 'u'))]));
    expect([batch.count, batch.resources.count, batch.scopes.count]).toEqual([3, 2, 1]);
  });

  test('with only the deprecated instrumentation_library_spans is read', () => {
    const old = [
      0xc2,
      0x3e,
      ...field(2, field(1, field(1, 'lib')), field(2, field(5, 'a'))).slice(1),
    ];
    const span = only(request(old));
    expect([span.name, span.scope.name]).toEqual(['a', 'lib']);
  });

  test('with scope_spans too leaves the deprecated ones alone', () => {
    const old = [0xc2, 0x3e, ...field(2, field(2, field(5, 'old'))).slice(1)];
    expect(only(request(old, field(2, field(2, field(5, 'new'))))).name).toBe('new');
  });

  test('leaves nothing behind for the next when it is refused', () => {
    refusal([...spanRequest(field(5, 'first')), 0x0a, 0x7f]);
    const batch = decodeTraces(spanRequest(field(5, 'second')));
    expect([batch.count, batch.strings.find('first')]).toEqual([1, -1]);
  });

  test('decodes to a batch that concat leaves as it is', () => {
    const batch = decodeTraces(encodeTraces([batchOf('t', new RandomSpans(3).spans())]), 't');
    expect(spansOf(concat([batch]))).toEqual(spansOf(batch));
  });
});

describe('a span', () => {
  test('has unknown fields of every wire type skipped', () => {
    const unknown = [
      [0xa0, 0x06, 0x96, 0x01],
      [0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8],
      [0xa2, 0x06, 2, 0xff, 0xff],
      [0xa3, 0x06, 0x08, 1, 0xa3, 0x06, 0xa4, 0x06, 0xa4, 0x06],
      [0xa5, 0x06, 1, 2, 3, 4],
    ];
    expect(only(spanRequest(...unknown, field(5, 'a'))).name).toBe('a');
  });

  test('keeps a name that is no UTF-8 as text with U+FFFD', () => {
    expect(only(spanRequest(field(5, [0x61, 0xff]))).name).toBe('a\ufffd');
  });

  test('keeps a string value that is no UTF-8 as bytes', () => {
    const span = only(spanRequest(attribute('k', 0x0a, 2, 0x61, 0xff)));
    expect(span.attributes[0]!.value).toEqual({ type: 'bytes', value: Uint8Array.of(0x61, 0xff) });
  });

  test('has U+FFFD in a key that is no UTF-8, time after time', () => {
    const bad = field(9, field(1, [0xff]), field(2, [0x10, 1]));
    const span = only(spanRequest(field(5, 'a'), bad, bad));
    expect(span.attributes.map(({ key }) => key)).toEqual(['\ufffd', '\ufffd']);
  });

  test('takes the last of several values of one attribute', () => {
    const span = only(spanRequest(attribute('k', 0x0a, 1, 0x61, 0x10, 1, 0x18, 5)));
    expect(span.attributes[0]!.value).toEqual({ type: 'int', value: 5n });
  });

  test('keeps nothing of a name that a second one replaced', () => {
    const batch = decodeTraces(spanRequest(field(5, 'secret'), field(5, 'shown')));
    expect(Buffer.from(encodeFrame(batch)).includes('secret')).toBe(false);
  });

  test('takes the last of several names', () => {
    expect(only(spanRequest(field(5, 'a'), field(5, 'b'))).name).toBe('b');
  });

  test('accepts a tag written longer than it need be', () => {
    expect(only(spanRequest([0xaa, 0x80, 0x00, 1, 0x61])).name).toBe('a');
  });

  test('reads an attribute without value, without key, without anything', () => {
    const span = only(
      spanRequest(field(9, field(1, 'k')), field(9, field(2, [0x10, 1])), field(9)),
    );
    expect(span.attributes).toEqual([
      { key: 'k', value: { type: 'empty' } },
      { key: '', value: { type: 'bool', value: true } },
      { key: '', value: { type: 'empty' } },
    ]);
  });
});

describe('is refused, saying what and where:', () => {
  const deep = (levels: number) => {
    let value: number[] = [0x10, 1];
    for (let i = 0; i < levels; i++) value = field(5, field(1, value));
    return spanRequest(field(9, field(1, 'k'), field(2, value)));
  };

  test.each<[string, Uint8Array | number[], RegExp]>([
    [
      'a trace id of 15 bytes',
      spanRequest(field(1, Array(15).fill(1))),
      /trace_id of 15 .*byte 8$/,
    ],
    ['a span id of 9 bytes', spanRequest(field(2, Array(9).fill(1))), /span_id of 9 bytes/],
    ['a parent id of 1 byte', spanRequest(field(4, [1])), /parent_span_id of 1 bytes/],
    ['a link with a short id', spanRequest(field(13, field(1, [1]))), /link trace_id of 1 bytes/],
    [
      'a name with wire type varint',
      spanRequest([0x28, 1]),
      /field 5 of Span has wire type varint/,
    ],
    ['a start time cut short', spanRequest([0x39, 1, 2]), /start_time_unix_nano cut short/],
    ['a name longer than its span', spanRequest([0x2a, 9, 0x61]), /span name passes the end/],
    ['a request cut in a length', [0x0a], /number cut short/],
    ['a length of 2 GB', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x07], /ResourceSpans passes the end/],
    ['a length beyond 32 bits', [0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], /passes the end/],
    ['a varint of 11 bytes', spanRequest([0x30, ...Array(10).fill(0xff), 1]), /longer than 10/],
    ['field number 0', [0x02, 0x00], /tag without a field number/],
    ['wire type 6', spanRequest([0xa6, 0x06, 0]), /wire type 6 cannot begin/],
    ['a group without its end', spanRequest([0xa3, 0x06]), /group without its end/],
    [
      'bytes that are no protobuf',
      [...text.encode('{"resourceSpans":[]}')],
      /unknown field passes the end/,
    ],
    [
      'an array whose element passes its end',
      spanRequest(attribute('k', 0x2a, 2, 0x0a, 9)),
      /AnyVal/,
    ],
    ['a value nested 65 deep', deep(64), /nested deeper than 64/],
  ])('%s', (_, bytes, message) => {
    const error = refusal(bytes);
    expect(error.message).toMatch(message);
    expect(error.retryable).toBe(false);
  });

  test('nothing, when nested 64 deep', () => {
    expect(only(deep(63)).attributes).toHaveLength(1);
  });

  test('groups nested without end', () => {
    const groups = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 0xa3 : 0x06));
    expect(refusal(spanRequest(groups)).code).toBe('too_deep');
  });

  test('a message of nothing but empty spans, which would take fifty times its size', () => {
    const body = Uint8Array.from(
      Array.from({ length: 100_000 }, (_, i) => (i % 2 === 0 ? 0x12 : 0)),
    );
    const wrap = (tag: number, inner: Uint8Array) =>
      Uint8Array.of(
        tag,
        (inner.length & 127) | 128,
        ((inner.length >> 7) & 127) | 128,
        inner.length >> 14,
        ...inner,
      );
    expect(refusal(wrap(0x0a, wrap(0x12, body))).code).toBe('too_large');
  });
});

import assert from 'node:assert/strict';
import { expect, test } from 'vitest';
import { messageOf } from '../../lib/errors.ts';
import { RandomSpans } from '../../model/batch/random-spans.fixture.ts';
import { batchOf, type Span, spansOf } from '../../model/trace/span.ts';
import { WireError } from '../wire-error.ts';
import { decodeTraces } from './decode.ts';
import { encodeTraces } from './encode.ts';
import { oracleSpans } from './oracle.fixture.ts';

const MUTANTS = 1500;

/** Damages a message in one of the ways that find faults: a bit, a byte, a length, a cut, a splice. */
function mutate(source: Uint8Array, random: RandomSpans): Uint8Array {
  const bytes = Uint8Array.from(source);
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(bytes.length);
    switch (random.below(5)) {
      case 0:
        bytes[at]! ^= 1 << random.below(8);
        break;
      case 1:
        bytes[at] = random.pick([0, 1, 0x0a, 0x12, 0x7f, 0x80, 0xff, 0x4a]);
        break;
      case 2:
        bytes.copyWithin(at, random.below(bytes.length), random.below(bytes.length));
        break;
      case 3:
        bytes.fill(0xff, at, at + random.below(12));
        break;
      default:
        return bytes.slice(0, at);
    }
  }
  return bytes;
}

/** What protobufjs reads, or why it does not. It refuses text that is no UTF-8; we do not. */
function oracle(bytes: Uint8Array): Span[] | string {
  try {
    return oracleSpans(bytes);
  } catch (error) {
    return messageOf(error);
  }
}

function decoded(bytes: Uint8Array): Span[] | undefined {
  try {
    return spansOf(decodeTraces(bytes));
  } catch {
    return undefined;
  }
}

test('damaged messages are read or refused with a WireError, and what is read is sound', () => {
  let read = 0;
  let refused = 0;
  for (let seed = 1; seed <= MUTANTS; seed++) {
    const random = new RandomSpans(seed);
    const whole = encodeTraces([batchOf('t', random.spans(4))]);
    if (whole.length === 0) continue;
    const bytes = mutate(whole, random);
    try {
      const batch = decodeTraces(bytes);
      const again = decodeTraces(encodeTraces([batch]));
      expect(again.count, `seed ${seed}`).toBe(batch.count);
      expect(spansOf(again)[0], `seed ${seed}`).toEqual(spansOf(batch)[0]);
      read++;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      assert.ok(error.at <= bytes.length, `seed ${seed}`);
      refused++;
    }
  }
  expect(Math.min(read, refused)).toBeGreaterThan(MUTANTS / 10);
});

test('what protobufjs refuses we refuse too, and what both read is the same', () => {
  let compared = 0;
  for (let seed = 1; seed <= MUTANTS; seed++) {
    const random = new RandomSpans(seed + 1_000_000);
    const bytes = mutate(encodeTraces([batchOf('t', random.spans(4))]), random);
    const ours = decoded(bytes);
    if (ours === undefined) continue;
    const theirs = oracle(bytes);
    if (typeof theirs === 'string') assert.match(theirs, /not valid for encoding/, `seed ${seed}`);
    else {
      assert.deepStrictEqual(ours, theirs, `seed ${seed}`);
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(MUTANTS / 10);
});

test('random bytes never crash it', () => {
  for (let seed = 1; seed <= 3000; seed++) {
    const random = new RandomSpans(seed);
    const bytes = Uint8Array.from({ length: random.below(60) }, () => random.below(256));
    try {
      decodeTraces(bytes);
    } catch (error) {
      assert.ok(error instanceof WireError, `seed ${seed}`);
    }
  }
});

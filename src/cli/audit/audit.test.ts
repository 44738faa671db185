import { describe, expect, test } from 'vitest';
import { concat, gather } from '../../model/batch/gather.ts';
import { type AuditRun, judge, knownTrace, traceIdOf } from './known-trace.ts';
import { Ledger } from './ledger.ts';

const run: AuditRun = { id: '00c0ffee', startNano: 1_731_000_000_000_000_000n, stepNano: 1_000n };

/** One with several spans. */
const number = Array.from({ length: 50 }, (_, i) => i).find((i) => knownTrace(run, i).count > 2)!;
const sent = () => knownTrace(run, number);

describe('a known trace', () => {
  test('is the same each time it is made, and no other', () => {
    expect(judge(sent(), sent())).toBe('whole');
    expect(judge(sent(), knownTrace(run, number + 1))).toBe('altered');
    expect(judge(sent(), knownTrace({ ...run, id: '00c0ffef' }, number))).toBe('altered');
    expect(traceIdOf(run, number)).toMatch(/^00c0ffee[0-9a-f]{24}$/);
  });

  test('is missed, found altered and found twice', () => {
    expect(judge(sent(), undefined)).toBe('missing');
    expect(judge(sent(), gather(sent(), Uint32Array.of(0)))).toBe('altered');
    expect(judge(sent(), concat([sent(), sent()]))).toBe('duplicated');
    expect(judge(sent(), concat([sent(), knownTrace(run, number + 1)]))).toBe('altered');
  });
});

test('the ledger knows what was acknowledged, in whatever order', () => {
  const ledger = new Ledger();
  const [a, b, c, d] = [ledger.begin(), ledger.begin(), ledger.begin(), ledger.begin()];
  ledger.acknowledge(c);
  ledger.acknowledge(a);
  expect([a, b, c, d].map((each) => ledger.isAcknowledged(each))).toEqual([
    true,
    false,
    true,
    false,
  ]);
  ledger.giveUp(b);
  expect(ledger.isAcknowledged(b)).toBe(false);
  expect(ledger.acknowledged).toBe(2);
  ledger.acknowledge(d);
  expect(ledger.acknowledged).toBe(3);
  expect(ledger.begun).toBe(4);
});

/** Traces that are made of their run and number alone, so that whoever reads one back knows every
 *  byte of it without having kept it. Each has values of every type, and about six spans. */

import type { AttributeValue } from '../../model/attribute.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import {
  bool,
  double,
  int,
  type PlainSpan,
  spans,
  storedSpans,
  text,
  texts,
} from '../../storage/conformance/plain-spans.ts';
import { Random } from '../loadgen/random.ts';

export const AUDIT_SERVICE = 'spoor-audit';
/** The attribute by which a search finds one trace. */
export const AUDIT_KEY = 'audit.trace';

export interface AuditRun {
  /** 8 hex digits; other runs' traces are other traces. */
  readonly id: string;
  /** Start of trace 0, ns since 1970. */
  readonly startNano: bigint;
  /** From one trace's start to the next one's. */
  readonly stepNano: bigint;
}

export function traceIdOf(run: AuditRun, number: number): string {
  const scattered = new Random(number + 1).hex(12);
  return run.id + scattered + number.toString(16).padStart(12, '0');
}

/** What a search is to ask for. */
export function auditName(run: AuditRun, number: number): string {
  return `${run.id}-${number}`;
}

export function startOf(run: AuditRun, number: number): bigint {
  return run.startNano + BigInt(number) * run.stepNano;
}

/** All starts lie within this of the trace's. */
export const SPREAD_NANO = 1_000_000n;

export function knownTrace(run: AuditRun, number: number): SpanBatch {
  const random = new Random(number ^ Number.parseInt(run.id, 16));
  const traceId = traceIdOf(run, number);
  const start = startOf(run, number);
  const ids = Array.from({ length: 1 + random.below(11) }, () => random.hex(16));
  const plain = ids.map((spanId, i): PlainSpan => {
    const startNano = start + BigInt(random.below(Number(SPREAD_NANO)));
    return {
      traceId,
      spanId,
      parentSpanId: i === 0 ? '' : (ids[random.below(i)] ?? ''),
      startNano,
      endNano: startNano + BigInt(random.below(1_000_000_000)),
      name: `step ${random.below(20)}`,
      kind: random.below(6),
      status: random.below(3),
      statusMessage: random.chance(0.1) ? `failed ${random.hex(6)}` : '',
      service: AUDIT_SERVICE,
      resource: { attributes: [['service.instance.id', text(`instance ${number % 7}`)]] },
      scope: { name: 'audit', version: '1' },
      attributes: [
        [AUDIT_KEY, text(auditName(run, number))],
        ['audit.span', int(i)],
        [`audit.sparse.${random.below(40)}`, value(random)],
        ['audit.value', value(random)],
      ],
      events: random.chance(0.3)
        ? [{ timeNano: startNano + 5n, name: 'event', attributes: [['n', int(i)]] }]
        : [],
      links: random.chance(0.1) ? [{ traceId: random.hex(32), spanId: random.hex(16) }] : [],
    };
  });
  return spans('default', plain);
}

function value(random: Random): AttributeValue {
  switch (random.below(7)) {
    case 0:
      return int(BigInt.asIntN(64, BigInt(`0x${random.hex(16)}`)));
    case 1:
      return double(random.next() * 1e6);
    case 2:
      return bool(random.chance(0.5));
    case 3:
      return { type: 'bytes', value: Buffer.from(random.hex(8), 'hex') };
    case 4:
      return { type: 'array', value: [text(random.hex(4)), int(random.below(9))] };
    default:
      return text(random.chance(0.5) ? random.uuid() : `value ${random.below(50)}`);
  }
}

export type Verdict = 'whole' | 'missing' | 'altered' | 'duplicated';

/** Holds what was read against what was sent. `altered`: a span that is not the one sent, or some
 *  spans of the trace are gone. */
export function judge(sent: SpanBatch, read: SpanBatch | undefined): Verdict {
  if (read === undefined || read.count === 0) return 'missing';
  const expected = texts(storedSpans(sent));
  const found = texts(storedSpans(read));
  if (expected.every((span, i) => span === found[i]) && expected.length === found.length) {
    return 'whole';
  }
  const known = new Set(expected);
  const isMore = found.length > expected.length && found.every((span) => known.has(span));
  return isMore ? 'duplicated' : 'altered';
}

/** The batches of the kill test, each made of its number alone: writer and auditor know them. */

import type { SpanBatch } from '../../src/model/batch/span-batch.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { bool, double, int, spans, text } from '../../src/storage/conformance/plain-spans.ts';
import { Chance } from '../../src/storage/conformance/random-spans.ts';

export const TENANTS = ['default', 'Other Ltd'];
const START = 1_731_000_000_000_000_000n;
export const RANGE = { startNano: START, endNano: START + 86_400_000_000_000n };

/** Small, so that a flush or a stitch is always about to happen. */
export function killTestConfig(directory: string): EmbeddedConfig {
  return EmbeddedConfig.parse({
    directory,
    flush_spans: 150,
    stitch_row_groups: 4,
    max_unflushed_bytes: '2MiB',
  });
}

export function tenantOf(number: number): string {
  return TENANTS[number % TENANTS.length]!;
}

/** One trace a batch. */
export function traceIdOf(number: number): string {
  return new Chance(number ^ 0x5bd1e995).hex(12) + number.toString(16).padStart(8, '0');
}

export function batchOf(number: number): SpanBatch {
  const chance = new Chance(number);
  const traceId = traceIdOf(number);
  const startNano = START + BigInt(number) * 1_000_000n;
  const resource = { attributes: [['host', text(`host ${number % 5}`)]] as const };
  const plain = Array.from({ length: 1 + chance.below(40) }, (_, i) => ({
    traceId,
    spanId: (i + 1).toString(16).padStart(16, '0'),
    parentSpanId: i === 0 ? '' : '0000000000000001',
    startNano: startNano + BigInt(chance.below(900_000)),
    endNano: startNano + 1_000_000n,
    name: `step ${chance.below(9)}`,
    service: `service ${number % 3}`,
    status: chance.below(3),
    kind: chance.below(6),
    resource,
    attributes: [
      ['batch', int(number)],
      ['key', chance.of([text('x'), int(503), double(1.5), bool(true)])],
      [`sparse.${chance.below(50)}`, text(chance.hex(6))],
    ] as const,
    events: chance.some(1, () => ({ name: 'event', attributes: [['n', int(i)]] as const })),
  }));
  return spans(tenantOf(number), plain);
}

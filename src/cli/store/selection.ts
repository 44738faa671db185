/** Which traces a command means, by its flags. */
import type { StoreSelection } from '../../api/contract.ts';
import { parseGoDuration } from '../../lib/go-duration.ts';
import { UsageError } from '../arguments.ts';
import type { StoreArguments } from './place.ts';

export const SELECTION_HELP = `  --from <time>          spans that begin then or later: 2026-11-20T10:00:00Z, or 2h for two hours ago
  --to <time>            and before then
  --service <name>       traces with a span of this service
  --operation <name>     … of this name
  --attribute <k=v>      … with this attribute, on the span, its resource, events or links; repeat it
  --min-duration <time>  … that takes at least this long (100ms)
  --max-duration <time>  … that takes at most this long
  --filter <json>        … that a structured filter finds, as query.filter of the API takes it
  --trace-id <id>        this trace; repeat it. Goes without the others.

All conditions are of one span; what is meant are whole traces that have such a span.
`;

export const selectionFlags = {
  from: { type: 'string' },
  to: { type: 'string' },
  service: { type: 'string' },
  operation: { type: 'string' },
  attribute: { type: 'string', multiple: true },
  'min-duration': { type: 'string' },
  'max-duration': { type: 'string' },
  filter: { type: 'string' },
  'trace-id': { type: 'string', multiple: true },
} as const;

const CONDITIONS = [
  'from',
  'to',
  'service',
  'operation',
  'min-duration',
  'max-duration',
  'filter',
] as const;

/** Without conditions: everything. Throws UsageError. */
export function readSelection(args: StoreArguments, nowMs: number): StoreSelection {
  const traceIds = args.many('trace-id');
  const tenant = args.flag('tenant');
  const of = tenant === undefined ? {} : { tenant };
  if (traceIds.length > 0) {
    const other = CONDITIONS.find((name) => args.flag(name) !== undefined);
    if (other !== undefined || args.many('attribute').length > 0) {
      throw new UsageError('usage', `--trace-id goes without --${other ?? 'attribute'}`);
    }
    return { ...of, traceIds: traceIds.map(checkedId) };
  }
  return {
    ...of,
    startNano: time(args, 'from', nowMs),
    endNano: time(args, 'to', nowMs),
    service: args.flag('service'),
    operation: args.flag('operation'),
    attributes: args.many('attribute').map(pair),
    minDurationNano: duration(args, 'min-duration'),
    maxDurationNano: duration(args, 'max-duration'),
    filter: args.flag('filter'),
  };
}

/** Nothing was said: every trace is meant. */
export function isEverything(selection: StoreSelection): boolean {
  const { tenant: _, attributes = [], ...conditions } = selection;
  return attributes.length === 0 && Object.values(conditions).every((one) => one === undefined);
}

/** For people, before they say yes. */
export function selectionText(selection: StoreSelection): string {
  const { traceIds, startNano, endNano, service, operation, attributes = [] } = selection;
  if (traceIds !== undefined) {
    return traceIds.length === 1 ? `trace ${traceIds[0]}` : `${traceIds.length} traces`;
  }
  if (isEverything(selection)) return 'every trace';
  const { minDurationNano, maxDurationNano, filter } = selection;
  const conditions = [
    ...(startNano === undefined ? [] : [`begins at ${isoOf(startNano)} or later`]),
    ...(endNano === undefined ? [] : [`begins before ${isoOf(endNano)}`]),
    ...(service === undefined ? [] : [`is of service ${service}`]),
    ...(operation === undefined ? [] : [`is called ${operation}`]),
    ...attributes.map(([key, value]) => `has ${key}=${value}`),
    ...(minDurationNano === undefined ? [] : [`takes at least ${minDurationNano} ns`]),
    ...(maxDurationNano === undefined ? [] : [`takes at most ${maxDurationNano} ns`]),
    ...(filter === undefined ? [] : [`passes ${filter}`]),
  ];
  return `every trace with a span that ${conditions.join(' and ')}`;
}

function isoOf(nano: string): string {
  return new Date(Number(BigInt(nano) / 1_000_000n)).toISOString();
}

function checkedId(id: string): string {
  if (/^[0-9a-f]{32}$/i.test(id)) return id.toLowerCase();
  if (/^[0-9a-f]{16}$/i.test(id)) return id.toLowerCase().padStart(32, '0');
  throw new UsageError('usage', `--trace-id wants 32 hex digits, got "${id}"`);
}

function time(args: StoreArguments, name: 'from' | 'to', nowMs: number): string | undefined {
  const written = args.flag(name);
  if (written === undefined) return undefined;
  const ago = parseGoDuration(written);
  if (ago !== undefined) return String(BigInt(nowMs) * 1_000_000n - ago);
  const at = Date.parse(written);
  if (Number.isFinite(at) && at >= 0 && /^\d{4}-/.test(written)) {
    return String(BigInt(at) * 1_000_000n);
  }
  throw new UsageError('usage', `--${name} wants a time like 2026-11-20T10:00:00Z or 2h`, {
    hint: `got "${written}"`,
  });
}

function duration(args: StoreArguments, name: string): string | undefined {
  const written = args.flag(name);
  if (written === undefined) return undefined;
  const nano = parseGoDuration(written);
  if (nano !== undefined && nano >= 0n) return String(nano);
  throw new UsageError('usage', `--${name} wants a time like 100ms, got "${written}"`);
}

function pair(written: string): [string, string] {
  const at = written.indexOf('=');
  if (at > 0) return [written.slice(0, at), written.slice(at + 1)];
  throw new UsageError('usage', `--attribute wants key=value, got "${written}"`);
}

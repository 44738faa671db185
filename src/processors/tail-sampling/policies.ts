/** From configuration to policies, and from their votes to a decision. */

import type { Clock } from '../../lib/clock.ts';
import { compileAny } from '../../ottl/compile.ts';
import { eventItems, spanEventContext } from '../../ottl/contexts/span-event.ts';
import { spanContext } from '../../ottl/contexts/span.ts';
import { STATUS_CODES } from '../../model/attribute.ts';
import { SpanView } from '../../model/batch/view.ts';
import { booleanAttribute, numericAttribute, stringAttribute } from './attribute-policies.ts';
import type { AnyPolicy, BasePolicy } from './config.ts';
import { fnv1a64 } from './fnv.ts';
import { bytesLimiting, composite, rateLimiting } from './rate-policies.ts';
import { type HeldTrace, type Policy, sampledIf, type Vote } from './trace.ts';

const SAMPLED_FLAG = 1;
const TWO_64 = 2n ** 64n;
const DEFAULT_SALT = 'default-hash-seed';

export function buildPolicy(config: AnyPolicy, clock: Clock): Policy {
  switch (config.type) {
    case 'not': {
      const inner = buildPolicy(config.not.not_sub_policy, clock);
      return (trace) => sampledIf(!isSampled(inner(trace)));
    }
    case 'and': {
      const all = config.and.and_sub_policy.map((sub) => buildPolicy(sub, clock));
      return (trace) => sampledIf(all.every((decide) => isSampled(decide(trace))));
    }
    case 'drop': {
      const all = config.drop.drop_sub_policy.map((sub) => buildPolicy(sub, clock));
      return (trace) =>
        all.every((decide) => isSampled(decide(trace))) ? 'dropped' : 'not_sampled';
    }
    case 'composite':
      return composite(config.composite, (sub) => buildPolicy(sub, clock), clock);
    default:
      return buildBase(config, clock);
  }
}

function buildBase(config: BasePolicy, clock: Clock): Policy {
  switch (config.type) {
    case 'always_sample':
      return () => 'sampled';
    case 'latency':
      return latency(config.latency);
    case 'status_code':
      return statusCode(config.status_code.status_codes);
    case 'probabilistic':
      return probabilistic(config.probabilistic);
    case 'numeric_attribute':
      return numericAttribute(config.numeric_attribute);
    case 'string_attribute':
      return stringAttribute(config.string_attribute);
    case 'boolean_attribute':
      return booleanAttribute(config.boolean_attribute);
    default:
      return buildOther(config, clock);
  }
}

type Other = Exclude<
  BasePolicy,
  {
    type:
      | 'always_sample'
      | 'latency'
      | 'status_code'
      | 'probabilistic'
      | 'numeric_attribute'
      | 'string_attribute'
      | 'boolean_attribute';
  }
>;

function buildOther(config: Other, clock: Clock): Policy {
  switch (config.type) {
    case 'rate_limiting':
      return rateLimiting(config.rate_limiting, clock);
    case 'bytes_limiting':
      return bytesLimiting(config.bytes_limiting, clock);
    case 'span_count': {
      const { min_spans: least, max_spans: most } = config.span_count;
      return ({ spanCount }) => sampledIf(spanCount >= least && (most === 0 || spanCount <= most));
    }
    case 'trace_state':
      return traceState(config.trace_state.key, config.trace_state.values);
    case 'trace_flags':
      return ({ batch, rows }) =>
        sampledIf(rows.some((row) => ((batch.spans.columns.flags[row] ?? 0) & SAMPLED_FLAG) !== 0));
    case 'ottl_condition':
      return ottlCondition(config.ottl_condition);
  }
}

/** More than the threshold, and not more than the upper one when there is one. */
function latency(config: { threshold_ms: number; upper_threshold_ms: number }): Policy {
  const { threshold_ms: lower, upper_threshold_ms: upper } = config;
  return ({ startNano, endNano }) => {
    const ms = (endNano - startNano) / 1e6;
    return sampledIf(ms > lower && (upper === 0 || ms <= upper));
  };
}

function statusCode(wanted: readonly ('OK' | 'ERROR' | 'UNSET')[]): Policy {
  const codes = wanted.map((code) =>
    STATUS_CODES.findIndex((known) => known.toUpperCase() === code),
  );
  const bits = codes.reduce((sum, code) => sum | (1 << code), 0);
  return ({ statusBits }) => sampledIf((statusBits & bits) !== 0);
}

function probabilistic(config: { sampling_percentage: number; hash_salt: string }): Policy {
  const { sampling_percentage: percent, hash_salt: salt } = config;
  if (percent >= 100) return () => 'sampled';
  if (percent <= 0) return () => 'not_sampled';
  const threshold = BigInt(Math.floor((percent / 100) * 2 ** 53)) << 11n;
  const seeded = fnv1a64(Buffer.from(salt === '' ? DEFAULT_SALT : salt));
  return ({ batch, rows }) => {
    const at = (rows[0] ?? 0) * 16;
    const hash = fnv1a64(batch.spans.columns.traceIds.subarray(at, at + 16), seeded);
    return sampledIf(hash <= (threshold < TWO_64 ? threshold : TWO_64 - 1n));
  };
}

function traceState(key: string, values: readonly string[]): Policy {
  const wanted = new Set(values);
  return ({ batch, rows }) =>
    sampledIf(
      rows.some((row) => {
        const text = batch.strings.text(batch.spans.columns.traceStates[row] ?? 0);
        return text.split(',').some((member) => {
          const [name = '', value = ''] = member.split('=', 2);
          return name.trim() === key && wanted.has(value.trim());
        });
      }),
    );
}

interface OttlConfig {
  readonly error_mode: 'ignore' | 'silent' | 'propagate';
  readonly span: readonly string[];
  readonly spanevent: readonly string[];
}

function ottlCondition({ error_mode: mode, span, spanevent }: OttlConfig): Policy {
  const ofSpan = compileAny(span, spanContext);
  const ofEvent = compileAny(spanevent, spanEventContext);
  const hasEvents = spanevent.length > 0;
  const holds = (view: SpanView): boolean =>
    ofSpan(view) || (hasEvents && eventItems(view).some(ofEvent));
  const tolerant = (view: SpanView): boolean => {
    try {
      return holds(view);
    } catch (error) {
      if (mode === 'propagate') throw error;
      return false;
    }
  };
  return ({ batch, rows }) => {
    const view = new SpanView(batch);
    return sampledIf(rows.some((row) => tolerant(view.at(row))));
  };
}

function isSampled(vote: Vote): boolean {
  return vote === 'sampled' || vote === 'invert_sampled';
}

export interface Decision {
  readonly isSampled: boolean;
  /** Index of the policy that decided; -1 when none had a say. */
  readonly by: number;
}

export interface Decider {
  decide(trace: HeldTrace): Decision;
}

export interface DeciderHooks {
  failed(policy: number, error: unknown): void;
  voted(policy: number, vote: Vote): void;
  /** So long a policy took for one trace. */
  took(policy: number, ms: number): void;
}

/** Dropped outweighs an inverted no, that a yes, that an inverted yes; a plain no is the least. */
export function buildDecider(
  policies: readonly Policy[],
  isFirstMatch: boolean,
  { hooks, clock }: { readonly hooks: DeciderHooks; readonly clock: Clock },
): Decider {
  return {
    decide(trace) {
      const votes: (Vote | undefined)[] = [];
      let startedMs = clock.monotonicMs();
      for (const [i, policy] of policies.entries()) {
        const vote = voteOf(policy, trace, (error) => hooks.failed(i, error));
        votes.push(vote);
        const endedMs = clock.monotonicMs();
        hooks.took(i, endedMs - startedMs);
        startedMs = endedMs;
        if (vote !== undefined) hooks.voted(i, vote);
        if (vote === 'dropped' || (isFirstMatch && vote === 'sampled')) break;
      }
      return weigh(votes);
    },
  };
}

function voteOf(
  policy: Policy,
  trace: HeldTrace,
  onError: (error: unknown) => void,
): Vote | undefined {
  try {
    return policy(trace);
  } catch (error) {
    onError(error);
    return undefined;
  }
}

function weigh(votes: readonly (Vote | undefined)[]): Decision {
  for (const outcome of ['dropped', 'invert_not_sampled', 'sampled'] as const) {
    const by = votes.indexOf(outcome);
    if (by >= 0) return { isSampled: outcome === 'sampled', by };
  }
  const inverted = votes.indexOf('invert_sampled');
  const isRefused = votes.includes('not_sampled');
  if (inverted >= 0 && !isRefused) return { isSampled: true, by: inverted };
  return { isSampled: false, by: votes.indexOf('not_sampled') };
}

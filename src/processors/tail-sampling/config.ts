import { z } from 'zod';
import { byteSize, duration, unavailable } from '../../config/kinds.ts';

const name = z.string().min(1).describe('Names the policy in metrics.');
const errorMode = z.enum(['ignore', 'silent', 'propagate']).default('propagate');

/** Shared by attribute policies: which attribute, and whether a match speaks against the trace. */
const invert = z.boolean().default(false).describe('Sample unless something matches.');
const key = z.string().min(1).describe('Attribute of a span or its resource.');

const baseTypes = [
  z.strictObject({ name, type: z.literal('always_sample') }),
  z.strictObject({
    name,
    type: z.literal('latency'),
    latency: z.strictObject({
      threshold_ms: z.int().nonnegative().describe('Sample traces that took longer.'),
      upper_threshold_ms: z
        .int()
        .nonnegative()
        .default(0)
        .describe('And not longer; 0 = no bound.'),
    }),
  }),
  z.strictObject({
    name,
    type: z.literal('status_code'),
    status_code: z.strictObject({
      status_codes: z.array(z.enum(['OK', 'ERROR', 'UNSET'])).min(1),
    }),
  }),
  z.strictObject({
    name,
    type: z.literal('probabilistic'),
    probabilistic: z.strictObject({
      sampling_percentage: z.number(),
      hash_salt: z
        .string()
        .default('')
        .describe('Same salt, same choice. Empty = default-hash-seed.'),
    }),
  }),
  z.strictObject({
    name,
    type: z.literal('numeric_attribute'),
    numeric_attribute: z.strictObject({
      key,
      min_value: z.int().optional(),
      max_value: z.int().optional(),
      invert_match: invert,
    }),
  }),
  z.strictObject({
    name,
    type: z.literal('string_attribute'),
    string_attribute: z.strictObject({
      key,
      values: z.array(z.string()).min(1),
      enabled_regex_matching: z.boolean().default(false).describe('Values are RE2, unanchored.'),
      cache_max_size: z
        .int()
        .nonnegative()
        .default(0)
        .describe('Accepted; matching is cheap here.'),
      invert_match: invert,
    }),
  }),
  z.strictObject({
    name,
    type: z.literal('boolean_attribute'),
    boolean_attribute: z.strictObject({ key, value: z.boolean(), invert_match: invert }),
  }),
  z.strictObject({
    name,
    type: z.literal('rate_limiting'),
    rate_limiting: z.strictObject({
      spans_per_second: z.int().positive(),
      burst_capacity: z.int().nonnegative().default(0).describe('0 = spans_per_second.'),
    }),
  }),
  z.strictObject({
    name,
    type: z.literal('bytes_limiting'),
    bytes_limiting: z.strictObject({
      bytes_per_second: z.int().positive(),
      burst_capacity: z.int().nonnegative().default(0).describe('0 = twice bytes_per_second.'),
    }),
  }),
  z.strictObject({
    name,
    type: z.literal('span_count'),
    span_count: z.strictObject({
      min_spans: z.int().nonnegative().default(0),
      max_spans: z.int().nonnegative().default(0).describe('0 = no bound.'),
    }),
  }),
  z.strictObject({
    name,
    type: z.literal('trace_state'),
    trace_state: z.strictObject({ key: z.string().min(1), values: z.array(z.string()).min(1) }),
  }),
  z.strictObject({ name, type: z.literal('trace_flags') }),
  z.strictObject({
    name,
    type: z.literal('ottl_condition'),
    ottl_condition: z
      .strictObject({
        error_mode: errorMode,
        span: z.array(z.string()).default([]),
        spanevent: z.array(z.string()).default([]),
      })
      .refine(({ span, spanevent }) => span.length + spanevent.length > 0, {
        message: 'give at least one condition in span or spanevent',
      }),
  }),
] as const;

const base = z.discriminatedUnion('type', baseTypes);
const not = z.strictObject({
  name,
  type: z.literal('not'),
  not: z.strictObject({ not_sub_policy: base }),
});
const simple = z.discriminatedUnion('type', [...baseTypes, not]);
const and = z.strictObject({
  name,
  type: z.literal('and'),
  and: z.strictObject({ and_sub_policy: z.array(simple).min(1) }),
});
const drop = z.strictObject({
  name,
  type: z.literal('drop'),
  drop: z.strictObject({ drop_sub_policy: z.array(simple).min(1) }),
});
const composite = z.strictObject({
  name,
  type: z.literal('composite'),
  composite: z.strictObject({
    max_total_spans_per_second: z.int().positive(),
    policy_order: z.array(z.string()).default([]),
    composite_sub_policy: z.array(z.discriminatedUnion('type', [...baseTypes, not, and])).min(1),
    rate_allocation: z
      .array(z.strictObject({ policy: z.string(), percent: z.int().nonnegative() }))
      .default([]),
  }),
});

export const policy = z.discriminatedUnion('type', [...baseTypes, not, and, drop, composite]);
export type BasePolicy = z.output<typeof base>;
export type AnyPolicy = z.output<typeof policy>;
export type CompositePolicy = z.output<typeof composite>['composite'];

const cacheSize = z.int().nonnegative().default(0);

export const TailSamplingConfig = z.strictObject({
  decision_wait: duration()
    .prefault('30s')
    .describe('Decide this long after the first span of a trace has come.'),
  decision_wait_after_root_received: duration()
    .prefault('0s')
    .describe('Decide this long after a root span has come, when that is earlier; 0 never does.'),
  sampling_strategy: z
    .enum(['trace-complete'], {
      error: 'only trace-complete is available: policies are asked once, when a trace is due',
    })
    .default('trace-complete')
    .describe('When policies are asked.'),
  num_shards: z.int().min(1).max(256).default(1).describe('Accepted; one decider is enough here.'),
  tail_storage: unavailable('is not available: undecided spans are in memory, see max_held_bytes'),
  num_traces: z
    .int()
    .positive()
    .default(50_000)
    .describe('Traces remembered; when more come, the oldest is given up, counted.'),
  max_held_bytes: byteSize()
    .prefault('1GiB')
    .describe('Bytes of undecided spans; beyond it senders are refused, retryably.'),
  expected_new_traces_per_sec: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Accepted; nothing is preallocated.'),
  decision_cache: z
    .strictObject({
      sampled_cache_size: cacheSize.describe('Sampled trace ids remembered longer than traces.'),
      non_sampled_cache_size: cacheSize.describe('The same for those not sampled.'),
    })
    .prefault({}),
  sample_on_first_match: z
    .boolean()
    .default(false)
    .describe('Stop at the first policy that samples.'),
  drop_pending_traces_on_shutdown: z
    .boolean()
    .default(false)
    .describe('Drop what is undecided at stop, counted, instead of deciding it then.'),
  block_on_overflow: z
    .boolean()
    .default(false)
    .describe('Refuse new traces, retryably, instead of giving up the oldest.'),
  maximum_trace_size_bytes: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Drop traces larger than this at once, counted; 0 = no bound.'),
  record_policy: z
    .boolean()
    .default(false)
    .describe(
      'Write onto the scopes of kept spans which policy kept them: tailsampling.policy, tailsampling.composite_policy and tailsampling.cached_decision. In a Collector a feature gate does so.',
    ),
  policies: z
    .array(policy)
    .min(1)
    .refine((all) => new Set(all.map(({ name: own }) => own)).size === all.length, {
      message: 'two policies have the same name',
    }),
});

export type TailSamplingConfig = z.output<typeof TailSamplingConfig>;

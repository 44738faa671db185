/** The OTTL conditions of a configuration: which context each is about, and what becomes of one
 *  that fails on some data. */
import type { ProcessorContext } from '../../component/define.ts';
import type { Batch, Signal } from '../../component/consumer.ts';
import { messageOf } from '../../lib/errors.ts';
import { compileCondition, type Predicate } from '../../ottl/compile.ts';
import type { Context } from '../../ottl/context.ts';
import type { ErrorMode, FilterConfig } from './config.ts';

/** What a condition drops; conditions on scopes are asked of what is in them. */
export type ConditionContext = 'resource' | 'span' | 'spanevent' | 'metric' | 'datapoint' | 'log';

interface ConditionSource {
  readonly context: ConditionContext;
  readonly mode: ErrorMode;
  readonly text: string;
}

/** The contexts of a signal, from the one that drops least to the one that drops most. */
const LOWEST_FIRST: Record<Signal, readonly ConditionContext[]> = {
  traces: ['spanevent', 'span', 'resource'],
  metrics: ['datapoint', 'metric', 'resource'],
  logs: ['log', 'resource'],
};

/** What scopes hold. */
const ITEM: Record<Signal, ConditionContext> = { traces: 'span', metrics: 'metric', logs: 'log' };

export class Conditions {
  readonly #context: ProcessorContext<FilterConfig, Batch>;
  readonly #sources: readonly ConditionSource[];

  constructor(context: ProcessorContext<FilterConfig, Batch>) {
    this.#context = context;
    this.#sources = sourcesOf(context.config, context.signal);
  }

  get isEmpty(): boolean {
    return this.#sources.length === 0;
  }

  /** True of what any condition of the context is true of; undefined when there is none. Throws
   *  OttlError when a condition cannot be read. */
  any<Item>(wanted: ConditionContext, context: Context<Item>): Predicate<Item> | undefined {
    const predicates = this.#sources
      .filter(({ context: of }) => of === wanted)
      .map(({ text, mode }) => this.#tolerant(compileCondition(text, context), text, mode));
    const [only] = predicates;
    if (predicates.length <= 1) return only;
    return (item) => predicates.some((predicate) => predicate(item));
  }

  /** A condition that fails is true of nothing, unless its error is to go to the sender. */
  #tolerant<Item>(predicate: Predicate<Item>, text: string, mode: ErrorMode): Predicate<Item> {
    if (mode === 'propagate') return predicate;
    return (item) => {
      try {
        return predicate(item);
      } catch (error) {
        const fields = { condition: text, reason: messageOf(error) };
        if (mode === 'ignore') this.#context.logger.error(fields, 'a filter condition failed');
        return false;
      }
    };
  }
}

/** All conditions on a signal, the older form first. */
function sourcesOf(config: FilterConfig, signal: Signal): ConditionSource[] {
  const { error_mode: mode } = config;
  const item = ITEM[signal];
  const newer = groupsOf(config, signal).flatMap((group) => {
    if (typeof group === 'string')
      return [{ context: contextOf(group, signal), mode, text: group }];
    return group.conditions.map((text) => ({
      context: contextNamed(group.context, item) ?? contextOf(text, signal),
      mode: group.error_mode ?? mode,
      text,
    }));
  });
  return [...olderOf(config, signal, mode), ...newer];
}

function groupsOf(config: FilterConfig, signal: Signal) {
  if (signal === 'traces') return config.trace_conditions;
  return signal === 'metrics' ? config.metric_conditions : config.log_conditions;
}

function olderOf(
  { traces, metrics, logs }: FilterConfig,
  signal: Signal,
  mode: ErrorMode,
): ConditionSource[] {
  const blocks: Record<Signal, Partial<Record<ConditionContext, readonly string[]>>> = {
    traces: { ...traces },
    metrics: {
      resource: metrics?.resource ?? [],
      metric: metrics?.metric ?? [],
      datapoint: metrics?.datapoint ?? [],
    },
    logs: { resource: logs?.resource ?? [], log: logs?.log_record ?? [] },
  };
  return LOWEST_FIRST[signal].flatMap((context) =>
    (blocks[signal][context] ?? []).map((text) => ({ context, mode, text })),
  );
}

function contextNamed(name: string | undefined, item: ConditionContext) {
  return name === 'scope' ? item : LOWEST_FIRST_ALL.find((context) => context === name);
}

const LOWEST_FIRST_ALL = Object.values(LOWEST_FIRST).flat();

/** The lowest context a path of the condition names: an event's, else a span's, else the
 *  resource's. */
function contextOf(condition: string, signal: Signal): ConditionContext {
  const text = condition.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  const named = LOWEST_FIRST[signal].filter((context) => new RegExp(`\\b${context}\\.`).test(text));
  const isOfScope = /\b(?:scope|instrumentation_scope)\./.test(text);
  const [lowest] = named;
  return lowest === undefined || (lowest === 'resource' && isOfScope) ? ITEM[signal] : lowest;
}

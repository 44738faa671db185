import { z } from 'zod';
import { unavailable } from '../../config/kinds.ts';
import { MatchProperties } from '../../filter/match-properties.ts';

const conditions = z.array(z.string()).default([]);

/** Conditions with the context they are about; without one it is read off the paths they name. */
const conditionGroup = z.union([
  z.string(),
  z.strictObject({
    context: z.enum(['resource', 'span', 'spanevent']).optional(),
    error_mode: z.enum(['ignore', 'silent', 'propagate']).optional(),
    conditions: z.array(z.string()).min(1),
  }),
]);

const otherSignal = (signal: string) =>
  unavailable(`filtering ${signal} is not available in this version`);

export const FilterConfig = z
  .strictObject({
    error_mode: z
      .enum(['ignore', 'silent', 'propagate'])
      .default('ignore')
      .describe('A condition that fails: log and go on, go on, or refuse the data.'),
    trace_conditions: z
      .array(conditionGroup)
      .default([])
      .describe('OTTL; what any of them is true of is dropped.'),
    traces: z
      .strictObject({ resource: conditions, span: conditions, spanevent: conditions })
      .optional()
      .describe('The older form: OTTL conditions by context.'),
    spans: z
      .strictObject({
        include: MatchProperties.optional().describe('Drop what does not match.'),
        exclude: MatchProperties.optional().describe('Drop what matches.'),
      })
      .optional()
      .describe('The oldest form.'),
    metric_conditions: otherSignal('metrics'),
    metrics: otherSignal('metrics'),
    log_conditions: otherSignal('logs'),
    logs: otherSignal('logs'),
  })
  .refine(({ trace_conditions: all, traces, spans }) => all.length > 0 || traces || spans, {
    message: 'give trace_conditions, traces or spans: without any, nothing is filtered',
  });

export type FilterConfig = z.output<typeof FilterConfig>;

export type ConditionContext = 'resource' | 'span' | 'spanevent';

export interface ConditionSource {
  readonly context: ConditionContext;
  readonly mode: FilterConfig['error_mode'];
  readonly text: string;
}

/** All conditions of the configuration, each with its context and error mode. */
export function conditionsOf(config: FilterConfig): ConditionSource[] {
  const { error_mode: mode, traces } = config;
  const older = (['resource', 'span', 'spanevent'] as const).flatMap((context) =>
    (traces?.[context] ?? []).map((text) => ({ context, mode, text })),
  );
  const newer = config.trace_conditions.flatMap((group) => {
    if (typeof group === 'string') return [{ context: contextOf(group), mode, text: group }];
    return group.conditions.map((text) => ({
      context: group.context ?? contextOf(text),
      mode: group.error_mode ?? mode,
      text,
    }));
  });
  return [...older, ...newer];
}

/** The lowest context a path of the condition names: an event's, else a span's, else the resource's. */
function contextOf(condition: string): ConditionContext {
  const text = condition.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  if (/\bspanevent\./.test(text)) return 'spanevent';
  if (/\b(?:span|scope|instrumentation_scope)\./.test(text)) return 'span';
  return /\bresource\./.test(text) ? 'resource' : 'span';
}

/** What a W3C tracestate says about sampling: its member `ot`, `rv:` and `th:`, beside members of
 *  others, which stay as they are. */
import {
  isLess,
  parseRandomness,
  parseThreshold,
  thresholdText,
  type Word56,
} from './threshold.ts';

export interface TraceState {
  /** As written; undefined where there is none. */
  readonly rv: string | undefined;
  readonly randomness: Word56 | undefined;
  readonly threshold: Word56 | undefined;
  readonly thresholdText: string | undefined;
  /** Fields of `ot` that we do not know. */
  readonly extra: readonly string[];
  /** Members of others, in order. */
  readonly others: readonly string[];
}

const MEMBER = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,256}$/;
const OT = /^[a-z][a-z0-9]*:[a-zA-Z0-9._-]*(?:;[a-z][a-z0-9]*:[a-zA-Z0-9._-]*)*$/;
const OT_LENGTH_MAX = 256;

/** undefined when it is malformed. */
export function parseTraceState(text: string): TraceState | undefined {
  const members = text
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
  if (!members.every((member) => MEMBER.test(member))) return undefined;
  const others = members.filter((member) => !member.startsWith('ot='));
  const own = members.find((member) => member.startsWith('ot='))?.slice('ot='.length);
  if (own === undefined) return { ...NOTHING, others };
  return own.length <= OT_LENGTH_MAX && OT.test(own) ? parseOwn(own, others) : undefined;
}

const NOTHING: TraceState = {
  rv: undefined,
  randomness: undefined,
  threshold: undefined,
  thresholdText: undefined,
  extra: [],
  others: [],
};

function parseOwn(own: string, others: readonly string[]): TraceState | undefined {
  const fields = own.split(';');
  const valueOf = (key: string) =>
    fields.findLast((field) => field.startsWith(`${key}:`))?.slice(key.length + 1);
  const rv = valueOf('rv');
  const th = valueOf('th');
  const randomness = rv === undefined ? undefined : parseRandomness(rv);
  const threshold = th === undefined ? undefined : parseThreshold(th);
  const isBad = (rv !== undefined && !randomness) || (th !== undefined && !threshold);
  if (isBad) return undefined;
  const extra = fields.filter((field) => !field.startsWith('rv:') && !field.startsWith('th:'));
  return { rv, randomness, threshold, thresholdText: th, extra, others };
}

/** With the given sampling fields instead of its own. `ot`, as it was changed, comes first. */
export function writeTraceState(
  { extra, others }: TraceState,
  rv: string | undefined,
  th: string | undefined,
): string {
  const fields = [
    ...(rv === undefined ? [] : [`rv:${rv}`]),
    ...(th === undefined ? [] : [`th:${th}`]),
    ...extra,
  ];
  return [...(fields.length === 0 ? [] : [`ot=${fields.join(';')}`]), ...others].join(',');
}

/** A threshold as a field: never lower than the one that was there, which would claim that more
 *  was kept before than was. */
export function raisedThreshold(
  state: Pick<TraceState, 'threshold' | 'thresholdText'>,
  threshold: Word56,
): string {
  const { threshold: before, thresholdText: text } = state;
  return before !== undefined && text !== undefined && isLess(threshold, before)
    ? text
    : thresholdText(threshold);
}

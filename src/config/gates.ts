/** Feature gates: behaviour that is switched by `--feature-gates a,-b,+c`, under the names that a
 *  Collector has for it. Only what makes a difference here is a gate; others are refused by name, so
 *  that nobody believes to have switched something. */
import { SpoorError } from '../lib/errors.ts';
import { suggestion } from './nearest.ts';

export type GateId = 'confmap.enableMergeAppendOption' | 'service.AllowNoPipelines';

export interface Gate {
  readonly id: GateId;
  /** Alpha is off and beta is on unless told otherwise. */
  readonly stage: 'alpha' | 'beta';
  readonly summary: string;
}

export const gates: readonly Gate[] = [
  {
    id: 'confmap.enableMergeAppendOption',
    stage: 'alpha',
    summary:
      'Merging sources appends to the lists of extensions and of the receivers and exporters of a pipeline, instead of replacing them.',
  },
  {
    id: 'service.AllowNoPipelines',
    stage: 'alpha',
    summary: 'A configuration may have no pipeline.',
  },
];

/** Gates of a Collector whose behaviour is ours with or without them. */
const always: ReadonlySet<string> = new Set([
  'service.partialReload',
  'service.partialReloadReceivers',
]);

export class GateError extends SpoorError<'unknown_gate'> {}

export type OpenGates = ReadonlySet<GateId>;

/** @param flags values of the flag, each a list with commas
 *  @throws GateError that lists the gates there are */
export function openGates(flags: readonly string[]): OpenGates {
  const open = new Set(gates.filter(({ stage }) => stage === 'beta').map(({ id }) => id));
  for (const written of flags.flatMap((flag) => flag.split(',')).map((text) => text.trim())) {
    if (written === '') continue;
    const [, sign = '', id = ''] = /^([+-]?)(.*)$/.exec(written) ?? [];
    if (always.has(id)) continue;
    const gate = gates.find((known) => known.id === id);
    if (!gate) throw unknownGate(id);
    if (sign === '-') open.delete(gate.id);
    else open.add(gate.id);
  }
  return open;
}

export function unknownGate(id: string): GateError {
  const ids = gates.map((gate) => gate.id);
  const message = `there is no feature gate "${id}"${suggestion(id, ids)} (valid: ${ids.join(', ')})`;
  return new GateError('unknown_gate', message);
}

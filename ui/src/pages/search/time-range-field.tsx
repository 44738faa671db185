/** A time back from now, or two instants. */
import { useLingui } from '@lingui/react/macro';
import { useId } from 'react';
import { field } from '../../components/control.ts';
import { SelectField } from '../../components/select-field.tsx';
import { FieldLabel } from '../../components/field-label.tsx';
import { FieldProblem } from '../../components/suggest-field.tsx';
import { type Draft, toLocalInput } from '../../model/search-draft.ts';
import { LOOKBACKS, lookbackMicros } from '../../model/search-params.ts';
import { useLookbackLabel } from './lookback-label.ts';

interface TimeRangeFieldProps {
  readonly draft: Draft;
  readonly onChange: (part: Partial<Draft>) => void;
  readonly isBad: boolean;
}

export function TimeRangeField({ draft, onChange, isBad }: TimeRangeFieldProps) {
  const { t } = useLingui();
  const labelOf = useLookbackLabel();
  const known: readonly string[] = LOOKBACKS;
  const asked = draft.lookback === 'custom' ? [] : [draft.lookback];
  const choices = [...new Set([...known, ...asked])].sort(
    (a, b) => (lookbackMicros(a) ?? 0) - (lookbackMicros(b) ?? 0),
  );
  const options = choices.map((value) => ({ value, label: labelOf(value) }));

  function choose(lookback: string) {
    if (lookback !== 'custom') return onChange({ lookback });
    const endMicros = Date.now() * 1000;
    const startMicros = endMicros - (lookbackMicros(draft.lookback) ?? 3600e6);
    onChange({ lookback, start: toLocalInput(startMicros), end: toLocalInput(endMicros) });
  }

  return (
    <>
      <SelectField
        className="w-36"
        label={t`Time range`}
        value={draft.lookback}
        options={[...options, { value: 'custom', label: t`Custom…` }]}
        onChange={choose}
      />
      {draft.lookback === 'custom' && (
        <div className="relative flex gap-2">
          <Instant label={t`From`} value={draft.start} onChange={(start) => onChange({ start })} />
          <Instant label={t`To`} value={draft.end} onChange={(end) => onChange({ end })} />
          {isBad && <FieldProblem id="range-problem">{t`From must be before To.`}</FieldProblem>}
        </div>
      )}
    </>
  );
}

interface InstantProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Instant({ label, value, onChange }: InstantProps) {
  const id = useId();
  return (
    <div>
      <FieldLabel htmlFor={id}>{label}</FieldLabel>
      <input
        id={id}
        type="datetime-local"
        step={1}
        className={`${field} w-48`}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}

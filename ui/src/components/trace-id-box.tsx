/** Goes to a trace whose id was pasted, in whatever form it was copied. */
import { useLingui } from '@lingui/react/macro';
import { useNavigate } from '@tanstack/react-router';
import { type SubmitEvent, useState } from 'react';
import { canonicalTraceId } from '../model/trace-id.ts';
import { field } from './control.ts';

export function TraceIdBox() {
  const { t } = useLingui();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [isBad, setIsBad] = useState(false);

  function submit(event: SubmitEvent) {
    event.preventDefault();
    const traceId = canonicalTraceId(text);
    setIsBad(traceId === undefined);
    if (traceId === undefined) return;
    setText('');
    void navigate({ to: '/trace/$traceId', params: { traceId }, search: {} });
  }

  return (
    <form onSubmit={submit} className="relative w-64 max-w-[40vw]">
      <input
        className={`${field} font-mono text-xs`}
        aria-label={t`Trace id`}
        placeholder={t`Go to trace id…`}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setIsBad(false);
        }}
        aria-invalid={isBad}
        aria-describedby={isBad ? 'trace-id-problem' : undefined}
        spellCheck={false}
        autoComplete="off"
      />
      {isBad && (
        <p
          id="trace-id-problem"
          role="alert"
          className="absolute top-9 right-0 z-50 w-max max-w-72 rounded-md border border-error/40 bg-raised px-2.5 py-1.5 text-error shadow-float"
        >
          {t`A trace id is 1 to 32 hexadecimal digits.`}
        </p>
      )}
    </form>
  );
}

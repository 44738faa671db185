/** The question as a form. It keeps a draft; only a submit reaches the URL. */
import { Trans, useLingui } from '@lingui/react/macro';
import { useQuery } from '@tanstack/react-query';
import { Search } from 'lucide-react';
import { type SubmitEvent, useState } from 'react';
import { operationsQuery, servicesQuery } from '../../api/queries.ts';
import { primaryButton, quietButton } from '../../components/control.ts';
import { SelectField } from '../../components/select-field.tsx';
import { ServiceDot } from '../../components/service-dot.tsx';
import { SuggestField } from '../../components/suggest-field.tsx';
import { draftOf, type Draft, paramsOf } from '../../model/search-draft.ts';
import { LIMITS, type SearchParams } from '../../model/search-params.ts';
import { suggestNames } from '../../model/suggest.ts';
import { AttributesField } from './attributes-field.tsx';
import { TextField } from './text-field.tsx';
import { TimeRangeField } from './time-range-field.tsx';

interface SearchFormProps {
  readonly params: SearchParams;
  readonly onSearch: (params: SearchParams) => void;
}

export function SearchForm({ params, onSearch }: SearchFormProps) {
  const { t } = useLingui();
  const [draft, setDraft] = useState(() => draftOf(params));
  const [shown, setShown] = useState(params);
  const [problem, setProblem] = useState<keyof Draft>();
  // The address changed under the form (back, a link): it follows, and keeps its focus.
  if (shown !== params) {
    setShown(params);
    setDraft(draftOf(params));
  }
  const services = useQuery(servicesQuery());
  const isKnown = services.data?.includes(draft.service) === true;
  const operations = useQuery(operationsQuery(isKnown ? draft.service : ''));
  const change = (part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
    setProblem(undefined);
  };

  function submit(event: SubmitEvent) {
    event.preventDefault();
    const read = paramsOf(draft, params.order);
    setProblem('problem' in read ? read.problem : undefined);
    if ('params' in read) onSearch(read.params);
  }

  return (
    <form
      onSubmit={submit}
      aria-label={t`Search traces`}
      className="flex shrink-0 flex-wrap items-end gap-2 border-b border-line bg-surface px-4 pt-2.5 pb-3"
    >
      <SuggestField
        className="w-44 grow-0"
        label={t`Service`}
        placeholder={t`All services`}
        suggest={(typed) => suggestNames(services.data ?? [], typed)}
        value={draft.service}
        onChange={(service) => change({ service, operation: '' })}
        mark={serviceMark}
      />
      <SuggestField
        className="w-52"
        label={t`Operation`}
        placeholder={draft.service === '' ? t`Choose a service first` : t`All operations`}
        suggest={(typed) => suggestNames(operations.data ?? [], typed)}
        value={draft.operation}
        onChange={(operation) => change({ operation })}
        disabled={draft.service === ''}
      />
      <AttributesField
        value={draft.tags}
        onChange={(tags) => change({ tags })}
        isBad={problem === 'tags'}
      />
      <TextField
        className="w-24"
        label={t`Min duration`}
        placeholder="100ms"
        value={draft.minDuration}
        onChange={(minDuration) => change({ minDuration })}
        {...(problem === 'minDuration' ? { problem: t`Like 1.5s or 200ms` } : {})}
      />
      <TextField
        className="w-24"
        label={t`Max duration`}
        placeholder="1.5s"
        value={draft.maxDuration}
        onChange={(maxDuration) => change({ maxDuration })}
        {...(problem === 'maxDuration' ? { problem: t`Like 1.5s or 200ms` } : {})}
      />
      <TimeRangeField draft={draft} onChange={change} isBad={problem === 'start'} />
      <SelectField
        className="w-20"
        label={t`Limit`}
        value={String(draft.limit)}
        options={LIMITS.map((limit) => ({ value: String(limit), label: String(limit) }))}
        onChange={(limit) => change({ limit: Number(limit) })}
      />
      <div className="ml-auto flex gap-1">
        <button type="button" className={quietButton} onClick={() => onSearch({})}>
          <Trans>Reset</Trans>
        </button>
        <button type="submit" className={primaryButton}>
          <Search size={14} aria-hidden="true" />
          <Trans>Find traces</Trans>
        </button>
      </div>
    </form>
  );
}

function serviceMark(service: string) {
  return <ServiceDot service={service} />;
}

import { plural } from '@lingui/core/macro';
import { useLingui } from '@lingui/react/macro';
import { LoaderCircle, Search, X } from 'lucide-react';
import type { KeyboardEvent, RefObject } from 'react';
import { field } from '../../components/control.ts';
import { formatCount } from '../../i18n/format.ts';
import { useTraceState, useTraceStore } from './trace-context.ts';

interface FindBoxProps {
  readonly input: RefObject<HTMLInputElement | null>;
  readonly isSearching: boolean;
}

export function FindBox({ input, isSearching }: FindBoxProps) {
  const { t } = useLingui();
  const store = useTraceStore();
  const find = useTraceState((state) => state.find);

  function press(event: KeyboardEvent) {
    if (event.key === 'Enter') store.goToMatch(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape' && find !== '') store.setFind('');
    else if (event.key === 'Escape') input.current?.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div role="search" className="relative w-80 max-w-full">
      <Search size={14} aria-hidden="true" className="absolute top-2 left-2.5 text-faint" />
      <input
        ref={input}
        className={`${field} h-7.5 pr-20 pl-8`}
        aria-label={t`Find in this trace`}
        placeholder={t`Find in names, attributes, events…`}
        value={find}
        onChange={(event) => store.setFind(event.target.value)}
        onKeyDown={press}
        spellCheck={false}
        autoComplete="off"
      />
      <div className="absolute inset-y-0 right-1.5 flex items-center gap-1 text-xs text-muted">
        {find !== '' && isSearching && (
          <LoaderCircle size={12} aria-hidden="true" className="animate-spin" />
        )}
        {find !== '' && <MatchCount />}
        {find !== '' && (
          <button
            type="button"
            className="flex size-5 items-center justify-center rounded-sm hover:bg-hover"
            aria-label={t`Clear`}
            onClick={() => {
              store.setFind('');
              input.current?.focus();
            }}
          >
            <X size={13} aria-hidden="true" />
          </button>
        )}
      </div>
    </div>
  );
}

function MatchCount() {
  const { t, i18n } = useLingui();
  const matches = useTraceState((state) => state.matches);
  const active = useTraceState((state) => state.active);
  const at = matches.indexOf(active);
  const total = formatCount(i18n.locale, matches.length);
  const label = t`${plural(matches.length, { one: '# span matches', other: '# spans match' })}`;
  return (
    <span role="status" aria-label={label} title={label}>
      {at < 0 ? total : `${formatCount(i18n.locale, at + 1)}/${total}`}
    </span>
  );
}

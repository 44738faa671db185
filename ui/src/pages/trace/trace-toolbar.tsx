/** Find, fold, and what else is done to the view. */
import { Trans, useLingui } from '@lingui/react/macro';
import {
  ChevronDown,
  ChevronsDownUp,
  ChevronsUpDown,
  ChevronUp,
  FoldVertical,
  Keyboard,
  LocateFixed,
  PanelBottom,
  PanelRight,
  RotateCw,
  Route,
  UnfoldVertical,
} from 'lucide-react';
import type { ReactNode, RefObject } from 'react';
import { iconButton } from '../../components/control.ts';
import { foldOneLevel, UNFOLDED, unfoldOneLevel } from '../../model/fold.ts';
import { setPreference, usePreference } from '../../state/preferences.ts';
import { FindBox } from './find-box.tsx';
import { useTraceState, useTraceStore } from './trace-context.ts';

interface TraceToolbarProps {
  readonly findInput: RefObject<HTMLInputElement | null>;
  readonly isSearching: boolean;
  readonly onHelp: () => void;
  /** Fetches the trace again: spans may have come since. */
  readonly onReload: () => void;
}

export function TraceToolbar({ findInput, isSearching, onHelp, onReload }: TraceToolbarProps) {
  const { t } = useLingui();
  const store = useTraceStore();
  const showPath = useTraceState((state) => state.showPath);
  const hasMatches = useTraceState((state) => state.matches.length > 0);
  const dock = usePreference('dock');
  const change = (fold: typeof foldOneLevel) => {
    const { model, fold: now } = store.getState();
    store.setFold(fold(model.columns, now));
  };
  return (
    <div
      role="toolbar"
      aria-label={t`View of the trace`}
      className="flex shrink-0 flex-wrap items-center gap-1 border-b border-line bg-surface px-3 py-1.5"
    >
      <FindBox input={findInput} isSearching={isSearching} />
      <Tool
        label={t`Previous match`}
        keys="b"
        isOff={!hasMatches}
        onPress={() => store.goToMatch(-1)}
      >
        <ChevronUp size={15} aria-hidden="true" />
      </Tool>
      <Tool label={t`Next match`} keys="f" isOff={!hasMatches} onPress={() => store.goToMatch(1)}>
        <ChevronDown size={15} aria-hidden="true" />
      </Tool>
      <Tool
        label={t`Show only the way to the matches`}
        keys="l"
        isOff={!hasMatches}
        onPress={() => store.locateMatches()}
      >
        <LocateFixed size={14} aria-hidden="true" />
      </Tool>
      <Gap />
      <Tool
        label={t`Collapse all`}
        keys="]"
        onPress={() => store.setFold({ depth: 0, exceptions: new Set() })}
      >
        <ChevronsDownUp size={15} aria-hidden="true" />
      </Tool>
      <Tool label={t`Expand all`} keys="[" onPress={() => store.setFold(UNFOLDED)}>
        <ChevronsUpDown size={15} aria-hidden="true" />
      </Tool>
      <Tool label={t`Collapse one level`} keys="p" onPress={() => change(foldOneLevel)}>
        <FoldVertical size={15} aria-hidden="true" />
      </Tool>
      <Tool label={t`Expand one level`} keys="o" onPress={() => change(unfoldOneLevel)}>
        <UnfoldVertical size={15} aria-hidden="true" />
      </Tool>
      <Gap />
      <button
        type="button"
        aria-pressed={showPath}
        title={`${t`Critical path`} (c)`}
        className={`${iconButton} w-auto gap-1.5 px-2 text-xs font-medium`}
        onClick={() => store.togglePath()}
      >
        <Route size={14} aria-hidden="true" />
        <Trans>Critical path</Trans>
      </button>
      <div className="ml-auto flex gap-1">
        <Tool label={t`Load the trace again`} onPress={onReload}>
          <RotateCw size={14} aria-hidden="true" />
        </Tool>
        <Tool
          label={dock === 'right' ? t`Detail at the bottom` : t`Detail at the right`}
          onPress={() => setPreference('dock', dock === 'right' ? 'bottom' : 'right')}
        >
          {dock === 'right' ? (
            <PanelBottom size={15} aria-hidden="true" />
          ) : (
            <PanelRight size={15} aria-hidden="true" />
          )}
        </Tool>
        <Tool label={t`Keyboard shortcuts`} keys="?" onPress={onHelp}>
          <Keyboard size={15} aria-hidden="true" />
        </Tool>
      </div>
    </div>
  );
}

interface ToolProps {
  readonly label: string;
  readonly keys?: string;
  readonly isOff?: boolean;
  readonly onPress: () => void;
  readonly children: ReactNode;
}

function Tool({ label, keys, isOff = false, onPress, children }: ToolProps) {
  return (
    <button
      type="button"
      className={iconButton}
      aria-label={label}
      title={keys === undefined ? label : `${label} (${keys})`}
      disabled={isOff}
      onClick={onPress}
    >
      {children}
    </button>
  );
}

function Gap() {
  return <span className="mx-1 h-4 w-px bg-line" aria-hidden="true" />;
}

/** The view of a loaded trace: header, minimap, waterfall, detail. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { getRouteApi } from '@tanstack/react-router';
import type { TraceModel } from '../../model/trace-model.ts';
import { createTraceStore, type TraceStore } from '../../state/trace-store.ts';
import { usePreference } from '../../state/preferences.ts';
import { DetailPanel } from './detail-panel.tsx';
import { MinimapView } from './minimap-view.tsx';
import { ShortcutsDialog } from './shortcuts-dialog.tsx';
import { TraceContext, useTraceState } from './trace-context.ts';
import { TraceHeader } from './trace-header.tsx';
import { TraceToolbar } from './trace-toolbar.tsx';
import { useFind } from './use-find.ts';
import { useShortcuts } from './use-shortcuts.ts';
import { useUrlSync } from './use-url-sync.ts';
import type { Waterfall } from './waterfall.ts';
import { WaterfallView } from './waterfall-view.tsx';

const route = getRouteApi('/trace/$traceId');

interface TraceViewProps {
  readonly model: TraceModel;
  readonly onReload: () => void;
}

export function TraceView({ model, onReload }: TraceViewProps) {
  const params = route.useSearch();
  const [store] = useState(() => createTraceStore(model, params));
  useEffect(() => store.setModel(model), [store, model]);
  return (
    <TraceContext value={store}>
      <TraceBody store={store} onReload={onReload} />
    </TraceContext>
  );
}

interface TraceBodyProps {
  readonly store: TraceStore;
  readonly onReload: () => void;
}

function TraceBody({ store, onReload }: TraceBodyProps) {
  const waterfall = useRef<Waterfall>(undefined);
  const setWaterfall = useCallback((made: Waterfall | undefined) => {
    waterfall.current = made;
  }, []);
  const findInput = useRef<HTMLInputElement>(null);
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const dock = usePreference('dock');
  const isOpen = useTraceState((state) => state.selected >= 0);
  const { isSearching } = useFind(store);
  useUrlSync(store);
  useShortcuts({ store, waterfall, findInput, showHelp: () => setIsHelpOpen(true) });
  return (
    <div className="flex h-full flex-col">
      <TraceHeader />
      <TraceToolbar
        findInput={findInput}
        isSearching={isSearching}
        onHelp={() => setIsHelpOpen(true)}
        onReload={onReload}
      />
      <MinimapView />
      <div className={`flex min-h-0 flex-1 ${dock === 'bottom' ? 'flex-col' : ''}`}>
        <WaterfallView onReady={setWaterfall} />
        {isOpen && <DetailPanel onClose={() => waterfall.current?.focus()} />}
      </div>
      <ShortcutsDialog isOpen={isHelpOpen} onClose={() => setIsHelpOpen(false)} />
    </div>
  );
}

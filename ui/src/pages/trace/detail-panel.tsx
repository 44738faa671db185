/** All that one span says, docked at the right or the bottom. */
import { useLingui } from '@lingui/react/macro';
import { useRef } from 'react';
import { Splitter } from '../../components/splitter.tsx';
import { preferences, setPreference, usePreference } from '../../state/preferences.ts';
import { SpanDetailView } from './span-detail-view.tsx';
import { useTraceState, useTraceStore } from './trace-context.ts';

export function DetailPanel({ onClose }: { readonly onClose: () => void }) {
  const { t } = useLingui();
  const store = useTraceStore();
  const selected = useTraceState((state) => state.selected);
  const dock = usePreference('dock');
  const share = usePreference('detailShare')[dock];
  const panel = useRef<HTMLElement>(null);
  const parent = useRef<HTMLElement>(null);
  const isRight = dock === 'right';
  const resize = (before: number) => {
    const shares = preferences.getState().detailShare;
    setPreference('detailShare', { ...shares, [dock]: 1 - before });
  };
  return (
    <aside
      ref={(element) => {
        panel.current = element;
        parent.current = element?.parentElement ?? null;
      }}
      aria-label={t`Span detail`}
      className={`relative min-h-0 shrink-0 bg-surface ${isRight ? 'border-l border-line' : 'border-t border-line'}`}
      style={isRight ? { width: `${share * 100}%` } : { height: `${share * 100}%` }}
    >
      <Splitter
        label={t`Size of the detail`}
        orientation={isRight ? 'vertical' : 'horizontal'}
        share={1 - share}
        onShare={resize}
        container={parent}
        className={`absolute ${isRight ? 'inset-y-0 -left-1' : 'inset-x-0 -top-1'}`}
      />
      <div className="h-full overflow-y-auto">
        <SpanDetailView
          row={selected}
          onClose={() => {
            store.close();
            onClose();
          }}
        />
      </div>
    </aside>
  );
}

import { type RefObject, useEffect } from 'react';
import type { TraceStore } from '../../state/trace-store.ts';
import { shortcutOf } from './shortcuts.ts';
import type { Waterfall } from './waterfall.ts';

interface ShortcutTargets {
  readonly store: TraceStore;
  readonly waterfall: RefObject<Waterfall | undefined>;
  readonly findInput: RefObject<HTMLInputElement | null>;
  readonly showHelp: () => void;
}

export function useShortcuts({ store, waterfall, findInput, showHelp }: ShortcutTargets): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      // An open dialog has the keyboard for itself.
      if (event.defaultPrevented || document.querySelector('dialog[open]') !== null) return;
      const act = shortcutOf(event);
      if (act === undefined) return;
      event.preventDefault();
      const context = {
        store,
        page: waterfall.current?.rowsInView ?? 1,
        focusRows: () => waterfall.current?.focus(),
        focusFind: () => findInput.current?.select(),
        showHelp,
      };
      act(context, event);
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [store, waterfall, findInput, showHelp]);
}

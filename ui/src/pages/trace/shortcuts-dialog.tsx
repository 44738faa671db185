/** The sheet of shortcuts. A native dialog: it keeps the focus and closes with Escape by itself. */
import { useLingui } from '@lingui/react/macro';
import { X } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { iconButton } from '../../components/control.ts';

interface ShortcutsDialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function ShortcutsDialog({ isOpen, onClose }: ShortcutsDialogProps) {
  const { t } = useLingui();
  const groups = useGroups();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="shortcuts-title"
      className="m-auto w-[min(44rem,92vw)] rounded-xl border border-line-strong bg-raised p-0 text-text shadow-float backdrop:bg-(--shade)"
      onClose={onClose}
    >
      <div className="p-5">
        <div className="mb-4 flex items-center justify-between">
          <h2 id="shortcuts-title" className="text-base font-semibold">{t`Keyboard shortcuts`}</h2>
          <button type="button" className={iconButton} aria-label={t`Close`} onClick={onClose}>
            <X size={16} aria-hidden="true" />
          </button>
        </div>
        <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
          {groups.map(({ title, lines }) => (
            <section key={title}>
              <h3 className="mb-1.5 text-xs font-medium text-muted">{title}</h3>
              <dl>
                {lines.map(([keys, text]) => (
                  <div key={keys} className="flex items-center justify-between gap-4 py-1">
                    <dt>{text}</dt>
                    <dd className="flex shrink-0 gap-1">
                      {keys.split(' ').map((key) => (
                        <kbd
                          key={key}
                          className="min-w-5 rounded-sm border border-line-strong bg-surface px-1.5 text-center font-sans text-xs"
                        >
                          {key}
                        </kbd>
                      ))}
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
      </div>
    </dialog>
  );
}

interface Group {
  readonly title: string;
  readonly lines: readonly (readonly [keys: string, text: string])[];
}

function useGroups(): Group[] {
  const { t } = useLingui();
  return [
    {
      title: t`Spans`,
      lines: [
        ['j k ↓ ↑', t`Next, previous span`],
        ['s w', t`Page down, page up`],
        ['Enter', t`Open or close the detail`],
        ['→ ←', t`On a span: expand, collapse`],
        ['Space', t`Expand or collapse`],
        ['Esc', t`Close the detail, clear the find`],
      ],
    },
    {
      title: t`Tree`,
      lines: [
        [']', t`Collapse all`],
        ['[', t`Expand all`],
        ['p', t`Collapse one level`],
        ['o', t`Expand one level`],
      ],
    },
    {
      title: t`Find`,
      lines: [
        ['/ Ctrl+B', t`Find in this trace`],
        ['f b', t`Next, previous match`],
        ['l', t`Show only the way to the matches`],
      ],
    },
    {
      title: t`Time`,
      lines: [
        ['a d ← →', t`Pan left, right (Shift: far)`],
        ['+ - ↑ ↓', t`Zoom in, out (Shift: far)`],
        ['0', t`Show all time`],
        ['c', t`Critical path`],
      ],
    },
  ];
}

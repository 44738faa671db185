/** Copies a text and says so. */
import { useLingui } from '@lingui/react/macro';
import { Check, Copy } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { iconButton } from './control.ts';

interface CopyButtonProps {
  readonly text: string;
  readonly label: string;
  readonly className?: string;
  /** When it is not the text at its side that is copied. */
  readonly icon?: ReactNode;
}

export function CopyButton({ text, label, className = '', icon }: CopyButtonProps) {
  const { t } = useLingui();
  const [isDone, setIsDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setIsDone(false), 1500);
    return () => clearTimeout(timer);
  }, [isDone]);

  async function copy() {
    await copyText(text);
    setIsDone(true);
  }

  return (
    <button
      type="button"
      className={`${iconButton} ${className}`}
      aria-label={isDone ? t`Copied` : label}
      title={label}
      onClick={() => void copy()}
    >
      {isDone ? (
        <Check size={13} aria-hidden="true" />
      ) : (
        (icon ?? <Copy size={13} aria-hidden="true" />)
      )}
    </button>
  );
}

/** The clipboard API wants HTTPS or localhost; a selection works wherever. */
async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

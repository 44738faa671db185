import { useLingui } from '@lingui/react/macro';
import { ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';
import { CopyButton } from '../../components/copy-button.tsx';

interface SectionProps {
  readonly title: string;
  readonly count?: number;
  /** What the copy button gives. */
  readonly copy?: string;
  readonly isOpen?: boolean;
  readonly children: ReactNode;
}

export function Section({ title, count, copy, isOpen = false, children }: SectionProps) {
  const { t } = useLingui();
  return (
    <details open={isOpen} className="group relative border-t border-line">
      <summary className="flex h-9 list-none items-center gap-1.5 px-4 font-medium hover:bg-hover [&::-webkit-details-marker]:hidden">
        <ChevronRight
          size={14}
          aria-hidden="true"
          className="text-faint transition-transform group-open:rotate-90"
        />
        {title}
        {count !== undefined && <span className="text-xs font-normal text-muted">{count}</span>}
      </summary>
      {copy !== undefined && (
        <CopyButton text={copy} label={t`Copy as JSON`} className="absolute top-1 right-3" />
      )}
      {children}
    </details>
  );
}

/** The middle of a page that has nothing else to show: what happened, and the way on. */
import type { ReactNode } from 'react';

interface NoticeProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly tone?: 'plain' | 'error';
  /** Of the title: 1 where the notice is the page. */
  readonly level?: 1 | 2;
  /** Sentences and buttons. */
  readonly children: ReactNode;
}

export function Notice({ icon, title, tone = 'plain', level = 1, children }: NoticeProps) {
  const Title = `h${level}` as const;
  const ring = tone === 'error' ? 'bg-error-soft text-error' : 'bg-accent-soft text-accent';
  return (
    <section
      className="mx-auto flex max-w-xl flex-col items-center px-6 py-16 text-center"
      role={tone === 'error' ? 'alert' : undefined}
    >
      <div className={`mb-4 flex size-12 items-center justify-center rounded-full ${ring}`}>
        {icon}
      </div>
      <Title className="mb-1.5 text-base font-semibold">{title}</Title>
      <div className="flex flex-col items-center gap-4 text-muted">{children}</div>
    </section>
  );
}

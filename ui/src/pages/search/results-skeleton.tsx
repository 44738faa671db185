import { useLingui } from '@lingui/react/macro';

export function ResultsSkeleton() {
  const { t } = useLingui();
  return (
    <div className="px-4 pt-3" role="status" aria-label={t`Searching…`}>
      <div className="mb-3 h-8 w-28 animate-pulse rounded-md bg-sunken" />
      <div className="mb-4 h-40 animate-pulse rounded-lg bg-sunken" />
      {Array.from({ length: 8 }, (_, i) => (
        <div key={i} className="mb-2 h-9 animate-pulse rounded-md bg-sunken" />
      ))}
    </div>
  );
}

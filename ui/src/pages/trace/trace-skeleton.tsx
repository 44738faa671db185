import { useLingui } from '@lingui/react/macro';

export function TraceSkeleton() {
  const { t } = useLingui();
  return (
    <div className="p-4" role="status" aria-label={t`Loading the trace…`}>
      <div className="mb-2 h-6 w-96 animate-pulse rounded-md bg-sunken" />
      <div className="mb-3 h-4 w-72 animate-pulse rounded-md bg-sunken" />
      <div className="mb-4 h-16 animate-pulse rounded-md bg-sunken" />
      {Array.from({ length: 14 }, (_, i) => (
        <div
          key={i}
          className="mb-2 h-4 animate-pulse rounded-sm bg-sunken"
          style={{ marginLeft: `${30 + ((i * 7) % 50)}%`, width: `${8 + ((i * 13) % 20)}%` }}
        />
      ))}
    </div>
  );
}

/** A request that failed: what it was, in words, and a retry. */
import { Trans, useLingui } from '@lingui/react/macro';
import { RotateCw, ServerOff, TriangleAlert } from 'lucide-react';
import { ApiError } from '../api/client.ts';
import { plainButton } from './control.ts';
import { Notice } from './notice.tsx';

interface FailureProps {
  readonly error: unknown;
  readonly onRetry: () => void;
  readonly level?: 1 | 2;
}

export function Failure({ error, onRetry, level = 1 }: FailureProps) {
  const { t } = useLingui();
  const isDown = error instanceof ApiError && error.kind === 'unreachable';
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof ApiError ? error.hint : undefined;
  const Icon = isDown ? ServerOff : TriangleAlert;
  return (
    <Notice
      tone="error"
      level={level}
      icon={<Icon size={22} aria-hidden="true" />}
      title={isDown ? t`The server does not answer` : t`The server refused this`}
    >
      {isDown ? (
        <p>
          <Trans>Is Spoor running? It may be starting, or the network may be down.</Trans>
        </p>
      ) : (
        <p className="font-mono text-xs">{message}</p>
      )}
      {hint !== undefined && <p>{hint}</p>}
      <button type="button" className={plainButton} onClick={onRetry}>
        <RotateCw size={14} aria-hidden="true" />
        <Trans>Try again</Trans>
      </button>
    </Notice>
  );
}

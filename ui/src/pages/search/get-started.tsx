/** The first visit: nothing was ever received. Shows where to send spans, and watches for them. */
import { Tabs } from '@base-ui/react/tabs';
import { Trans, useLingui } from '@lingui/react/macro';
import { useEffect, useEffectEvent } from 'react';
import { CopyButton } from '../../components/copy-button.tsx';
import { Logo } from '../../components/logo.tsx';
import { sdkSnippets } from './sdk-snippets.ts';

const POLL_MS = 2000;

interface GetStartedProps {
  /** Asks the server again. */
  readonly onAsk: () => void;
}

export function GetStarted({ onAsk }: GetStartedProps) {
  const { t } = useLingui();
  const ask = useEffectEvent(onAsk);
  useEffect(() => {
    const timer = setInterval(() => ask(), POLL_MS);
    return () => clearInterval(timer);
  }, []);
  const snippets = sdkSnippets(location.hostname);
  return (
    <section className="mx-auto max-w-2xl px-6 py-14">
      <div className="mb-4 text-accent">
        <Logo size={40} />
      </div>
      <h2 className="mb-1 text-xl font-semibold tracking-tight">{t`Waiting for the first trace`}</h2>
      <p className="mb-6 max-w-prose text-muted">
        <Trans>
          Point any OpenTelemetry SDK or Collector here: OTLP over gRPC on port 4317, over HTTP on
          port 4318. This page moves on by itself when a span arrives.
        </Trans>
      </p>
      <Tabs.Root defaultValue="env">
        <Tabs.List className="flex gap-1 border-b border-line" aria-label={t`Ways to send spans`}>
          {snippets.map(({ id, label }) => (
            <Tabs.Tab
              key={id}
              value={id}
              className="-mb-px h-8 border-b-2 border-transparent px-2.5 font-medium text-muted hover:text-text data-active:border-accent data-active:text-text"
            >
              {id === 'env' ? t`Any SDK` : label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {snippets.map(({ id, code }) => (
          <Tabs.Panel key={id} value={id} className="relative mt-3">
            <pre className="overflow-x-auto rounded-lg border border-line bg-sunken p-4 pr-12 font-mono text-xs leading-5">
              {code}
            </pre>
            <CopyButton text={code} label={t`Copy`} className="absolute top-2.5 right-2.5" />
          </Tabs.Panel>
        ))}
      </Tabs.Root>
      <p className="mt-5 flex items-center gap-2 text-muted" role="status">
        <span className="size-2 animate-pulse rounded-full bg-accent" aria-hidden="true" />
        <Trans>Listening…</Trans>
      </p>
    </section>
  );
}

/** Starts the UI: theme, language, router. */
import { I18nProvider } from '@lingui/react';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api/client.ts';
import { activate, i18n } from './i18n/i18n.ts';
import { makeRouter } from './routes.tsx';
import { preferences } from './state/preferences.ts';
import { startTheme } from './state/theme.ts';
import './styles/main.css';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        failures < 1 && error instanceof ApiError && error.kind === 'unreachable',
    },
  },
});

async function start(root: HTMLElement): Promise<void> {
  startTheme();
  await activate(preferences.getState().language);
  preferences.subscribe((now, before) => {
    if (now.language !== before.language) void activate(now.language);
  });
  createRoot(root).render(
    <StrictMode>
      <I18nProvider i18n={i18n}>
        <QueryClientProvider client={queries}>
          <RouterProvider router={makeRouter()} />
        </QueryClientProvider>
      </I18nProvider>
    </StrictMode>,
  );
}

const root = document.querySelector<HTMLElement>('#root');
if (root !== null) void start(root);

/** A server that has seen nothing, below a path prefix. */
import { expect as expectPage, type Browser } from '@playwright/test';
import { afterAll, beforeAll, test } from 'vitest';
import { openBrowser } from '../browser.ts';
import { rideTrace } from './fixture/ride.ts';
import { openPage, startServer, type Testbed } from './testbed.ts';

let server: Testbed;
let browser: Browser | undefined;

beforeAll(async () => {
  server = await startServer(['extensions.jaeger_query.base_path=/tools/spoor']);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test('the first visit shows where to send spans, and moves on when one arrives', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(`${server.url}/`);
  await expectPage(page).toHaveURL(/\/tools\/spoor\/search$/);
  await expectPage(
    page.getByRole('heading', { name: 'Waiting for the first trace' }),
  ).toBeVisible();
  await expectPage(page.getByRole('tabpanel', { name: 'Any SDK' })).toContainText(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
  );
  await page.getByRole('tab', { name: 'Python' }).click();
  // By name: the panel before it is still leaving.
  await expectPage(page.getByRole('tabpanel', { name: 'Python' })).toContainText(
    'opentelemetry-instrument',
  );
  const spans = rideTrace(1, Date.now() - 5000);
  await server.send(spans);
  await expectPage(page.getByRole('link', { name: /GET \/dispatch/ })).toBeVisible();
  await page.getByRole('link', { name: /GET \/dispatch/ }).click();
  await expectPage(page).toHaveURL(new RegExp(`/tools/spoor/trace/${spans[0]?.traceId}$`));
  await expectPage(page.getByRole('treegrid')).toBeVisible();
  await page.context().close();
});

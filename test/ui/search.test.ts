/** The search page, by the roles that a screen reader knows. */
import { expect as expectPage, type Browser } from '@playwright/test';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser } from '../browser.ts';
import { rideTrace } from './fixture/ride.ts';
import { openPage, startServer, type Testbed } from './testbed.ts';

const TRACES = 45;
let server: Testbed;
let browser: Browser | undefined;

beforeAll(async () => {
  server = await startServer();
  const now = Date.now();
  for (let i = 0; i < TRACES; i++) await server.send(rideTrace(i + 1, now - 10_000 - i * 5000));
  await server.findable(TRACES);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test('a search shows what was found, page by page, in the order asked for', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(`${server.url}/`);
  await expectPage(page).toHaveURL(/\/search$/);
  const rows = page.getByRole('table', { name: 'Traces found' }).getByRole('row');
  await expectPage(rows).toHaveCount(21);
  await expectPage(rows.nth(1)).toContainText('frontend GET /dispatch');
  await page.getByRole('button', { name: 'Load more' }).click();
  await expectPage(rows).toHaveCount(41);
  await page.getByRole('button', { name: 'Load more' }).click();
  await expectPage(rows).toHaveCount(TRACES + 1);
  await expectPage(page.getByRole('button', { name: 'Load more' })).toHaveCount(0);
  await page.getByRole('combobox', { name: 'Order' }).selectOption('longest');
  await expectPage(page).toHaveURL(/order=longest/);
  await expectPage(rows).toHaveCount(21);
  await page.context().close();
});

test('the form finds by service, operation and attribute, and the address says so', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(`${server.url}/search`);
  const service = page.getByRole('combobox', { name: 'Service' });
  await service.fill('red');
  await page.getByRole('option', { name: 'redis' }).click();
  await page.getByRole('combobox', { name: 'Operation' }).click();
  await page.getByRole('option', { name: 'GetDriver' }).click();
  const attributes = page.getByRole('combobox', { name: 'Attributes' });
  await attributes.fill('db.sys');
  await page.getByRole('option', { name: 'db.system.name' }).click();
  await expectPage(attributes).toHaveValue('db.system.name=');
  await attributes.pressSequentially('redis');
  await page.getByRole('textbox', { name: 'Min duration' }).fill('30 ms');
  await page.keyboard.press('Enter');
  await expectPage(page).toHaveURL(/service=redis/);
  const address = new URL(page.url());
  expect(Object.fromEntries(address.searchParams)).toEqual({
    service: 'redis',
    operation: 'GetDriver',
    tags: '{"db.system.name":"redis"}',
    minDuration: '30ms',
  });
  await expectPage(page.getByRole('table')).toBeVisible();
  await page.context().close();
});

test("Jaeger's own link opens the same search", async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  const end = Date.now() * 1000;
  await page.goto(
    `${server.url}/search?service=frontend&operation=GET%20%2Fdispatch&limit=5&lookback=custom` +
      `&start=${end - 3_600_000_000}&end=${end}&maxDuration=&minDuration=` +
      '&tags=%7B%22http.route%22%3A%22%2Fdispatch%22%7D',
  );
  await expectPage(page.getByRole('combobox', { name: 'Service' })).toHaveValue('frontend');
  await expectPage(page.getByRole('combobox', { name: 'Attributes' })).toHaveValue(
    'http.route=/dispatch',
  );
  await expectPage(page.getByRole('table').getByRole('row')).toHaveCount(6);
  await page.context().close();
});

test('what cannot be understood is said beside its field', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(`${server.url}/search`);
  const field = page.getByRole('textbox', { name: 'Max duration' });
  await field.fill('fast');
  await page.getByRole('button', { name: 'Find traces' }).click();
  await expectPage(page.getByRole('alert')).toHaveText('Like 1.5s or 200ms');
  await expectPage(field).toHaveAttribute('aria-invalid', 'true');
  await page.context().close();
});

test('nothing found offers a wider search', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(`${server.url}/search?service=nobody`);
  await expectPage(page.getByRole('heading', { name: 'No trace fits' })).toBeVisible();
  await page.getByRole('button', { name: 'Drop all conditions' }).click();
  await expectPage(page.getByRole('table').getByRole('row')).toHaveCount(21);
  await page.context().close();
});

test('the scatter opens a trace, by pointer and by keyboard', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(`${server.url}/search`);
  const plot = page.getByRole('slider', { name: /Duration over time/ });
  await plot.focus();
  await page.keyboard.press('Home');
  await expectPage(plot).toHaveAttribute('aria-valuetext', /frontend GET \/dispatch, \d+/);
  await page.keyboard.press('Enter');
  await expectPage(page).toHaveURL(/\/trace\/[0-9a-f]{32}/);
  await expectPage(page.getByRole('treegrid')).toBeVisible();
  await page.goBack();
  await expectPage(page.getByRole('table').getByRole('row')).toHaveCount(21);
  await page.context().close();
});

test('a failing server is told, and asked again', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  let isDown = true;
  await page.route('**/api/spoor/search*', async (route) =>
    isDown ? route.abort() : route.continue(),
  );
  await page.goto(`${server.url}/search`);
  const alert = page.getByRole('alert');
  await expectPage(alert).toContainText('The server does not answer');
  isDown = false;
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expectPage(page.getByRole('table')).toBeVisible();
  await page.context().close();
});

test('an address of no page says so', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(`${server.url}/nowhere`);
  await expectPage(page.getByRole('heading', { name: 'No tracks lead here' })).toBeVisible();
  await page.getByRole('main').getByRole('link', { name: 'Go to the search' }).click();
  await expectPage(page).toHaveURL(/\/search$/);
  await page.context().close();
});

/** The trace page, by role, with the keyboard, and through its address. */
import { expect as expectPage, type Browser, type Page } from '@playwright/test';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Span } from '../../src/model/trace/span.ts';
import { openBrowser } from '../browser.ts';
import { rideTrace } from './fixture/ride.ts';
import { shapedTrace } from './fixture/shapes.ts';
import { openPage, startServer, type Testbed } from './testbed.ts';

let server: Testbed;
let browser: Browser | undefined;
/** Has a cache look-up that failed. */
let ride: Span[];
let chain: Span[];

beforeAll(async () => {
  server = await startServer();
  const now = Date.now();
  const rides = Array.from({ length: 10 }, (_, i) => rideTrace(i + 1, now - 60_000 - i * 1000));
  ride = rides.find((spans) => spans.some(({ statusCode }) => statusCode === 2)) ?? [];
  chain = shapedTrace('chain', 1000, now - 120_000);
  await server.send(ride);
  await server.send(chain);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const traceUrl = (spans: Span[], search = '') =>
  `${server.url}/trace/${spans[0]?.traceId ?? ''}${search}`;
const grid = (page: Page) => page.getByRole('treegrid');
const bodyRows = (page: Page) => grid(page).getByRole('rowgroup').getByRole('row');
const param = (page: Page, name: string) => new URL(page.url()).searchParams.get(name);

test('the header sums up, rows say service, operation and duration', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(traceUrl(ride));
  await expectPage(page.getByRole('heading', { level: 1 })).toHaveText('frontend GET /dispatch');
  await expectPage(page).toHaveTitle(/^Trace [0-9a-f]{7} · Spoor$/);
  await expectPage(grid(page)).toHaveAttribute('aria-rowcount', String(ride.length + 1));
  await expectPage(grid(page)).toHaveAccessibleName(`Waterfall of ${ride.length} spans`);
  const root = bodyRows(page).first();
  await expectPage(root).toHaveAttribute('aria-level', '1');
  await expectPage(root).toHaveAttribute('aria-expanded', 'true');
  await expectPage(root).toContainText(/frontendGET \/dispatch\d+ ms/);
  await page.context().close();
});

test('a click opens the detail: attributes, resource, events with their stack', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  const failed = ride.find(({ statusCode }) => statusCode === 2);
  await page.goto(traceUrl(ride, `?span=${failed?.spanId}`));
  const detail = page.getByRole('complementary', { name: 'Span detail' });
  await expectPage(detail.getByRole('heading', { name: 'GetDriver' })).toBeVisible();
  await expectPage(detail).toContainText('redis timeout');
  await expectPage(detail).toContainText('db.system.name');
  await expectPage(detail).toContainText('telemetry.sdk.language');
  await expectPage(detail.getByRole('region', { name: 'Stack trace' })).toContainText(
    'cache-client.ts:48:13',
  );
  await detail.getByRole('textbox', { name: 'Filter keys and values' }).fill('driverID');
  await expectPage(detail).not.toContainText('db.system.name');
  await detail.getByRole('button', { name: /driver driver.DriverService/ }).click();
  await expectPage(
    detail.getByRole('heading', { name: 'driver.DriverService/FindNearest' }),
  ).toBeVisible();
  await bodyRows(page).first().click();
  await expectPage(detail.getByRole('heading', { name: 'GET /dispatch' })).toBeVisible();
  await detail.getByRole('button', { name: 'Close the detail' }).click();
  await expectPage(detail).toHaveCount(0);
  await page.context().close();
});

test('find looks into names, attributes and events, and walks through the matches', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(traceUrl(ride));
  await expectPage(grid(page)).toBeVisible();
  await page.keyboard.press('/');
  await page.keyboard.type('TimeoutError');
  const failed = ride.filter(({ statusCode }) => statusCode === 2).length;
  const count = page.getByRole('search').getByRole('status');
  await expectPage(count).toHaveText(String(failed));
  await page.keyboard.press('Enter');
  await expectPage(count).toHaveText(`1/${failed}`);
  await expectPage.poll(() => param(page, 'uiFind')).toBe('TimeoutError');
  await page.getByRole('button', { name: 'Show only the way to the matches' }).click();
  await expectPage(bodyRows(page).filter({ hasText: 'shortest path' })).toHaveCount(0);
  await page.context().close();
});

test('a journey with the keyboard alone', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(traceUrl(ride));
  await expectPage(grid(page)).toBeVisible();
  const focused = bodyRows(page).and(page.locator(':focus'));
  await page.keyboard.press('j');
  await expectPage(focused).toHaveAttribute('aria-rowindex', '3');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('k');
  await page.keyboard.press('ArrowUp');
  await expectPage(focused).toHaveAttribute('aria-rowindex', '2');
  await page.keyboard.press('ArrowLeft');
  await expectPage(focused).toHaveAttribute('aria-expanded', 'false');
  await expectPage(grid(page)).toHaveAttribute('aria-rowcount', '2');
  await page.keyboard.press('ArrowRight');
  await expectPage(grid(page)).toHaveAttribute('aria-rowcount', String(ride.length + 1));
  await page.keyboard.press('End');
  await expectPage(focused).toHaveAttribute('aria-rowindex', String(ride.length + 1));
  await page.keyboard.press('Enter');
  const detail = page.getByRole('complementary', { name: 'Span detail' });
  await expectPage(detail).toBeVisible();
  await page.keyboard.press('k');
  await expectPage.poll(() => param(page, 'span')).not.toBeNull();
  await page.keyboard.press('Escape');
  await expectPage(detail).toHaveCount(0);
  await page.keyboard.press(']');
  await expectPage(grid(page)).toHaveAttribute('aria-rowcount', '2');
  await page.keyboard.press('o');
  await expectPage.poll(() => param(page, 'depth')).toBe('1');
  await page.keyboard.press('[');
  await expectPage.poll(() => param(page, 'depth')).toBeNull();
  await page.keyboard.press('c');
  await expectPage.poll(() => param(page, 'path')).toBe('off');
  await page.keyboard.press('Shift+D');
  await page.keyboard.press('+');
  await expectPage.poll(() => param(page, 'range')).toMatch(/^\d+-\d+$/);
  await page.keyboard.press('0');
  await expectPage.poll(() => param(page, 'range')).toBeNull();
  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expectPage(sheet).toBeVisible();
  await page.keyboard.press('Escape');
  await expectPage(sheet).toBeHidden();
  await page.context().close();
});

test('a link shows another person the same', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(traceUrl(ride));
  await expectPage(grid(page)).toBeVisible();
  await bodyRows(page).nth(1).click();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('/');
  await page.keyboard.type('route');
  await page.getByRole('slider', { name: 'Start of the time shown' }).press('Shift+ArrowRight');
  await page.getByRole('button', { name: 'Critical path' }).click();
  await expectPage.poll(() => param(page, 'path')).toBe('off');
  await expectPage.poll(() => param(page, 'uiFind')).toBe('route');
  await expectPage.poll(() => param(page, 'fold')).toMatch(/^[0-9a-f]{16}$/);
  await expectPage.poll(() => param(page, 'range')).not.toBeNull();
  const link = page.url();
  const rows = await grid(page).getAttribute('aria-rowcount');

  const other = await openPage(browser);
  await other.goto(link);
  await expectPage(grid(other)).toHaveAttribute('aria-rowcount', rows ?? '');
  await expectPage(other.getByRole('complementary', { name: 'Span detail' })).toBeVisible();
  await expectPage(other.getByRole('textbox', { name: 'Find in this trace' })).toHaveValue('route');
  await expectPage(other.getByRole('button', { name: 'Critical path' })).toHaveAttribute(
    'aria-pressed',
    'false',
  );
  await expectPage(other.getByRole('button', { name: 'Show all time' })).toBeVisible();
  expect(other.url()).toBe(link);
  await page.context().close();
  await other.context().close();
});

test('the minimap chooses a range by dragging, and gives it back', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(traceUrl(ride));
  const start = page.getByRole('slider', { name: 'Start of the time shown' });
  await expectPage(start).toHaveAttribute('aria-valuenow', '0');
  const box = await start.boundingBox();
  const y = (box?.y ?? 0) + 10;
  await page.mouse.move(400, y);
  await page.mouse.down();
  await page.mouse.move(700, y, { steps: 4 });
  await page.mouse.up();
  await expectPage(start).toHaveAttribute('aria-valuenow', /^2[5-9]$/);
  await page.getByRole('button', { name: 'Show all time' }).click();
  await expectPage(start).toHaveAttribute('aria-valuenow', '0');
  await page.context().close();
});

test('an id in another form is replaced by the trace’s own', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  const traceId = ride[0]?.traceId ?? '';
  await page.goto(`${server.url}/trace/${traceId.toUpperCase()}?uiFind=x`);
  await expectPage(page).toHaveURL(`${server.url}/trace/${traceId}?uiFind=x`);
  await page.goto(`${server.url}/search`);
  await page.getByRole('textbox', { name: 'Trace id' }).fill(` ${traceId.toUpperCase()} `);
  await page.keyboard.press('Enter');
  await expectPage(page).toHaveURL(`${server.url}/trace/${traceId}`);
  await page.goto(`${server.url}/trace/abc`);
  await expectPage(page).toHaveURL(`${server.url}/trace/${'abc'.padStart(32, '0')}`);
  await expectPage(page.getByRole('heading', { name: 'This trace is not here' })).toBeVisible();
  await page.goto(`${server.url}/trace/hello`);
  await expectPage(page.getByRole('heading', { name: 'This is no trace id' })).toBeVisible();
  await page.context().close();
});

test('a chain of a thousand spans keeps its rows readable', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  const last = chain.at(-1)?.spanId ?? '';
  await page.goto(traceUrl(chain, `?span=${last}`));
  const row = bodyRows(page).and(page.locator('[aria-selected="true"]'));
  await expectPage(row).toHaveAttribute('aria-level', '1000');
  const name = await row.getByRole('gridcell').first().boundingBox();
  const dot = await row.locator('.wf-dot').boundingBox();
  expect((dot?.x ?? 1e9) - (name?.x ?? 0)).toBeLessThan((name?.width ?? 0) * 0.7);
  await page.context().close();
});

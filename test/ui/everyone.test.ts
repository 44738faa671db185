/** For everyone: both pages in both themes and both languages without a fault that axe finds, and
 *  nothing but data left in English on a Korean page. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect as expectPage, type Browser, type Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Span } from '../../src/model/trace/span.ts';
import { openBrowser } from '../browser.ts';
import { rideTrace } from './fixture/ride.ts';
import { type Look, openPage, startServer, type Testbed } from './testbed.ts';

let server: Testbed;
let browser: Browser | undefined;
let ride: Span[];

beforeAll(async () => {
  server = await startServer();
  const now = Date.now();
  const rides = Array.from({ length: 12 }, (_, i) => rideTrace(i + 1, now - 60_000 - i * 9000));
  ride = rides.find((spans) => spans.some(({ statusCode }) => statusCode === 2)) ?? [];
  for (const spans of rides) await server.send(spans);
  await server.findable(rides.length);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const failedSpan = () => ride.find(({ statusCode }) => statusCode === 2)?.spanId ?? '';
const pages: Readonly<Record<string, () => string>> = {
  search: () => '/search',
  'trace with detail': () => `/trace/${ride[0]?.traceId}?span=${failedSpan()}&uiFind=redis`,
};
/** These differ from the pages by their words alone: once is enough. */
const notices: Readonly<Record<string, () => string>> = {
  'search without results': () => '/search?service=nobody',
  'trace that is not there': () => '/trace/abc',
  'address of no page': () => '/nowhere',
};

async function settled(page: Page, name: string): Promise<void> {
  const isPage = Object.hasOwn(pages, name);
  if (!isPage) await expectPage(page.getByRole('main').getByRole('heading').last()).toBeVisible();
  else if (name === 'search') await expectPage(page.getByRole('table')).toBeVisible();
  else await expectPage(page.getByRole('complementary')).toContainText('db.system.name');
}

async function faultsOf(name: string, path: string, look: Required<Look>): Promise<unknown[]> {
  if (browser === undefined) throw new Error('no browser was opened');
  const page = await openPage(browser, look);
  await page.goto(`${server.url}${path}`);
  await settled(page, name);
  expect(await page.locator('html').getAttribute('lang')).toBe(look.language);
  expect(await page.locator('html').getAttribute('data-theme')).toBe(look.theme);
  const { violations } = await new AxeBuilder({ page }).analyze();
  await page.context().close();
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

describe.each(['light', 'dark'] as const)('%s', (theme) => {
  describe.each(['en', 'ko'] as const)('%s', (language) => {
    test.for(Object.keys(pages))('axe finds no fault on: %s', async (name, context) => {
      browser ??= await openBrowser(context);
      expect(await faultsOf(name, pages[name]?.() ?? '', { theme, language })).toEqual([]);
    });
  });
});

test.for(Object.keys(notices))('axe finds no fault on: %s', async (name, context) => {
  browser ??= await openBrowser(context);
  const look = { theme: 'dark', language: 'ko' } as const;
  expect(await faultsOf(name, notices[name]?.() ?? '', look)).toEqual([]);
});

/** Names of things, in no language: data, units, keys, formats. */
const DATA =
  /frontend|customer|driver|route|redis|GET|dispatch|SELECT|FindNearest|FindDriverIDs|GetDriver|DriverService|shortest path|Spoor|English|SDK|JSON|ID|OTLP|Enter|Esc|Space|Ctrl|Shift|key=value|[0-9a-f]{7,}|\b[\d.]*(?:ns|ms|min|s|h)\b|http[\w.=/ ]*|user\.tier=gold|T7\d+C/g;

test('a Korean page speaks Korean', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser, { language: 'ko' });
  for (const path of [
    '/search',
    `/trace/${ride[0]?.traceId}`,
    '/search?service=nobody',
    '/nowhere',
  ]) {
    await page.goto(`${server.url}${path}`);
    await expectPage(page.getByRole('main')).toContainText(/[가-힣]/);
    const texts: string[] = await page.evaluate(SPOKEN_TEXTS);
    const english = texts.filter((text) => /[A-Za-z]{2}/.test(text.replaceAll(DATA, '')));
    expect(english, path).toEqual([]);
  }
  await page.context().close();
});

test('language and theme are chosen in the top bar and remembered', async (context) => {
  browser ??= await openBrowser(context);
  const page = await openPage(browser);
  await page.goto(`${server.url}/search`);
  await page.getByRole('combobox', { name: 'Language' }).selectOption('한국어');
  await expectPage(page.getByRole('button', { name: '트레이스 찾기' })).toBeVisible();
  await page.getByRole('combobox', { name: '테마' }).selectOption('어둡게');
  await expectPage(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.reload();
  await expectPage(page.getByRole('button', { name: '트레이스 찾기' })).toBeVisible();
  await expectPage(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.goto(`${server.url}/search?lang=en`);
  await expectPage(page.getByRole('button', { name: 'Find traces' })).toBeVisible();
  await page.context().close();
});

/** Every text of the page that is seen or read aloud. In the page's own language: the types of a
 *  browser stay out of the server's. */
const SPOKEN_TEXTS = `(() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const skipped = walker.currentNode.parentElement.closest('script, style, pre, [lang]:not(html)');
    if (skipped === null) texts.push(walker.currentNode.textContent);
  }
  for (const name of ['aria-label', 'title', 'placeholder']) {
    for (const element of document.querySelectorAll('[' + name + ']')) {
      texts.push(element.getAttribute(name));
    }
  }
  return texts.map((text) => text.trim()).filter((text) => text !== '');
})()`;

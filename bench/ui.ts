/** The waterfall in a real browser: long traces of three shapes through the real server. The figures
 *  are what a person waits for: first rows, frames while scrolling, folding, opening a detail. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from '@playwright/test';
import { chromiumMissing, findChromium } from '../scripts/setup/chromium.mjs';
import { type Shape, shapedTrace } from '../test/ui/fixture/shapes.ts';
import { sendSpans } from '../test/ui/testbed.ts';
import type { Figure, Options } from './report.ts';
import { Server } from './server.ts';

const VIEW = { width: 1440, height: 900 };
const CASES: readonly { readonly shape: Shape; readonly spans: number }[] = [
  { shape: 'bushy', spans: 10_000 },
  { shape: 'wide', spans: 10_000 },
  { shape: 'bushy', spans: 100_000 },
  { shape: 'wide', spans: 100_000 },
  { shape: 'chain', spans: 100_000 },
];

export async function run({ isQuick }: Options): Promise<Figure[]> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(chromiumMissing);
  const server = await Server.start();
  // Without --enable-precise-memory-info the browser rounds its heap to no use.
  const args = [
    '--disable-dev-shm-usage',
    '--enable-precise-memory-info',
    '--js-flags=--expose-gc',
  ];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const figures: Figure[] = [];
    for (const one of isQuick ? CASES.slice(0, 2) : CASES) {
      const spans = shapedTrace(one.shape, one.spans, Date.now() - 120_000);
      await sendSpans(server.http, spans);
      const url = `${server.api.replace(/\/$/, '')}/trace/${spans[0]?.traceId}`;
      figures.push(...(await measure(browser, url, `${one.shape} ${one.spans / 1000}k`)));
    }
    return [...figures, ...sizes()];
  } finally {
    await browser.close();
    await server.remove();
  }
}

async function measure(browser: Browser, url: string, name: string): Promise<Figure[]> {
  const answered = await answerMs(url.replace('/trace/', '/api/spoor/traces/'));
  const context = await browser.newContext({ viewport: VIEW });
  const page = await context.newPage();
  await page.addInitScript(WATCH_FIRST_ROW);
  await page.goto(url);
  await page.waitForSelector('[role=treegrid] .wf-row');
  const firstRows = await evaluate(page, 'firstRowMs');
  await page.waitForTimeout(1500);
  const figure = (what: string, value: number, unit: string): Figure => ({
    claim: 'ui',
    name: `${name}: ${what}`,
    value,
    unit,
  });
  const figures = [
    figure('answer of the server', answered, 'ms'),
    {
      ...figure('first rows, from an empty tab', firstRows, 'ms'),
      baseline: 'answer of the server',
      ratio: firstRows / answered,
    },
    figure('scroll 5 rows a frame', await evaluate(page, scroll(130)), 'fps'),
    figure('scroll 200 rows a frame', await evaluate(page, scroll(5200)), 'fps'),
    figure('collapse all', await evaluate(page, press(']')), 'ms'),
    figure('expand all', await evaluate(page, press('[')), 'ms'),
    figure('open detail', await evaluate(page, OPEN_DETAIL), 'ms'),
    figure('heap', await evaluate(page, HEAP), 'MB'),
  ];
  await context.close();
  return figures;
}

/** The second asking: the server's own caches are not what is measured here. */
async function answerMs(url: string): Promise<number> {
  await (await fetch(url)).arrayBuffer();
  const startMs = performance.now();
  await (await fetch(url)).arrayBuffer();
  return performance.now() - startMs;
}

/** The page's clock begins with its navigation. */
const WATCH_FIRST_ROW = `
  globalThis.firstRowMs = 0;
  new MutationObserver((_, observer) => {
    if (document.querySelector('.wf-row') === null) return;
    globalThis.firstRowMs = performance.now();
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
`;

/** In the page's own words, so that a browser's types stay out of the server's. */
async function evaluate(page: Page, script: string): Promise<number> {
  return page.evaluate<number>(script);
}

const FRAME = 'const frame = () => new Promise((done) => requestAnimationFrame(done));';
const PAUSE = 'await new Promise((done) => setTimeout(done, 400));';

function scroll(pixels: number): string {
  return `(async () => {
    ${FRAME}
    const box = document.querySelector('[role=treegrid] > [role=rowgroup]');
    box.scrollTop = 0;
    await frame();
    await frame();
    const start = performance.now();
    let frames = 0;
    for (; performance.now() - start < 2000; frames++) {
      box.scrollTop += ${pixels};
      await frame();
    }
    const fps = (frames * 1000) / (performance.now() - start);
    box.scrollTop = 0;
    ${PAUSE}
    return fps;
  })()`;
}

/** From the key to the second frame after it: then what it did is on the screen. */
function press(key: string): string {
  return `(async () => {
    ${FRAME}
    const start = performance.now();
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '${key}', bubbles: true }));
    await frame();
    await frame();
    const took = performance.now() - start;
    ${PAUSE}
    return took;
  })()`;
}

const OPEN_DETAIL = `(async () => {
  ${FRAME}
  const start = performance.now();
  document.querySelectorAll('.wf-row')[3].click();
  while (document.querySelector('aside h2') === null) await frame();
  await frame();
  const took = performance.now() - start;
  ${PAUSE}
  return took;
})()`;

const HEAP = `(async () => {
  ${PAUSE}
  gc();
  return performance.memory.usedJSHeapSize / 1e6;
})()`;

/** What a page loads before it shows something, as gzip sends it. */
function sizes(): Figure[] {
  const assets = new URL('../ui/dist/assets/', import.meta.url);
  if (!existsSync(assets)) return [];
  const bytesOf = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, assets))).length, 0);
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
  const isOf = (page: string) => (name: string) => name.startsWith(`${page}-`);
  const lazy = ['trace-page', 'trace-worker', 'search-page', 'get-started', 'ko'];
  const shared = scripts.filter((name) => !lazy.some((page) => isOf(page)(name)));
  const search = [...shared, ...scripts.filter(isOf('search-page'))];
  const trace = scripts.filter((name) => isOf('trace-page')(name) || isOf('trace-worker')(name));
  const figure = (name: string, names: readonly string[]): Figure => ({
    claim: 'ui',
    name,
    value: bytesOf(names) / 1000,
    unit: 'kB gz',
  });
  return [figure('search page, JS', search), figure('trace page, JS besides', trace)];
}

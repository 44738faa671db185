/** The UI as a person meets it: the real server with the built UI, real spans sent to it, a real
 *  browser. `SPOOR_UI_URL` names a server that runs already, for work on the tests themselves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from '@playwright/test';
import type { Span } from '../../src/model/trace/span.ts';
import { FREE_PORTS, SpoorProcess } from '../cli/spoor-process.ts';
import { exportRequest } from './fixture/otlp-json.ts';

/** A request body stays far below the receiver's bound. */
const SPANS_PER_REQUEST = 5000;

export interface Testbed {
  /** Without a slash at the end. */
  readonly url: string;
  send(spans: readonly Span[]): Promise<void>;
  /** Waits until search knows this many traces. */
  findable(count: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startServer(settings: readonly string[] = []): Promise<Testbed> {
  const running = process.env['SPOOR_UI_URL'];
  if (running !== undefined) return borrowed(running);
  const directory = mkdtempSync(join(tmpdir(), 'spoor-ui-'));
  const more = settings.flatMap((setting) => ['--set', setting]);
  const spoor = new SpoorProcess([...FREE_PORTS, ...more], { SPOOR_DATA_DIR: directory });
  const stop = async () => {
    await spoor.end();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const url = (await spoor.address('UI and API')).replace(/\/$/, '');
    const receiver = await spoor.address('OTLP/HTTP');
    return {
      url,
      stop,
      send: async (spans) => sendSpans(receiver, spans),
      findable: async (count) => untilFindable(url, count),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function borrowed(url: string): Testbed {
  const nothing = async () => {};
  return { url: url.replace(/\/$/, ''), send: nothing, findable: nothing, stop: nothing };
}

export async function sendSpans(receiver: string, spans: readonly Span[]): Promise<void> {
  for (let at = 0; at < spans.length; at += SPANS_PER_REQUEST) {
    const response = await fetch(`${receiver}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(exportRequest(spans.slice(at, at + SPANS_PER_REQUEST))),
    });
    if (!response.ok) throw new Error(`spans were refused: ${await response.text()}`);
  }
}

async function untilFindable(url: string, count: number): Promise<void> {
  let found = 0;
  for (let tries = 0; tries < 300; tries++) {
    const response = await fetch(`${url}/api/spoor/search?limit=1500`);
    const { traces } = (await response.json()) as { traces?: unknown[] };
    found = traces?.length ?? 0;
    if (found >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`search knows ${found} of ${count} traces`);
}

export interface Look {
  readonly theme?: 'light' | 'dark';
  readonly language?: 'en' | 'ko';
}

/** A page in a context of its own, that fails the test when the page itself reports an error. */
export async function openPage(browser: Browser, look: Look = {}): Promise<Page> {
  const options: BrowserContextOptions = {
    viewport: { width: 1440, height: 900 },
    colorScheme: look.theme ?? 'light',
    locale: look.language === 'ko' ? 'ko-KR' : 'en-US',
    reducedMotion: 'reduce',
  };
  const context = await browser.newContext(options);
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  return page;
}

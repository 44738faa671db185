/** The browser of the UI's tests, driven by Playwright as a library so that one runner counts all
 *  tests. Where no browser is installed a test is skipped and says what to install. */
import { chromium, type Browser } from '@playwright/test';
import { chromiumMissing, findChromium } from '../scripts/setup/chromium.mjs';

/** Skips the running test where there is no browser. */
export async function openBrowser(context: { skip: (note: string) => never }): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) return context.skip(chromiumMissing);
  return chromium.launch({ executablePath, args: ['--disable-dev-shm-usage'] });
}

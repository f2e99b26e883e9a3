import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { DESKTOP, overflowOf, PHONE, violationsOn } from './browser.ts';

export const PICTURES = join(tmpdir(), 'causeway-console');
export const WIDTHS = { desktop: DESKTOP, phone: PHONE };

/** Opens a page after log-in, and fails on any script error or refusal by the page's policy. */
export async function onPage(
  { browser, url }: { browser: Browser; url: string },
  path: string,
  options: BrowserContextOptions,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/London', ...options });
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${url}/sign-in?return=${encodeURIComponent(path)}`);
    await use(page);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

/** A picture to look at, and what must hold of every page: accessible, and nothing sticks out. */
export async function inspected(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  assert.deepEqual(await violationsOn(page), []);
  assert.ok((await overflowOf(page)) <= 0, 'the page scrolls sideways');
}

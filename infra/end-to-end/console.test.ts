import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../../services/console/src/testing/browser.ts';
import { inspected, WIDTHS } from '../../services/console/src/testing/gallery.ts';
import { type Causeway, startCauseway } from './causeway.ts';

const PAGES = ['/now', '/flow', '/throughput', '/lag', '/failures', '/agreements', '/disclosures', '/value'];

let causeway: Causeway;
let browser: Browser;
let page: Page;

before(async () => {
  [causeway, browser] = await Promise.all([startCauseway(), openBrowser()]);
  const context = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'Europe/London',
    viewport: WIDTHS.desktop,
  });
  page = await context.newPage();
});
after(async () => {
  await browser?.close();
  await causeway?.stop();
});

test('somebody of information governance logs in at the real provider and finds every page accessible, on a desktop and on a phone', async () => {
  await page.goto(`${causeway.console}/now`);
  await page.locator('#password').fill('causeway');
  await page.locator('#user').fill('governance');
  await page.locator('button[type="submit"]').click();
  await page.waitForURL(`${causeway.console}/now`);
  for (const path of PAGES)
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      await page.setViewportSize(viewport);
      const answer = await page.goto(causeway.console + path);
      assert.equal(answer?.status(), 200, path);
      await inspected(page, `whole-${path.slice(1)}-${width}`);
    }
  await page.setViewportSize(WIDTHS.desktop);
});

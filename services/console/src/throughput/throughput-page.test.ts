import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Measured } from '../measurement/report.ts';
import { DESKTOP, openBrowser, overflowOf, PHONE, violationsOn } from '../testing/browser.ts';
import { startConsoleUnderTest } from '../testing/console-under-test.ts';
import { measuredFlows, NO_LOOKS } from '../testing/measured.ts';
import { startOpenIdProvider } from '../testing/openid-provider.ts';

const PICTURES = join(tmpdir(), 'causeway-console-pages');
const COUNCIL = {
  id: 'westshire-council',
  name: 'Westshire Council',
  perSecond: 2.1,
  releasedPerSecond: 11.4,
};
const TRUST = {
  id: 'westshire-nhs-trust',
  name: 'Westshire NHS Trust',
  perSecond: 18.6,
  releasedPerSecond: 1.2,
};
const POLICE = { id: 'westshire-police', name: 'Westshire Police', perSecond: 6.3, releasedPerSecond: 0.4 };
const WIDTHS = { desktop: DESKTOP, phone: PHONE };

const now = Date.now();
const flowing = measuredFlows([COUNCIL, TRUST, POLICE], now);
const stopped = measuredFlows([COUNCIL, { ...TRUST, stoppedForMs: 95_000 }, POLICE], now);
const states: Record<string, Measured> = {
  flowing,
  stopped,
  away: { ...flowing, connection: { status: 'away', since: now - 40_000 } },
  starting: { ...NO_LOOKS, organisations: flowing.organisations },
  empty: { ...NO_LOOKS, connection: { status: 'live' } },
};

let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let site: Awaited<ReturnType<typeof startConsoleUnderTest>>;
let browser: Browser;

before(async () => {
  mkdirSync(PICTURES, { recursive: true });
  provider = await startOpenIdProvider();
  provider.become({ roles: ['operator'], name: 'Operations' });
  site = await startConsoleUnderTest({ issuer: provider.issuer, measured: flowing });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await Promise.all([site?.close(), provider?.close()]);
});

/** Runs `use` on the page after log-in, and fails on any script error or refusal by the page's policy. */
async function onPage(
  options: BrowserContextOptions,
  use: (page: Page) => Promise<void>,
  path = '/throughput',
) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/London', ...options });
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${site.url}/sign-in?return=${encodeURIComponent(path)}`);
    await use(page);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

const live = (page: Page, key: string) => page.locator(`[data-live="${key}"]`);

describe('in every state, at desktop and phone width', () => {
  for (const [state, measured] of Object.entries(states)) {
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      test(`${state}, ${width}: accessible and nothing sticks out`, async () => {
        site.measure(measured);
        await onPage({ viewport }, async (page) => {
          await page.locator('#live-state[data-state]').waitFor();
          if (state === 'flowing') await page.locator('.cw-chart canvas').first().waitFor();
          await page.screenshot({ path: join(PICTURES, `${state}-${width}.png`), fullPage: true });
          assert.deepEqual(await violationsOn(page), []);
          assert.ok((await overflowOf(page)) <= 0, 'the page scrolls sideways');
        });
      });
    }
  }
});

describe('live', () => {
  test('figures change on screen as they are measured, without a reload', async () => {
    site.measure(flowing);
    await onPage({ viewport: DESKTOP }, async (page) => {
      await page.locator('#live-state[data-state="live"]').waitFor();
      const before = await live(page, 'total.published').textContent();
      site.measure(measuredFlows([COUNCIL, { ...TRUST, perSecond: 80 }, POLICE], now));
      await live(page, 'total.published')
        .filter({ hasNotText: before ?? '' })
        .waitFor();
    });
  });

  test('pause holds the figures still and resume takes them up again', async () => {
    site.measure(flowing);
    await onPage({ viewport: DESKTOP }, async (page) => {
      await page.locator('#live-state[data-state="live"]').waitFor();
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByText(/^Paused at/).waitFor();
      const held = await live(page, 'westshire-nhs-trust.tag').textContent();
      site.measure(stopped);
      assert.equal(await live(page, 'westshire-nhs-trust.tag').textContent(), held);
      await page.getByRole('button', { name: 'Resume' }).click();
      await live(page, 'westshire-nhs-trust.tag').getByText('Not moving').waitFor();
    });
  });

  test('a broker that is away is said at once, with what to do, and forgotten when it is back', async () => {
    site.measure(flowing);
    await onPage({ viewport: DESKTOP }, async (page) => {
      await page.locator('#live-state[data-state="live"]').waitFor();
      site.measure({ ...flowing, connection: { status: 'away', since: now } });
      await page.getByRole('heading', { name: 'Kafka does not answer' }).waitFor();
      await page.getByText('Check that the broker is running').waitFor();
      site.measure(flowing);
      await page.getByRole('heading', { name: 'Kafka does not answer' }).waitFor({ state: 'detached' });
    });
  });

  test('an organisation that joins appears', async () => {
    site.measure(measuredFlows([COUNCIL], now));
    await onPage({ viewport: DESKTOP }, async (page) => {
      await page.locator('#live-state[data-state="live"]').waitFor();
      site.measure(measuredFlows([COUNCIL, POLICE], now));
      await page.getByRole('link', { name: 'Westshire Police' }).waitFor();
    });
  });

  test('nobody is left watching when the page is closed', async () => {
    await onPage({ viewport: DESKTOP }, async (page) => {
      await page.locator('#live-state[data-state="live"]').waitFor();
      assert.ok(site.watchers() >= 1);
    });
    while (site.watchers() > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('one organisation', () => {
  test('its history is a link away, with its name above the charts', async () => {
    site.measure(flowing);
    await onPage({ viewport: DESKTOP }, async (page) => {
      await page.getByRole('link', { name: 'Westshire Police' }).click();
      await page.getByRole('heading', { name: 'Last 15 minutes: Westshire Police' }).waitFor();
      await page.getByText('The same figures as a table').click();
      assert.equal(await page.locator('#history-rows tr').count(), 15);
      await page.screenshot({ path: join(PICTURES, 'one-organisation.png'), fullPage: true });
      assert.deepEqual(await violationsOn(page), []);
    });
  });
});

describe('without JavaScript', () => {
  test('the same figures and the history are there, and a link refreshes them', async () => {
    site.measure(stopped);
    await onPage({ viewport: PHONE, javaScriptEnabled: false }, async (page) => {
      await page.getByRole('heading', { name: 'Events are waiting and nothing moves' }).waitFor();
      assert.equal(await live(page, 'westshire-nhs-trust.oldest').textContent(), '1 min 35 s');
      await page.getByText('The same figures as a table').click();
      assert.equal(await page.locator('#history-rows tr').count(), 15);
      site.measure(flowing);
      await page.getByRole('link', { name: 'Refresh' }).click();
      await live(page, 'westshire-nhs-trust.tag').getByText('Up to date').waitFor();
      assert.equal(await page.getByRole('button', { name: 'Pause' }).isVisible(), false);
      await page.screenshot({ path: join(PICTURES, 'no-script-phone.png'), fullPage: true });
    });
  });
});

describe('other pages', () => {
  test('signed out, log-in failed, not found: accessible and clear', async () => {
    const context = await browser.newContext({ viewport: PHONE });
    const page = await context.newPage();
    for (const path of ['/signed-out', '/sign-in/callback', '/nowhere']) {
      await page.goto(site.url + path);
      assert.deepEqual(await violationsOn(page), [], path);
      await page.screenshot({ path: join(PICTURES, `${path.replaceAll('/', '-').slice(1)}.png`) });
    }
    await context.close();
  });
});

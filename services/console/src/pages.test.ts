import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { openBrowser } from './testing/browser.ts';
import { startConsoleUnderTest } from './testing/console-under-test.ts';
import { inspected, onPage, WIDTHS } from './testing/gallery.ts';
import { measuredFlows } from './testing/measured.ts';
import { startOpenIdProvider } from './testing/openid-provider.ts';
import {
  ADMISSION,
  agreementOf,
  attention,
  FLOW_TOTALS,
  lagLook,
  ORGANISATIONS,
  stateOf,
  withPairs,
} from './testing/world.ts';

const now = Date.now();
const measured = withPairs(
  measuredFlows(
    [
      { id: 'westshire-council', name: 'Westshire Council', perSecond: 2.4, releasedPerSecond: 9.1 },
      {
        id: 'westshire-nhs-trust',
        name: 'Westshire Hospitals NHS Trust',
        perSecond: 11.2,
        releasedPerSecond: 1.6,
      },
      { id: 'westshire-police', name: 'Westshire Police', perSecond: 6.3, releasedPerSecond: 0.4 },
    ],
    now,
  ),
  [
    { source: 'westshire-nhs-trust', recipient: 'westshire-council', released: 7.2, withheld: 3.9 },
    { source: 'westshire-police', recipient: 'westshire-council', released: 1.9, withheld: 0.1 },
    { source: 'westshire-council', recipient: 'westshire-police', released: 0.4, withheld: 0 },
    { source: 'westshire-council', recipient: 'westshire-nhs-trust', released: 1.6, withheld: 0.4 },
    { source: 'westshire-police', recipient: 'westshire-nhs-trust', released: 0, withheld: 0 },
  ],
);
const fields = {
  fields: ['person.name', 'admittedAt'],
  generalise: { 'person.address.postcode': 'outcode' as const },
  necessity: { admittedAt: 'care at home stops' },
};
const agreements = () =>
  stateOf([agreementOf({ id: 'westshire-hospital-stay', release: { [ADMISSION]: fields } })]);

let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let site: Awaited<ReturnType<typeof startConsoleUnderTest>>;
let browser: Browser;

before(async () => {
  provider = await startOpenIdProvider();
  provider.become({ roles: ['operator', 'information-governance'], name: 'Operations' });
  site = await startConsoleUnderTest({
    issuer: provider.issuer,
    measured,
    world: {
      lag: () => lagLook(now),
      attention: () => attention(now),
      organisations: () => ORGANISATIONS,
      agreements,
      parts: () => [{ name: 'exchange', status: 'away', since: now - 20_000, detail: '' }],
    },
    flowTotals: FLOW_TOTALS,
  });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await Promise.all([site?.close(), provider?.close()]);
});

describe('every page at desktop and phone width is accessible and nothing sticks out', () => {
  for (const path of ['/now', '/flow', '/lag']) {
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      test(`${path}, ${width}`, async () => {
        await onPage({ browser, url: site.url }, path, { viewport }, async (page) => {
          await page.locator('#live-state[data-state]').waitFor();
          await inspected(page, `${path.slice(1).replaceAll('/', '-')}-${width}`);
        });
      });
    }
  }
});

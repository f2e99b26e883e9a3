import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { openBrowser } from '../testing/browser.ts';
import { startConsoleUnderTest } from '../testing/console-under-test.ts';
import { inspected, onPage, WIDTHS } from '../testing/gallery.ts';
import { measuredFlows } from '../testing/measured.ts';
import { startOpenIdProvider } from '../testing/openid-provider.ts';
import { ORGANISATIONS, withPairs } from '../testing/world.ts';
import { flowGrid } from './flow-grid.ts';
import type { Arrow } from './flow-view.ts';

const [COUNCIL, TRUST, POLICE] = ['westshire-council', 'westshire-nhs-trust', 'westshire-police'] as const;
const contacts = { handlingAccepted: [], dutyContacts: [] };
const MORE = [
  { id: 'westshire-homes', name: 'Westshire Homes', kind: 'housing' as const, ...contacts },
  {
    id: 'north-fells-council',
    name: 'North Fells Metropolitan Borough Council',
    kind: 'council' as const,
    ...contacts,
  },
  {
    id: 'harbour-mental-health',
    name: 'Harbour Mental Health NHS Foundation Trust',
    kind: 'nhs' as const,
    ...contacts,
  },
];
const all = [...ORGANISATIONS, ...MORE];
const now = Date.now();
let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let site: Awaited<ReturnType<typeof startConsoleUnderTest>>;
let browser: Browser;

before(async () => {
  provider = await startOpenIdProvider();
  provider.become({ roles: ['operator'], name: 'Operations' });
  const flows = all.map(({ id, name }) => ({ id, name, perSecond: 3, releasedPerSecond: 4 }));
  site = await startConsoleUnderTest({
    issuer: provider.issuer,
    measured: withPairs(measuredFlows(flows, now), [
      { source: TRUST, recipient: COUNCIL, released: 120, withheld: 60 },
      { source: POLICE, recipient: COUNCIL, released: 7.2, withheld: 0.1 },
      { source: COUNCIL, recipient: POLICE, released: 0.4, withheld: 0 },
      { source: COUNCIL, recipient: 'westshire-homes', released: 0, withheld: 2 },
      { source: 'westshire-homes', recipient: COUNCIL, released: 1.1, withheld: 0.2 },
      { source: 'harbour-mental-health', recipient: COUNCIL, released: 14, withheld: 1 },
      { source: 'north-fells-council', recipient: POLICE, released: 0.5, withheld: 0 },
      { source: POLICE, recipient: TRUST, released: 0, withheld: 0 },
    ]),
    readers: { organisations: () => all },
  });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await Promise.all([site?.close(), provider?.close()]);
});

test('six organisations are a grid that is read at a glance, accessible and within its width', async () => {
  for (const [width, viewport] of Object.entries(WIDTHS))
    await onPage({ browser, url: site.url }, '/flow', { viewport }, async (page) => {
      await page.locator('#live-state[data-state]').waitFor();
      await inspected(page, `flow-of-six-${width}`);
      const shown = (await page.locator('.cw-cell__rate').allTextContents()).map((text) => text.trim());
      assert.deepEqual(shown, [
        '24 / min',
        '0 / s',
        '120 / s',
        '7.2 / s',
        'quiet',
        '1.1 / s',
        '30 / min',
        '14.0 / s',
      ]);
    });
});

test('more is darker, what is withheld is as long as its share, and nobody sends to himself', () => {
  const places = all.map(({ id, name, kind }) => ({ id, name, kind, published: 1 }));
  const arrow = (rate: number, released: number, withheld: number): Arrow => ({
    source: TRUST,
    recipient: COUNCIL,
    rate,
    released,
    withheld,
  });
  const cellOf = (one: Arrow) => flowGrid(places, [one]).cells[6];
  assert.deepEqual(
    [0.001, 0.5, 5, 50, 500].map((rate) => cellOf(arrow(rate, 9, 0))?.level),
    [1, 2, 3, 4, 5],
  );
  const { cells, cell } = flowGrid(places, [arrow(1, 75, 25)]);
  assert.equal(cells[6]?.withheld, Math.round(cell.width / 4));
  assert.equal(cells.filter(({ state }) => state === 'self').length, places.length);
  assert.equal(cellOf(arrow(0, 0, 3))?.state, 'withheld');
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RetryableError } from '@causeway/runtime/errors';
import { createLogger } from '@causeway/runtime/telemetry/log';
import type { AgreementsState, VersionState } from '@causeway/schemas/agreements/log';
import { testVariable } from '@causeway/testing/bus';
import type { Browser } from 'playwright-core';
import type { AgreementFamily, AgreementService } from '../agreements/agreement-service.ts';
import type { Disclosures } from '../disclosures/search.ts';
import { openStore, type Store } from '../store/store.ts';
import { openBrowser } from '../testing/browser.ts';
import { startConsoleUnderTest } from '../testing/console-under-test.ts';
import { inspected, onPage, WIDTHS } from '../testing/gallery.ts';
import { measuredFlows } from '../testing/measured.ts';
import { startOpenIdProvider } from '../testing/openid-provider.ts';
import { createUserAgent } from '../testing/user-agent.ts';
import {
  ADMISSION,
  agreementOf,
  attention,
  FLOW_TOTALS,
  lagLook,
  ORGANISATIONS,
  stateOf,
  withPairs,
} from '../testing/world.ts';

const LEDGER = join(import.meta.dirname, '../../../../infra/operator/ledger.ts');
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
  stateOf([
    agreementOf({ id: 'westshire-hospital-stay', release: { [ADMISSION]: fields } }),
    agreementOf({
      id: 'westshire-hospital-stay',
      version: 2,
      status: 'draft',
      release: { [ADMISSION]: { ...fields, fields: [...fields.fields, 'admissionMethod'] } },
    }),
  ]);

/** The agreements of the test as a desk would show them; what is wished for happens at once. */
const wishes: string[] = [];
const familyIn = (state: AgreementsState): AgreementFamily => {
  const versions = [...state.versions.values()];
  const current = versions.find(({ status }) => status === 'active') as VersionState;
  return { id: 'westshire-hospital-stay', current, latest: 2, versions };
};
const desk: AgreementService = {
  list: async () => [familyIn(agreements())],
  get: async () => familyIn(agreements()),
  load: () => Promise.reject(new RetryableError('not-there', 'not in this test')),
  setStatus: async (_viewer, _id, wish) => {
    wishes.push(`${wish.status}: ${wish.reason}`);
    return familyIn(agreements());
  },
};
const nothing = async () => ({ disclosures: [], more: false, current: true });
const disclosures: Disclosures = {
  search: async () => ({
    more: false,
    current: true,
    disclosures: [
      {
        eventId: 'b3yE0fZ1tqK9wQ2LrV8cXA',
        type: ADMISSION,
        source: 'westshire-nhs-trust',
        occurredAt: '2026-10-05T14:20:00+01:00',
        decidedAt: '2026-10-05T13:20:04.000Z',
        classification: 'OFFICIAL-SENSITIVE',
        other: false,
        ledger: { topic: 'ledger.westshire-nhs-trust', partition: 3, sequence: 4711 },
        recipients: [
          {
            recipient: 'westshire-council',
            outcome: 'released',
            reason: null,
            agreements: ['westshire-hospital-stay/1'],
            valueDigest: 'a digest',
          },
          {
            recipient: 'westshire-police',
            outcome: 'released',
            reason: null,
            agreements: ['barred/1'],
            valueDigest: 'another digest',
          },
        ],
      },
    ],
  }),
  ofEvent: nothing,
  ofRecipient: nothing,
  ofAgreement: nothing,
};

const stop = new AbortController();
const schema = `test_${randomBytes(6).toString('hex')}`;
let store: Store;
let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let site: Awaited<ReturnType<typeof startConsoleUnderTest>>;
let browser: Browser;

before(async () => {
  const log = createLogger('console', 'silent');
  store = openStore({ url: testVariable('DATABASE_URL'), schema, log, signal: stop.signal });
  await store.migrated;
  await store.query(FIGURES);
  provider = await startOpenIdProvider();
  provider.become({ roles: ['operator', 'information-governance'], name: 'Operations' });
  site = await startConsoleUnderTest({
    issuer: provider.issuer,
    measured,
    readers: {
      store,
      lag: () => lagLook(now),
      attention: () => attention(now),
      organisations: () => ORGANISATIONS,
      agreements,
      parts: () => [{ name: 'exchange', status: 'away', since: now - 20_000, detail: '' }],
    },
    flowTotals: FLOW_TOTALS,
    agreements: desk,
    disclosures,
  });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  stop.abort();
  await store?.query(`drop schema ${schema} cascade`);
  await Promise.all([site?.close(), provider?.close(), store?.close()]);
});

const FIGURES = `
insert into duration_day select 'westshire-hospital-stay', current_date, leg, bucket, 40
  from (values ('delivered', 14), ('delivered', 18), ('acknowledged', 44), ('acknowledged', 47)) as v(leg, bucket);
insert into release_month values ('westshire-hospital-stay', date_trunc('month', now()), 4),
  ('westshire-hospital-stay', date_trunc('month', now()) - interval '1 month', 1204);
insert into lag_sample select at, 'westshire-council', 'exchange', '', 20 + 15 * sin(extract(epoch from at) / 300), 3
  from generate_series(now() - interval '1 hour', now(), '10 seconds') as at`;

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

describe('pages that do not renew themselves', () => {
  for (const path of [
    '/agreements',
    '/agreements/westshire-hospital-stay?version=2',
    '/value',
    '/register',
    '/accessibility',
    '/disclosures',
  ])
    for (const [width, viewport] of Object.entries(WIDTHS))
      test(`${path}, ${width}`, async () => {
        await onPage({ browser, url: site.url }, path, { viewport }, async (page) => {
          if (new URL(page.url()).pathname !== path.split('?')[0]) await page.goto(site.url + path);
          await inspected(page, `${path.slice(1).replaceAll(/[/?=]/g, '-')}-${width}`);
        });
      });
});

describe('an agreement', () => {
  test('a lead suspends it with a reason; without one nothing happens', async () => {
    await onPage(
      { browser, url: site.url },
      '/agreements/westshire-hospital-stay',
      { viewport: WIDTHS.desktop },
      async (page) => {
        await page.getByLabel('Suspend it').fill('A complaint is being looked into');
        await page.getByRole('button', { name: 'Suspend it' }).click();
        await page.waitForLoadState();
        assert.deepEqual(wishes, ['suspended: A complaint is being looked into']);
      },
    );
    const agent = createUserAgent();
    await agent.visit(`${site.url}/agreements/westshire-hospital-stay`);
    const html = await (await agent.request(`${site.url}/agreements/westshire-hospital-stay`)).text();
    const csrf = /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
    const body = new URLSearchParams({ csrf, status: 'ended', reason: ' ' });
    const answer = await agent.request(`${site.url}/agreements/westshire-hospital-stay`, {
      method: 'POST',
      body,
    });
    assert.equal(answer.status, 422);
    assert.equal(wishes.length, 1);
  });
});

describe('an operator at an agreement', () => {
  test('may suspend it, and is offered nothing else', async () => {
    provider.become({ roles: ['operator'], name: 'Operations' });
    const agent = createUserAgent();
    await agent.visit(`${site.url}/agreements/westshire-hospital-stay`);
    const html = await (await agent.request(`${site.url}/agreements/westshire-hospital-stay`)).text();
    assert.match(html, /name="status" value="suspended"/);
    assert.doesNotMatch(html, /name="status" value="(active|ended)"/);
    provider.become({ roles: ['operator', 'information-governance'], name: 'Operations' });
  });
});

describe('a person’s disclosures', () => {
  test('are found, with what may go to the person and nothing else in the export', async () => {
    await onPage({ browser, url: site.url }, '/disclosures', { viewport: WIDTHS.desktop }, async (page) => {
      await page.getByLabel('Number', { exact: true }).fill('999 000 0018');
      await page.getByLabel('Why are you looking?').fill('A subject access request');
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByRole('heading', { name: '1 event' }).waitFor();
      assert.ok(!page.url().includes('999'));
      await inspected(page, 'disclosures-found-desktop');
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'JSON' }).click(),
      ]);
      const text = await readFile(await download.path(), 'utf8');
      assert.equal((JSON.parse(text) as { disclosures: unknown[] }).disclosures.length, 1);
      for (const trace of ['4711', 'digest', 'Police', 'barred', 'b3yE0fZ1tqK9wQ2LrV8cXA'])
        assert.ok(!text.includes(trace), `the person's copy has a trace of ${trace}`);
      await page.getByRole('button', { name: 'Page to print' }).click();
      await page.getByRole('heading', { name: 'Who was told about you' }).waitFor();
      await inspected(page, 'disclosures-print-desktop');
    });
  });

  test('the proof pack is checked by the ledger command, which finds any byte that was changed', async () => {
    await onPage({ browser, url: site.url }, '/disclosures', { viewport: WIDTHS.desktop }, async (page) => {
      await page.getByLabel('Number', { exact: true }).fill('999 000 0018');
      await page.getByLabel('Why are you looking?').fill('A complaint');
      await page.getByRole('button', { name: 'Search' }).click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Proof pack' }).click(),
      ]);
      const path = await download.path();
      const key = (await (await fetch(`${site.url}/checkpoints/key`)).text()).trim();
      const verify = () =>
        spawnSync(process.execPath, [LEDGER, 'verify', path, '--key', key], { encoding: 'utf8' });
      const { status, stdout } = verify();
      assert.deepEqual([status, stdout], [0, 'proof pack with 1 decisions: as causeway signed it\n']);
      const bytes = await readFile(path);
      for (const at of [bytes.indexOf('4711'), bytes.indexOf('a digest'), bytes.lastIndexOf('=') - 9]) {
        const changed = Buffer.from(bytes);
        changed[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
        await writeFile(path, changed);
        const answer = verify();
        assert.equal(answer.status, 1, answer.stdout + answer.stderr);
      }
    });
  });

  test('an operator has no way to them', async () => {
    provider.become({ roles: ['operator'], name: 'Operations' });
    const agent = createUserAgent();
    await agent.visit(`${site.url}/now`);
    assert.equal((await agent.request(`${site.url}/disclosures`)).status, 403);
    assert.doesNotMatch(await (await agent.request(`${site.url}/now`)).text(), /Disclosures/);
    provider.become({ roles: ['operator', 'information-governance'], name: 'Operations' });
  });
});

describe('the register', () => {
  test('is public, as a page and as data, and hides small counts', async () => {
    const page = await (await fetch(`${site.url}/register`)).text();
    assert.match(page, /Hospital admissions, trust to council/);
    assert.match(page, /1,204 releases in [A-Z][a-z]+ 20\d\d/);
    assert.match(page, /under 10 releases in /);
    const csv = await (await fetch(`${site.url}/register.csv`)).text();
    assert.match(csv, /,under 10\r\n/);
    assert.doesNotMatch(csv, /,4\r\n/);
    const json = (await (await fetch(`${site.url}/register.json`)).json()) as {
      agreements: { id: string }[];
    };
    assert.deepEqual(
      json.agreements.map(({ id }) => id),
      ['westshire-hospital-stay'],
    );
  });
});

describe('without a log-in', () => {
  test('every page but the public ones asks for one, and no call or stream shows anything', async () => {
    for (const path of [
      '/now',
      '/flow',
      '/lag',
      '/failures',
      '/failures/a/1',
      '/agreements',
      '/agreements/x',
      '/disclosures',
      '/value',
    ])
      assert.equal((await fetch(site.url + path, { redirect: 'manual' })).status, 303, path);
    for (const path of [
      '/now/stream',
      '/flow/stream',
      '/lag/stream',
      '/failures/stream',
      '/api/dead-letters',
      '/api/lag',
      '/api/agreements',
    ])
      assert.equal((await fetch(site.url + path)).status, 401, path);
  });
});

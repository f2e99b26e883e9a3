import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { topicsOf } from '@causeway/runtime/bus/topics';
import type { AuditEntry } from '@causeway/runtime/ledger/audit-ledger';
import { interestRecord, withdrawnInterestRecord } from '@causeway/runtime/reference-data/interests';
import { safeguardRecord } from '@causeway/runtime/reference-data/safeguards';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createTestBus, type TestBus, testToken, testVariable } from '@causeway/testing/bus';
import type { Browser } from 'playwright-core';
import { type Following, followJourneys } from '../journeys/follow.ts';
import { openStore, type Store } from '../store/store.ts';
import { openBrowser } from '../testing/browser.ts';
import { startConsoleUnderTest } from '../testing/console-under-test.ts';
import { inspected, onPage, WIDTHS } from '../testing/gallery.ts';
import { NO_LOOKS } from '../testing/measured.ts';
import { type Account, startOpenIdProvider } from '../testing/openid-provider.ts';
import { createUserAgent } from '../testing/user-agent.ts';

const log = createLogger('console', 'silent');
const schema = `test_${randomBytes(6).toString('hex')}`;
const stop = new AbortController();
const looks: AuditEntry[] = [];
let bus: TestBus;
let store: Store;
let following: Following;
let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let site: Awaited<ReturnType<typeof startConsoleUnderTest>>;
let browser: Browser;
let council = '';
let police = '';

const TOKEN = testToken('of the person');
const dayAt = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const interest = (reference: string, more: object = {}) =>
  interestRecord(
    council,
    {
      writer: 'council-social-care',
      reference,
      reason: 'looked-after',
      tokens: [TOKEN],
      since: '2026-01-01',
      expires: dayAt(90),
      ...more,
    },
    dayAt(0),
  );

const until = async (count: number) => {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if ((await store.query('select 1 from person_case')).length === count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`there are not ${count} cases in the database`);
};

before(async () => {
  bus = await createTestBus(2);
  [council = '', police = ''] = bus.organisations;
  store = openStore({ url: testVariable('DATABASE_URL'), schema, log, signal: stop.signal });
  await store.migrated;
  const organisations = () => bus.organisations.map((id) => ({ id }));
  following = followJourneys({ kafka: bus.kafka, store, organisations: { all: organisations }, log });
  provider = await startOpenIdProvider();
  site = await startConsoleUnderTest({
    issuer: provider.issuer,
    measured: {
      ...NO_LOOKS,
      organisations: bus.organisations.map((id) => ({ id, name: `Office of ${id}` })),
    },
    readers: { store },
    cases: { ledger: { record: async (entries) => void looks.push(...entries) } },
  });
  browser = await openBrowser();
  await bus.producer.send([
    interest('LCS-1001'),
    interest('LCS-1002', { reason: 'child-in-need-plan' }),
    interest('LCS-1003'),
    // Somebody who may write the topic may write anything into it.
    { topic: topicsOf(council).interests, partition: 0, key: 'k', value: Buffer.from('{"reference":"<b>"}') },
    safeguardRecord(council, {
      writer: 'council-social-care',
      reference: 'LCS-1002/S',
      kind: 'shielded',
      tokens: [TOKEN],
      since: '2026-02-01',
      review: dayAt(-1),
    }),
  ]);
  await until(4);
});
after(async () => {
  await browser?.close();
  stop.abort();
  await following?.close();
  await store?.query(`drop schema ${schema} cascade`);
  await Promise.all([site?.close(), provider?.close(), store?.close(), bus?.close()]);
});

const lead: Account = { roles: ['information-governance'], name: 'A lead' };
const signedIn = async (account: Account) => {
  provider.become(account);
  const agent = createUserAgent();
  await agent.visit(`${site.url}/now`);
  return agent;
};

test('a lead finds the organisation’s cases by reason and by reference, no token is shown, and each look is recorded', async () => {
  provider.become({ ...lead, organisation: council });
  for (const [width, viewport] of Object.entries(WIDTHS))
    await onPage({ browser, url: site.url }, '/disclosures/cases', { viewport }, async (page) => {
      await page.getByRole('heading', { name: 'All 4, newest first' }).waitFor();
      assert.ok(!(await page.content()).includes(TOKEN));
      await inspected(page, `cases-${width}`);
      await page.getByRole('link', { name: 'The child is looked after by the local authority' }).click();
      await page.getByRole('heading', { name: 'Those 2, newest first' }).waitFor();
      await page.getByLabel('Find a case by its reference').fill('LCS-1002/S');
      await page.getByRole('button', { name: 'Find' }).click();
      await page.getByText('Review is due').waitFor();
      assert.ok(!page.url().includes('1002'), 'the reference is in the address');
    });
  assert.deepEqual(
    looks.map((look) => 'found' in look && [look.what, look.organisation, look.found]),
    [4, 2, 1, 4, 2, 1].map((found) => ['interests and safeguards', council, found]),
  );
});

test('another organisation’s lead sees none of them, and an operator of the same one gets no list', async () => {
  const other = await signedIn({ ...lead, organisation: police });
  const page = await other.request(`${site.url}/disclosures/cases?organisation=${council}`);
  assert.match(await page.text(), /No case matches/);
  provider.become({ ...lead, organisation: police });
  const call = async () =>
    await fetch(`${site.url}/api/cases?organisation=${council}`, {
      headers: { authorization: `Bearer ${await provider.token()}` },
    });
  assert.deepEqual(await (await call()).json(), { groups: [], cases: [] });
  const operator: Account = { roles: ['operator'], organisation: council };
  assert.equal((await (await signedIn(operator)).request(`${site.url}/disclosures/cases`)).status, 403);
  assert.equal((await call()).status, 403);
});

test('a case that was withdrawn is gone, and one that was published again is as it is now', async () => {
  await bus.producer.send([
    withdrawnInterestRecord(council, { writer: 'council-social-care', reference: 'LCS-1003' }),
    interest('LCS-1001', { until: dayAt(-3), since: '2026-01-05' }),
  ]);
  await until(3);
  const agent = await signedIn({ ...lead, organisation: council });
  const page = await (await agent.request(`${site.url}/disclosures/cases?kind=interest`)).text();
  assert.doesNotMatch(page, /LCS-1003/);
  assert.match(page, /LCS-1001[\s\S]*5 January 2026[\s\S]*Ended/);
});

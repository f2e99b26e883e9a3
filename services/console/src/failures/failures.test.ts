import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { deadLetterRecord } from '@causeway/runtime/bus/dead-letter';
import { deliveryRecord } from '@causeway/runtime/bus/delivery-log';
import { parseRedrive } from '@causeway/runtime/bus/redrive-request';
import { topicsOf } from '@causeway/runtime/bus/topics';
import type { AuditEntry } from '@causeway/runtime/ledger/audit-ledger';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createTestBus, type TestBus, testVariable } from '@causeway/testing/bus';
import type { Browser } from 'playwright-core';
import { type Following, followJourneys } from '../journeys/follow.ts';
import { openStore, type Store } from '../store/store.ts';
import { DESKTOP, openBrowser } from '../testing/browser.ts';
import { startConsoleUnderTest } from '../testing/console-under-test.ts';
import { inspected, onPage, WIDTHS } from '../testing/gallery.ts';
import { NO_LOOKS } from '../testing/measured.ts';
import { type Account, startOpenIdProvider } from '../testing/openid-provider.ts';
import { createUserAgent } from '../testing/user-agent.ts';

const TYPE = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const SCRIPT = '<script>alert(1)</script>';
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
let trust = '';
let council = '';

before(async () => {
  bus = await createTestBus(2);
  [trust = '', council = ''] = bus.organisations;
  store = openStore({ url: testVariable('DATABASE_URL'), schema, log, signal: stop.signal });
  const organisations = () => bus.organisations.map((id) => ({ id }));
  following = followJourneys({ kafka: bus.kafka, store, organisations: { all: organisations }, log });
  await store.migrated;
  provider = await startOpenIdProvider();
  site = await startConsoleUnderTest({
    issuer: provider.issuer,
    measured: {
      ...NO_LOOKS,
      organisations: bus.organisations.map((id) => ({ id, name: `Organisation ${id}` })),
    },
    readers: { store },
    failures: {
      codec: bus.codec,
      producer: bus.producer,
      reader: () => bus.kafka.reader(),
      ledger: { record: async (entries) => void looks.push(...entries) },
    },
  });
  browser = await openBrowser();
  await buryEvent({ familyName: SCRIPT });
  await bury('nhs-trust', 'no-patient-segment', Buffer.from('MSH|^~\\&|PAS\rPID|1||9990000018'), {
    contentType: 'x-application/hl7-v2+er7',
  });
  for (let i = 0; i < 3; i += 1) await bury('exchange', 'undecodable', Buffer.from([9, 9, i]));
  await untilCount(5);
});
after(async () => {
  stop.abort();
  await browser?.close();
  await following?.close();
  await store?.query(`drop schema ${schema} cascade`);
  await Promise.all([store?.close(), site?.close(), provider?.close(), bus?.close()]);
});

const bury = (component: string, reason: string, raw: Buffer, more: object = {}) =>
  bus.producer.send([
    deadLetterRecord(topicsOf(trust).deadLetter, component, `/${trust}/test`, {
      raw,
      reason,
      attempts: 1,
      ...more,
    }),
  ]);

/** The catalogue's example, published and copied to the dead letters as an exchange would. */
async function buryEvent({ familyName }: { familyName: string }) {
  const { loadCatalogue } = await import('@causeway/schemas/catalogue/catalogue');
  const example = structuredClone(loadCatalogue().find(({ type }) => type === TYPE)?.example.data) as {
    person: { name: { familyName: string } };
  };
  example.person.name.familyName = familyName;
  await bus.publish({ from: trust, type: TYPE, data: example });
  const [record] = await bus.untilRecords(topicsOf(trust).outbox, 1);
  if (record)
    await bury('exchange', 'cannot-project', record.value ?? Buffer.alloc(0), { headers: record.headers });
}

async function untilCount(count: number) {
  for (
    const until = Date.now() + 20_000;
    Date.now() < until;
    await new Promise((done) => setTimeout(done, 50))
  )
    if ((await store.query('select 1 from dead_letter')).length >= count) return;
  throw new Error('the dead letters are not in the database');
}

const operator: Account = { roles: ['operator'], name: 'Operations' };
const lead: Account = { roles: ['information-governance'], name: 'A lead' };
const signedIn = async (account: Account) => {
  provider.become(account);
  const agent = createUserAgent();
  await agent.visit(`${site.url}/failures`);
  const text = async (path: string) => await (await agent.request(site.url + path)).text();
  const csrf = /name="csrf" value="([^"]+)"/.exec(await text('/failures'))?.[1] ?? '';
  const post = (path: string, fields: [string, string][]) =>
    agent.request(site.url + path, {
      method: 'POST',
      body: new URLSearchParams([['csrf', csrf], ...fields]),
    });
  return { text, post, request: (path: string) => agent.request(site.url + path) };
};
const offsetOf = async (reason: string) =>
  Number((await store.query('select "offset" from dead_letter where reason = $1', [reason]))[0]?.offset);

describe('the list', () => {
  test('groups dead letters of adapters and exchange by reason, in plain English', async () => {
    const page = await (await signedIn({ ...operator, organisation: trust })).text('/failures');
    assert.match(page, /It cannot be decoded/);
    assert.match(page, /The message does not identify a person/);
    assert.match(page, /given up by nhs-trust/);
  });

  test('another organisation sees none of it, on no page and over no call', async () => {
    const other = await signedIn({ ...lead, organisation: council });
    assert.match(await other.text('/failures'), /No failures here/);
    const detail = await other.request(`/failures/${trust}/${await offsetOf('cannot-project')}`);
    assert.equal(detail.status, 404);
    provider.become({ ...operator, organisation: council });
    const authorization = `Bearer ${await provider.token()}`;
    const answer = await fetch(`${site.url}/api/dead-letters`, { headers: { authorization } });
    assert.equal(((await answer.json()) as { total: number }).total, 0);
  });
});

describe('a look at one', () => {
  test('an operator sees what says nothing about a person, and the look is recorded', async () => {
    const agent = await signedIn({ ...operator, organisation: trust });
    const path = `/failures/${trust}/${await offsetOf('cannot-project')}`;
    const page = await agent.text(path);
    assert.match(page, /hidden: identifier/);
    assert.doesNotMatch(page, /alert\(1\)/);
    assert.doesNotMatch(page, /See what is hidden/);
    assert.equal((await agent.post(path, [['why', 'I would like to']])).status, 403);
    assert.deepEqual(
      looks.map(({ kind }) => kind),
      ['look'],
    );
  });

  test('a lead sees all of it with a reason, markup as text, and the reason is recorded', async () => {
    const agent = await signedIn({ ...lead, organisation: trust });
    const path = `/failures/${trust}/${await offsetOf('cannot-project')}`;
    assert.equal((await agent.post(path, [['why', ' ']])).status, 422);
    const page = await (await agent.post(path, [['why', 'The trust asks what it sent']])).text();
    assert.match(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
    assert.doesNotMatch(page, /<script>alert/);
    const look = looks.at(-1) as { reason: string; tokens?: string[]; position?: string };
    assert.equal(look.reason, 'The trust asks what it sent');
    assert.equal(look.tokens?.length, 1);
  });

  test('of a message of a legacy system an operator sees the segments only', async () => {
    const agent = await signedIn({ ...operator, organisation: trust });
    const page = await agent.text(`/failures/${trust}/${await offsetOf('no-patient-segment')}`);
    assert.match(page, />PID</);
    assert.doesNotMatch(page, /9990000018/);
  });
});

describe('a redrive', () => {
  test('without the form of this session nothing happens', async () => {
    const agent = createUserAgent();
    provider.become(operator);
    await agent.visit(`${site.url}/failures`);
    const body = new URLSearchParams({ what: 'matching', why: 'because', csrf: 'somebody else’s' });
    const answer = await agent.request(`${site.url}/failures/redrive`, { method: 'POST', body });
    assert.equal(answer.status, 403);
    assert.deepEqual(await store.query('select 1 from redrive'), []);
  });

  test('over the API a dry run counts and changes nothing', async () => {
    provider.become({ ...operator, organisation: trust });
    const headers = { authorization: `Bearer ${await provider.token()}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ filter: { reason: 'undecodable' }, dryRun: true });
    const answer = await fetch(`${site.url}/api/dead-letters/redrive`, { method: 'POST', headers, body });
    assert.equal(((await answer.json()) as { count: number }).count, 3);
    assert.deepEqual(await store.query('select 1 from redrive'), []);
    for (const after of ['-271821-04-20T00:00:00Z', '+275760-09-13T00:00:00Z', 'x']) {
      const page = new URLSearchParams({ after: `${after}/${trust}/1` });
      const list = await fetch(`${site.url}/api/dead-letters?${page}`, { headers });
      assert.equal(list.status, 200, 'what is no place in the list is the beginning');
    }
    const unsaid = await fetch(`${site.url}/api/dead-letters/redrive`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ filter: {} }),
    });
    assert.equal(unsaid.status, 422);
    for (const reason of ['a NUL \u0000', 'half a character \ud800']) {
      const kept = JSON.stringify({ filter: {}, reason });
      const odd = await fetch(`${site.url}/api/dead-letters/redrive`, {
        method: 'POST',
        headers,
        body: kept,
      });
      assert.equal(odd.status, 422, 'what the database does not take for text');
    }
  });

  test('in the browser: chosen, counted, explained, asked, and each result shown when it comes', async () => {
    provider.become({ ...operator, organisation: trust });
    const at = { browser, url: site.url };
    await onPage(at, '/failures', { viewport: DESKTOP }, async (page) => {
      await page.getByRole('link', { name: 'It cannot be decoded' }).click();
      await page.getByRole('button', { name: 'Redrive all 3' }).click();
      await page.getByRole('heading', { name: 'Redrive 3 dead letters?' }).waitFor();
      await page.getByLabel('Why? What was mended?').fill('The schema was deployed');
      await page.getByRole('button', { name: 'Redrive 3' }).click();
      await page.getByText('3 of 3 have no result yet').waitFor();
      const requests = (await bus.untilRecords(topicsOf(trust).redrive, 3)).map(({ value }) =>
        parseRedrive(value),
      );
      assert.deepEqual(new Set(requests.map(({ reason }) => reason)), new Set(['The schema was deployed']));
      await bus.producer.send(
        requests.map(({ id, deadLetter }, i) =>
          deliveryRecord(trust, {
            kind: 'redrive',
            request: id,
            deadLetter,
            component: 'exchange',
            outcome: i === 0 ? 'refused' : 'published',
            code: 'ok',
            at: new Date().toISOString(),
          }),
        ),
      );
      while ((await store.query('select 1 from redrive where outcome is null')).length > 0)
        site.measure(NO_LOOKS);
      site.measure({ ...NO_LOOKS, organisations: bus.organisations.map((id) => ({ id, name: id })) });
      await page.getByText('All of them have a result').waitFor();
      await page.getByText('2 Published', { exact: true }).waitFor();
    });
  });
});

describe('at desktop and phone width', () => {
  for (const [width, viewport] of Object.entries(WIDTHS)) {
    test(`list, look and question, ${width}`, async () => {
      provider.become({ roles: ['information-governance', 'operator'], organisation: trust, name: 'A lead' });
      const at = { browser, url: site.url };
      await onPage(at, '/failures', { viewport }, async (page) => {
        await page.locator('#live-state[data-state]').waitFor();
        await inspected(page, `failures-${width}`);
        await page.goto(`${site.url}/failures/${trust}/${await offsetOf('cannot-project')}`);
        await inspected(page, `failure-${width}`);
        await page.getByRole('button', { name: 'Redrive it' }).click();
        await page.getByRole('heading', { name: 'Redrive 1 dead letter?' }).waitFor();
        await inspected(page, `redrive-${width}`);
      });
    });
  }
});

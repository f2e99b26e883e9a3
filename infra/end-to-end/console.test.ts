import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AUDIT_LEDGER_TOPIC } from '@causeway/runtime/bus/topics';
import { readToEnd } from '@causeway/runtime/kafka/reader';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { testNhsNumber } from '@causeway/schemas/identifiers/example-people';
import type { Browser, Page } from 'playwright-core';
import {
  type Behaviour,
  type ReceivingEngine,
  receiveDocuments,
} from '../../services/adapters/nhs-trust/src/simulator/sink-simulator.ts';
import { openBrowser } from '../../services/console/src/testing/browser.ts';
import { inspected, WIDTHS } from '../../services/console/src/testing/gallery.ts';
import { connectTo } from '../common/connections.ts';
import { repository } from '../common/paths.ts';
import { freePort } from '../common/ports.ts';
import { type Causeway, startCauseway } from './support/causeway.ts';
import { signal, untilForgotten, untilSaid } from './support/outages.ts';

/** What somebody who runs the bus does on a bad day, in a real browser on a real system. */
const MISSING = 'uk.causeway.police.missing-person.reported.v1';
const PLANNED = 'uk.causeway.nhs.discharge.planned.v1';
const TRUST = 'westshire-nhs-trust';
const PERSON = testNhsNumber(4_242);
const HOSTILE = '<img src=x onerror=alert(1)>';
const OVERDUE_SECONDS = 6;

let causeway: Causeway;
let engine: ReceivingEngine;
let behaviour: Behaviour = 'AA';
let browser: Browser;
let page: Page;
const complaints: string[] = [];

before(async () => {
  const port = await freePort();
  engine = await receiveDocuments({ port, behave: () => behaviour });
  const starting = startCauseway({
    agreementsDir: join(repository, 'infra/partnership/agreements'),
    environment: {
      NHS_TRUST_ENGINE_HOST: '127.0.0.1',
      NHS_TRUST_ENGINE_PORT: String(port),
      NHS_TRUST_ENGINE_AR: 'refuse',
      NHS_TRUST_ENGINE_RETRY_SECONDS: Array(60).fill('2').join(','),
      CONSOLE_DELIVER_WITHIN_SECONDS: String(OVERDUE_SECONDS),
    },
  });
  [causeway, browser] = await Promise.all([starting, openBrowser()]);
  page = await signedIn({});
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
});
after(async () => {
  await browser?.close();
  await causeway?.stop();
  await engine?.close();
});

const signedIn = async (options: { javaScriptEnabled?: boolean }): Promise<Page> => {
  const context = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'Europe/London',
    viewport: WIDTHS.desktop,
    ...options,
  });
  const opened = await context.newPage();
  await opened.goto(`${causeway.console}/now`);
  await opened.locator('#password').fill('causeway');
  await opened.locator('#user').fill('governance');
  await opened.locator('button[type="submit"]').click();
  await opened.waitForURL(`${causeway.console}/now`);
  return opened;
};

/** Accessible on a desktop and on a phone, in the state in which it is; and a picture of each. */
const looksRight = async (name: string): Promise<void> => {
  const state = page.locator('#live-state');
  if ((await state.count()) > 0) await page.locator('#live-state[data-state]').waitFor();
  for (const [width, viewport] of Object.entries(WIDTHS)) {
    await page.setViewportSize(viewport);
    await inspected(page, `whole-${name}-${width}`);
  }
  await page.setViewportSize(WIDTHS.desktop);
};

const goTo = async (path: string): Promise<void> => {
  const answer = await page.goto(causeway.console + path);
  assert.equal(answer?.status(), 200, path);
};

const tokens = new Map<string, Promise<string>>();

/** Publishes the catalogue's example about the person of this test, as a case system of its source does. */
const publish = async (type: string, changes: object = {}): Promise<void> => {
  const example = loadCatalogue().find((entry) => entry.type === type)?.example;
  const [, organisation = ''] = example?.source.split('/') ?? [];
  const data = structuredClone(example?.data) as { person: { identifiers: object } };
  Object.assign(data.person.identifiers, { nhsNumber: PERSON, nhsNumberStatus: 'verified' });
  const known = tokens.get(organisation) ?? causeway.token(organisation);
  tokens.set(organisation, known);
  const answer = await fetch(`${causeway.gateway}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await known}`, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({
      specversion: '1.0',
      id: randomUUID(),
      source: `/${organisation}/case-system`,
      type,
      time: new Date().toISOString(),
      localid: 'case:C-1',
      data: { ...data, ...changes },
    }),
  });
  const body = (await answer.json()) as { accepted?: number };
  assert.equal(body.accepted, 1, JSON.stringify(body));
};

test('an event is watched as it arrives, on the map and in the lists, without a reload', async () => {
  await goTo('/flow');
  const released = page.locator('.cw-figure', { hasText: 'in the last 15 minutes' }).first();
  await released.getByText('0', { exact: false }).waitFor();
  await publish(MISSING, { description: HOSTILE });
  await publish(PLANNED);
  await page.locator('.cw-arrow--flowing').nth(2).waitFor({ state: 'attached' });
  await page.getByRole('cell', { name: 'Missing person reported' }).first().waitFor();
  await looksRight('flow');
  await goTo('/throughput');
  await looksRight('throughput');
});

test('a receiver that breaks makes a dead letter, which is looked at with a reason and redriven', async () => {
  await goTo('/failures');
  await page.getByText('No failures here').waitFor();
  behaviour = 'AR';
  await publish(MISSING, { description: HOSTILE });
  await page.getByText('The receiver refused it permanently: it rejected the message').first().waitFor();
  await goTo('/failures');
  await looksRight('failures');

  await page.getByRole('link', { name: 'Missing person reported' }).click();
  await page.getByText('hidden: identifier').first().waitFor();
  assert.ok(!(await page.content()).includes('Fakenham'));
  await looksRight('failure');
  await page.getByLabel('Why do you need to see it?').fill('The trust asks what it was sent');
  await page.getByRole('button', { name: 'Show it' }).click();
  await page.getByText('Fakenham-Smith').first().waitFor();
  await page.getByText(HOSTILE).waitFor();
  await looksRight('failure-seen');
  const looks = (await consoleLedger()).filter(({ what }) => String(what).startsWith('dead letter'));
  assert.deepEqual(
    looks.map(({ what, reason, by, position }) => ({ what, reason, by, position })),
    [
      { what: 'dead letter, redacted', reason: 'opened the failure' },
      { what: 'dead letter', reason: 'The trust asks what it was sent' },
    ].map((look) => ({ ...look, by: 'governance', position: `dead-letter.${TRUST}/0/0` })),
  );

  behaviour = 'AA';
  await page.getByRole('button', { name: 'Redrive it' }).click();
  await page.getByRole('heading', { name: 'Redrive 1 dead letter?' }).waitFor();
  await looksRight('redrive-question');
  await page.getByLabel('Why? What was mended?').fill('The engine takes documents again');
  await page.getByRole('button', { name: 'Redrive 1' }).click();
  await page.getByText('All of them have a result').waitFor();
  await page.getByRole('cell', { name: 'Delivered', exact: true }).waitFor();
  await looksRight('redrive');
});

test('an agreement that is suspended withholds more, and the map shows it', async () => {
  await goTo('/agreements');
  await looksRight('agreements');
  await page.getByRole('link', { name: 'Missing children, police to council' }).click();
  await looksRight('agreement');
  await page.getByLabel('Suspend it').fill('A complaint is being looked into');
  await page.getByRole('button', { name: 'Suspend it' }).click();
  await page.getByText('Suspended', { exact: true }).first().waitFor();
  await goTo('/flow');
  const arrow = page.locator('.cw-strip', { hasText: /Westshire Police.*Westshire Council/s });
  assert.match((await arrow.textContent()) ?? '', / 0 % withheld/);
  for (let i = 0; i < 2; i += 1) await publish(MISSING);
  await arrow.getByText('50 % withheld').waitFor({ state: 'attached' });
  await page.getByText('Not active (2)').waitFor();
  await looksRight('flow-withheld');
});

test('a person’s disclosures are found, printed, exported and proven', async () => {
  await goTo('/disclosures');
  await page.getByLabel('Number', { exact: true }).fill(PERSON);
  await page.getByLabel('Why are you looking?').fill('A subject access request');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('heading', { name: '5 events' }).waitFor();
  assert.ok(!page.url().includes(PERSON));
  await looksRight('disclosures');
  const download = async (name: string): Promise<{ path: string; text: string }> => {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name, exact: true }).click(),
    ]);
    const path = await file.path();
    return { path, text: await readFile(path, 'utf8') };
  };
  const json = JSON.parse((await download('JSON')).text) as { disclosures: Record<string, string>[] };
  // What the police share has to be asked for at the source; no trace of it is left.
  assert.deepEqual(
    json.disclosures.map(({ from, to }) => `${from} to ${to}`),
    ['Westshire Hospitals NHS Trust to Westshire Council'],
  );
  assert.doesNotMatch((await download('CSV')).text, /Police|Missing/);
  const pack = await download('Proof pack');
  const key = (await (await fetch(`${causeway.console}/checkpoints/key`)).text()).trim();
  const { code, output } = await causeway.command('operator/ledger.ts', 'verify', pack.path, '--key', key);
  assert.equal(code, 0, output);
  await page.getByRole('button', { name: 'Page to print' }).click();
  await page.getByRole('heading', { name: 'Who was told about you' }).waitFor();
  await looksRight('disclosures-print');
  await goTo('/disclosures/cases');
  await looksRight('cases');
});

test('a part that hangs is said within 15 s, and forgotten when it is back', async () => {
  await goTo('/now');
  const pid = causeway.system.processes().exchange;
  signal(pid, 'SIGSTOP');
  try {
    const seconds = await untilSaid(page, 'exchange');
    process.stdout.write(`the exchange hung: said after ${seconds.toFixed(1)} s\n`);
  } finally {
    signal(pid, 'SIGCONT');
  }
  await untilForgotten(page, 'exchange');
});

test('an immediate event that does not arrive says whom to ring, at which number, also without JavaScript', async () => {
  await goTo('/now');
  behaviour = 'AE';
  await publish(MISSING);
  const call = page.locator('.cw-call', { hasText: 'Westshire Hospitals NHS Trust has not received it' });
  await call.waitFor();
  const numbers = await call.getByRole('link').allTextContents();
  assert.deepEqual([...numbers].sort(), ['01632 960020', '01632 960021']);
  const [first = ''] = await call.locator('.cw-number').allTextContents();
  assert.match(first, isOfficeHour() ? /960020[\s\S]*in office hours/ : /960021[\s\S]*out of hours/);
  await looksRight('now');

  const plain = await signedIn({ javaScriptEnabled: false });
  assert.match(
    (await plain.locator('main').textContent()) ?? '',
    /Westshire Hospitals NHS Trust has not received it/,
  );
  await plain.goto(`${causeway.console}/flow`);
  assert.match((await plain.locator('main').textContent()) ?? '', /Missing person reported/);
  await plain.context().close();
  for (const path of ['/lag', '/value', '/register']) {
    await goTo(path);
    await looksRight(path.slice(1));
  }
  assert.deepEqual(complaints, []);
});

const isOfficeHour = (): boolean => {
  const now = new Date().toLocaleString('en-GB', {
    timeZone: 'Europe/London',
    weekday: 'short',
    hour: '2-digit',
    hourCycle: 'h23',
  });
  const [, day, hour] = /^(\w+)\D*(\d+)/.exec(now) ?? [];
  return day !== 'Sat' && day !== 'Sun' && Number(hour) >= 8 && Number(hour) < 18;
};

const consoleLedger = async (): Promise<Record<string, unknown>[]> => {
  const kafka = connectTo(causeway.system.parts.connections, 'test', createLogger('test', 'silent'));
  const reader = kafka.reader();
  try {
    const records: Record<string, unknown>[] = [];
    for await (const { value } of readToEnd(reader, { topic: AUDIT_LEDGER_TOPIC, partition: 0 }, 0))
      records.push(JSON.parse(String(value)) as Record<string, unknown>);
    return records;
  } finally {
    await reader.close();
    await kafka.close();
  }
};

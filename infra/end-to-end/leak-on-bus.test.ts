import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { leavesOf } from '@causeway/schemas/avro/schema';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { isFeedback, isIdentityLinked } from '@causeway/schemas/catalogue/event-type';
import { createTestBus, type TestBus, testToken, testVariable } from '@causeway/testing/bus';
import { createTestExchange } from '../../services/exchange/src/testing.ts';
import { type Issuer, startIssuer } from '../../services/gateway/src/testing/issuer.ts';
import { freePorts } from '../common/ports.ts';
import { markedValue, randomFrom } from './support/leak/marked.ts';

/** The same as the leak test, for real: two processes, a broker and a registry, and every byte that they let out. */
type Running = { child: ChildProcess; admin: string; output: () => string };

const EVENTS_OF_EACH = 2;
const catalogue = loadCatalogue().filter(({ type }) => !isFeedback(type) && !isIdentityLinked(type));
const ports = freePorts();

let bus: TestBus;
let issuer: Issuer;
let gatewayUrl = '';
const running: Running[] = [];

const start = async (service: string, env: Record<string, string>, entry = 'main'): Promise<void> => {
  const admin = String(await ports.of(`${service}-admin`, 0));
  const main = join(import.meta.dirname, `../../services/${service}/src/${entry}.ts`);
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...env, ADMIN_PORT: admin, LOG_LEVEL: 'trace' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (text += String(data)));
  running.push({ child, admin: `http://127.0.0.1:${admin}`, output: () => text });
};

const until = async (what: string, condition: () => Promise<boolean>) => {
  const deadline = Date.now() + 60_000;
  let last: unknown;
  const holds = () =>
    condition().catch((error) => {
      last = error;
      return false;
    });
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come about`, { cause: last });
    await delay(100);
  }
};

before(async () => {
  bus = await createTestBus(2);
  issuer = await startIssuer();
  const port = String(await ports.of('GATEWAY_PORT', 0));
  gatewayUrl = `http://127.0.0.1:${port}`;
  await start('exchange', (await createTestExchange(bus)).env(), 'testing-main');
  await start('gateway', {
    ...bus.env,
    DATABASE_URL: testVariable('DATABASE_URL'),
    PARTNERSHIP_KEY: 'a partnership key of this test',
    GATEWAY_WATCHED: 'nobody',
    OIDC_ISSUER: issuer.url,
    GATEWAY_PORT: port,
    CURSOR_KEY: 'a key for the cursors of this test',
    WEBHOOK_KEY: 'a key for the webhooks of this test',
  });
  // Not whether it is ready: on a broker of many tests some partition may wait for an operator.
  for (const { admin, child, output } of running)
    await until('a service that lives', async () => {
      if (child.exitCode !== null) throw new Error(`a service ended: ${output()}`);
      return (await fetch(`${admin}/live`)).ok;
    });
});

after(async () => {
  for (const { child } of running) {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
  await issuer?.close();
  await bus?.close();
});

const agreementOf = (from: string, to: string, release: string) => `
id: leak-${from}
version: 1
status: active
title: Every type, for a test
from: ${from}
to: [${to}]
parties:
  ${from}: { regime: uk-gdpr, article6: public-task, article9: health-or-social-care, approvedBy: Guardian, approvedAt: 2026-09-01 }
  ${to}: { regime: uk-gdpr, article6: public-task, article9: health-or-social-care, approvedBy: Director, approvedAt: 2026-09-03 }
purpose: hospital-discharge
gateways: [care-act-2014-s6]
confidentiality: statute
dpia: { reference: DPIA-1, approvedAt: 2026-08-20 }
recipient: { retention: P2Y, onward: ask-source }
disclosureToSubject: allowed
valid: { from: 2026-10-01, until: 2036-09-30, review: 2036-06-01, graceDays: 30 }
marking: { ceiling: OFFICIAL-SENSITIVE, handling: [] }
contacts: { dataProtection: dpo@trust.example, incident: 01632 960001 }
audience: all
release:
${release}`;

test('no log, metric, inbox or answer of the running services holds what is not released, for every type of the catalogue', async () => {
  const [source = '', recipient = ''] = bus.organisations;
  const random = randomFrom(7);
  const granted = new Map(
    catalogue.map(({ type, schema }) => {
      const leaves = leavesOf(schema).map(({ path }) => path);
      return [type, leaves.filter((path) => path.startsWith('contact.') || random() < 0.3)] as const;
    }),
  );
  const release = [...granted].map(([type, leaves]) => `  ${type}:\n    fields: ${JSON.stringify(leaves)}\n`);
  await bus.activate(agreementOf(source, recipient, release.join('')));
  const forbidden: string[] = [];
  const released: string[] = [];
  for (const { type, schema } of catalogue)
    for (let index = 0; index < EVENTS_OF_EACH; index += 1) {
      const { data, markers } = markedValue(schema, random);
      const always = (path: string) => schema.siblingOf?.length && ['corrects', 'reason'].includes(path);
      // Symbols of the real catalogue are words like any other: they are looked for in the test with random schemas.
      const texts = markers.filter(({ texts: [text = ''] }) => /^Zq|^\d{4}-|^\d{9}/.test(text));
      for (const { path, texts: found } of texts)
        (granted.get(type)?.includes(path) || always(path) ? released : forbidden).push(...found);
      const secrets = ['to', 'ot'].map((kind) => testToken(`${kind} ${source} ${type} ${index}`));
      const [token = '', other = ''] = secrets;
      const sequence = `seq-${forbidden.length}-${source}`;
      const correlationId = `case-${forbidden.length}-${source}`;
      forbidden.push(...secrets, sequence, correlationId);
      const envelope = { tokens: [token], otherTokens: [other], sequence, correlationId };
      await bus.publish({ from: source, type, person: `${type} ${index}`, data, envelope });
    }
  const total = catalogue.length * EVENTS_OF_EACH;
  const records = await bus.untilRecords(topicsOf(recipient).inbox, total);
  const inbox = records
    .flatMap(({ key, value, headers }) =>
      [key, value, ...Object.values(headers)].map((one) => one?.toString('latin1')),
    )
    .join(' ');
  const bearer = await issuer.token(recipient);
  const pages: string[] = [];
  let after = '';
  let seen = 0;
  const read = async () => {
    const answer = await fetch(`${gatewayUrl}/v1/events?limit=500&wait=2${after}`, {
      headers: { authorization: `Bearer ${bearer}` },
    });
    const page = await answer.text();
    pages.push(page);
    if (!answer.ok) return false;
    const { events, next }: { events: unknown[]; next: string } = JSON.parse(page);
    seen += events.length;
    after = `&after=${encodeURIComponent(next)}`;
    return seen === total;
  };
  await until('all events at the gateway', read);
  const metrics = await Promise.all(
    running.map(async ({ admin }) => (await fetch(`${admin}/metrics`)).text()),
  );
  const logs = running.map(({ output }) => output());
  const letOut = { inbox, answers: pages.join(' '), metrics: metrics.join(' '), logs: logs.join(' ') };
  for (const [where, text] of Object.entries(letOut)) {
    assert.ok(text.length > 100, where);
    for (const one of forbidden) if (text.includes(one)) assert.fail(`${where} holds ${one}`);
  }
  for (const where of [letOut.metrics, letOut.logs])
    for (const one of released)
      assert.ok(!where.includes(one), 'what is released is in no log or metric either');
  assert.ok(released.filter((one) => letOut.answers.includes(one)).length > total);
});

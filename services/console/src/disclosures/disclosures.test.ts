import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import { AUDIT_LEDGER_TOPIC, topicsOf } from '@causeway/runtime/bus/topics';
import { type AuditLedger, openAuditLedger } from '@causeway/runtime/ledger/audit-ledger';
import {
  type DecisionRecord,
  encodeLedgerRecord,
  type LedgerDecision,
} from '@causeway/runtime/ledger/ledger-record';
import { connectDatabase } from '@causeway/runtime/postgres/database';
import { createLinks, linkRecord } from '@causeway/runtime/reference-data/identity-links';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createTestBus, type TestBus, testVariable } from '@causeway/testing/bus';
import { startConsoleUnderTest } from '../testing/console-under-test.ts';
import { NO_LOOKS } from '../testing/measured.ts';
import { type Account, startOpenIdProvider } from '../testing/openid-provider.ts';
import { type DisclosureIndex, followDisclosures } from './follow.ts';
import { createDisclosures, type Found } from './search.ts';

const log = createLogger('test', 'silent');
const tokeniser = createTokeniser(Buffer.from('a partnership key for tests only'));
/** NHS numbers of the range that is never given to anybody. */
const ALDA = '9990123454';
const ALDA_LATER = '9992345675';
const BERTRAM = '9994567896';
const links = createLinks();
let bus: TestBus;
let ledger: AuditLedger;
let index: DisclosureIndex;
let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let site: Awaited<ReturnType<typeof startConsoleUnderTest>>;
let schema = '';
let source = '';
let recipient = '';
let other = '';

const follow = (databaseUrl = testVariable('DATABASE_URL')) =>
  followDisclosures({
    kafka: bus.kafka,
    databaseUrl,
    schema,
    organisations: { all: () => bus.organisations.map((id) => ({ id })) },
    log,
  });

before(async () => {
  bus = await createTestBus(3);
  [source = '', recipient = '', other = ''] = bus.organisations;
  schema = `disclosures_${randomBytes(5).toString('hex')}`;
  index = follow();
  ledger = openAuditLedger(bus.kafka, log);
  provider = await startOpenIdProvider();
  const disclosures = createDisclosures({ index, links, tokeniser, ledger });
  site = await startConsoleUnderTest({ issuer: provider.issuer, measured: NO_LOOKS, disclosures });
});
after(async () => {
  await Promise.all([site.close(), provider.close(), index.close(), ledger.close()]);
  const database = connectDatabase({ url: testVariable('DATABASE_URL'), schema, log });
  await database.query(`drop schema if exists ${schema} cascade`);
  await database.close();
  await bus.close();
});

const sequences = new Map<number, number>();

/** A ledger record as the exchange would write it. */
const decided = async (
  eventId: string,
  persons: { tokens: string[]; otherTokens?: string[] },
  decisions: Partial<LedgerDecision>[],
  lane = 0,
) => {
  const sequence = sequences.get(lane) ?? 0;
  sequences.set(lane, sequence + 1);
  const record = {
    kind: 'decision',
    sequence,
    previous: '',
    position: { topic: topicsOf(source).outbox, partition: lane, offset: sequence },
    decidedAt: new Date(Date.UTC(2026, 9, 5, 10, sequence)).toISOString(),
    agreementsOffset: 1,
    eventId,
    type: 'uk.causeway.test.happened.v1',
    source: `/${source}/test`,
    otherTokens: [],
    classification: 'OFFICIAL',
    valueDigest: 'digest',
    decisions: decisions.map((decision) => ({ agreements: [`${source}-stay/1`], ...decision })),
    ...persons,
  } as DecisionRecord;
  await bus.producer.send([
    { topic: topicsOf(source).ledger, partition: lane, value: encodeLedgerRecord(record) },
  ]);
};
const released = (to: string): Partial<LedgerDecision> => ({ recipient: to, outcome: 'released' });
const withheld = (from: string, reason: string): Partial<LedgerDecision> => ({
  recipient: from,
  outcome: 'withheld',
  reason,
});

const search = async (account: Account, body: object) => {
  provider.become(account);
  const answer = await fetch(`${site.url}/api/disclosures/search`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await provider.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, json: (await answer.json()) as Found & { type?: string } };
};
const LEAD: Account = { roles: ['information-governance'] };
const about = (value: string) => ({ scheme: 'nhs', value, reason: 'a request of the person' });

const until = async (what: string, isSo: () => Promise<boolean>) => {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await delay(30)) if (await isSo()) return;
  throw new Error(`not in time: ${what}`);
};
const indexed = (count: number) =>
  until(`${count} events`, async () => {
    const [row] = await index.database
      .query<{ count: number }>('select count(*) from event')
      .catch(() => [{ count: -1 }]);
    return row?.count === count;
  });

test('a person is found by an identifier: every release and refusal, also as somebody else’s relative and under a linked identity', async () => {
  await decided('event-1', { tokens: [tokeniser.nhs(ALDA)] }, [
    released(recipient),
    withheld(other, 'source-restricted'),
  ]);
  await decided(
    'event-2',
    { tokens: [tokeniser.nhs(BERTRAM)], otherTokens: [tokeniser.nhs(ALDA)] },
    [released(other)],
    1,
  );
  await decided('event-3', { tokens: [tokeniser.nhs(ALDA_LATER)] }, [released(recipient)], 2);
  await decided('event-4', { tokens: [tokeniser.nhs(BERTRAM)] }, []);
  await indexed(4);
  const ids = async (account: Account, value: string) =>
    (await search(account, about(value))).json.disclosures.map(({ eventId }) => eventId).sort();

  assert.deepEqual(await ids(LEAD, '999 012 3454'), ['event-1', 'event-2']);
  assert.deepEqual(await ids(LEAD, BERTRAM), ['event-2', 'event-4']);
  const { value } = linkRecord({
    kind: 'link',
    id: 'merge',
    source: 'asserted',
    organisation: source,
    tokens: [tokeniser.nhs(ALDA)],
    otherTokens: [tokeniser.nhs(ALDA_LATER)],
    at: '2026-10-05T10:00:00Z',
  });
  links.apply({ key: Buffer.from('link:merge'), value });
  assert.deepEqual(await ids(LEAD, ALDA), ['event-1', 'event-2', 'event-3']);

  const { json } = await search(LEAD, about(ALDA));
  assert.equal(json.current, true);
  const one = json.disclosures.find(({ eventId }) => eventId === 'event-1');
  assert.deepEqual(
    one?.recipients.map(({ recipient: to, outcome, reason }) => [to, outcome, reason]).sort(),
    [
      [recipient, 'released', null],
      [other, 'withheld', 'source-restricted'],
    ].sort(),
  );
  assert.deepEqual(one?.ledger, { topic: topicsOf(source).ledger, partition: 0, sequence: 0 });
  assert.equal(json.disclosures.find(({ eventId }) => eventId === 'event-2')?.other, true);
});

test('that the source restricted an event is told to the source, and to nobody else', async () => {
  const reasons = async (organisation: string) =>
    (await search({ ...LEAD, organisation }, about(ALDA))).json.disclosures
      .flatMap(({ recipients }) => recipients.map(({ reason }) => reason))
      .filter((reason) => reason === 'source-restricted').length;
  assert.deepEqual([await reasons(source), await reasons(recipient), await reasons(other)], [1, 0, 0]);
});

test('an organisation sees what it published and what was released to it, and of others’ refusals nothing', async () => {
  const seen = async (organisation: string) =>
    (await search({ ...LEAD, organisation }, about(ALDA))).json.disclosures.map(({ eventId, recipients }) => [
      eventId,
      ...recipients.map((one) => one.recipient),
    ]);
  assert.deepEqual((await seen(source)).flat().filter((text) => text.startsWith('event')).length, 3);
  assert.deepEqual((await seen(other)).sort(), [['event-2', other]]);
  assert.deepEqual((await seen(recipient)).sort(), [
    ['event-1', recipient],
    ['event-3', recipient],
  ]);
});

test('every search is in the ledger with who, why and the token, and never with the identifier', async () => {
  const reason = randomBytes(8).toString('hex');
  await search({ ...LEAD, organisation: recipient }, { ...about(ALDA), reason });
  const entries = (await bus.records(AUDIT_LEDGER_TOPIC)).map(({ value }) => String(value));
  const [entry = ''] = entries.filter((text) => text.includes(reason));
  const { kind, what, tokens, organisation, found } = JSON.parse(entry);
  assert.deepEqual(
    { kind, what, tokens, organisation, found },
    {
      kind: 'look',
      what: 'disclosure-search',
      tokens: [tokeniser.nhs(ALDA)],
      organisation: recipient,
      found: 2,
    },
  );
  assert.ok(!entry.includes(ALDA));
});

test('an operator, a search without a reason and what is no identifier are refused, and the identifier is not repeated', async () => {
  const outcome = async (account: Account, body: object) => {
    const { status, json } = await search(account, body);
    assert.ok(!JSON.stringify(json).includes('999012'), 'repeated');
    return [status, json.type?.split(':').at(-1)];
  };
  assert.deepEqual(await outcome({ roles: ['operator'] }, about(ALDA)), [403, 'insufficient-role']);
  assert.deepEqual(await outcome(LEAD, { ...about(ALDA), reason: ' ' }), [422, 'invalid-request']);
  assert.deepEqual(await outcome(LEAD, { ...about(ALDA), scheme: 'passport' }), [422, 'invalid-request']);
  assert.deepEqual(await outcome(LEAD, about('999012')), [422, 'invalid-identifier']);
});

test('by event, recipient and agreement', async () => {
  const disclosures = createDisclosures({ index, links, tokeniser, ledger });
  const viewer = { subject: 'lead', roles: [] };
  const ids = ({ disclosures: found }: Found) => found.map(({ eventId }) => eventId).sort();
  assert.deepEqual(ids(await disclosures.ofEvent(viewer, 'event-2')), ['event-2']);
  assert.deepEqual(ids(await disclosures.ofRecipient(viewer, recipient)), ['event-1', 'event-3']);
  assert.deepEqual(ids(await disclosures.ofAgreement(viewer, `${source}-stay/1`)), [
    'event-1',
    'event-2',
    'event-3',
  ]);
  assert.deepEqual(
    ids(await disclosures.ofAgreement({ ...viewer, organisation: other }, `${source}-stay/1`)),
    ['event-2'],
  );
});

test('two instances take each record in once, and a schema that is thrown away is made and filled again', async () => {
  const second = follow();
  for (let number = 5; number <= 24; number += 1)
    await decided(`event-${number}`, { tokens: [tokeniser.nhs(BERTRAM)] }, [released(recipient)], number % 6);
  await indexed(24);
  await index.database.query(`drop schema ${schema} cascade`);
  await decided('event-25', { tokens: [tokeniser.nhs(BERTRAM)] }, [released(recipient)], 3);
  await indexed(25);
  const [row] = await index.database.query<{ count: number }>('select count(*) from disclosure');
  assert.equal(row?.count, 25);
  await second.close();
});

test('without a database the console answers that it is away, and nothing is claimed', async () => {
  const away = follow('postgres://nobody:nothing@127.0.0.1:1/none');
  const disclosures = createDisclosures({ index: away, links, tokeniser, ledger });
  const alone = await startConsoleUnderTest({ issuer: provider.issuer, measured: NO_LOOKS, disclosures });
  provider.become(LEAD);
  const answer = await fetch(`${alone.url}/api/disclosures/search`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await provider.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify(about(ALDA)),
  });
  assert.equal(answer.status, 503);
  assert.equal(away.standing().current, false);
  await alone.close();
  await away.close();
});

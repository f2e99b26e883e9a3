import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeHeaders } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { type DecisionRecord, parseLedgerRecord } from '@causeway/runtime/ledger/ledger-record';
import {
  type Interest,
  interestRecord,
  withdrawnInterestRecord,
} from '@causeway/runtime/reference-data/interests';
import { type Safeguard, safeguardRecord } from '@causeway/runtime/reference-data/safeguards';
import type { Service } from '@causeway/runtime/service/service';
import { createTestBus, type TestBus, type TestEvent, testToken } from '@causeway/testing/bus';
import { createTestExchange } from './testing.ts';

const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const LINKED = 'uk.causeway.nhs.identity.linked.v1';
const ACKNOWLEDGED = 'uk.causeway.exchange.acknowledgement.recorded.v1';
const TODAY = new Date().toISOString().slice(0, 10);

let bus: TestBus;
let exchange: Service;

before(async () => {
  bus = await createTestBus(0);
  exchange = await (await createTestExchange(bus)).start();
});
after(async () => {
  await exchange?.stop();
  await bus?.close();
});

type Parties = { trust: string; council: string };

/** Two organisations with an agreement between them that nobody else has. */
const partnership = async (gates: string, fields = '[person.name, admittedAt, ward]'): Promise<Parties> => {
  const [trust, council] = [await bus.addOrganisation(), await bus.addOrganisation()];
  const party = (office: string) =>
    `{ regime: uk-gdpr, article6: public-task, article9: health-or-social-care, approvedBy: ${office}, approvedAt: 2026-09-01 }`;
  await bus.activate(`
id: gates-${trust}
version: 1
status: active
title: Hospital stays for a test
from: ${trust}
to: [${council}]
parties: { ${trust}: ${party('Guardian')}, ${council}: ${party('Director')} }
purpose: hospital-discharge
gateways: [care-act-2014-s6]
confidentiality: statute
dpia: { reference: DPIA-1, approvedAt: 2026-08-20 }
recipient: { retention: P2Y, onward: ask-source }
disclosureToSubject: allowed
valid: { from: 2026-10-01, until: 2036-09-30, review: 2036-06-01, graceDays: 30 }
marking: { ceiling: OFFICIAL-SENSITIVE, handling: [] }
contacts: { dataProtection: dpo@trust.example, incident: 01632 960001 }
${gates}
feedback: true
release:
  ${ADMISSION}:
    fields: ${fields}
    generalise: { person.address.postcode: outcode }
`);
  return { trust, council };
};

const interest = (person: string, change: Partial<Interest> = {}): Interest => ({
  writer: 'council-social-care',
  reference: testToken(person),
  reason: 'looked-after',
  tokens: [testToken(person)],
  since: TODAY,
  expires: TODAY,
  ...change,
});

const safeguard = (person: string, kind: Safeguard['kind']): Safeguard => ({
  writer: 'police-records',
  reference: testToken(person),
  kind,
  tokens: [testToken(person)],
  since: TODAY,
  review: TODAY,
});

/** Publishes an event and waits for what was decided: per recipient the reason, or how it was released. */
const decided = async (event: TestEvent): Promise<Record<string, string>> => {
  const { id } = await bus.publish(event);
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const records = (await bus.records(topicsOf(event.from).ledger)).map(({ value }) =>
      parseLedgerRecord(value ?? Buffer.alloc(0)),
    );
    const found = records.find((one): one is DecisionRecord => one.kind === 'decision' && one.eventId === id);
    if (found)
      return Object.fromEntries(
        found.decisions.map(({ recipient, outcome, reason = outcome }) => [recipient, reason]),
      );
  }
  throw new Error('not decided');
};

/** Repeats until what was published beside it has reached the exchange. */
const untilDecided = async (event: TestEvent, recipient: string, wanted: string) => {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = (await decided(event))[recipient];
    if (found === wanted) return;
    if (Date.now() > deadline) assert.equal(found, wanted);
  }
};

const lastIn = async (organisation: string) => {
  const records = await bus.records(topicsOf(organisation).inbox);
  const record = records.sort((a, b) => a.timestamp - b.timestamp).at(-1);
  const { data } = await bus.codec.decode(record?.value ?? Buffer.alloc(0));
  return { event: decodeHeaders(record?.headers ?? {}), data: JSON.parse(JSON.stringify(data)) };
};

test('an event reaches a recipient from when it knows the person to when it does not, and says how certain that is', async () => {
  const { trust, council } = await partnership(
    'audience: { knownAs: [looked-after] }\nmatching: demographic',
  );
  const person = `known ${trust}`;
  const event = { from: trust, type: ADMISSION, person };
  assert.deepEqual(await decided(event), { [council]: 'not-known' });
  await bus.producer.send([interestRecord(council, interest(person), TODAY)]);
  await untilDecided(event, council, 'released');
  assert.equal((await lastIn(council)).event.match, 'verified');
  await bus.producer.send([
    interestRecord(council, interest(person, { tokens: [], demographic: testToken(person) }), TODAY),
  ]);
  const deadline = Date.now() + 10_000;
  do await decided(event);
  while ((await lastIn(council)).event.match !== 'possible' && Date.now() < deadline);
  assert.equal((await lastIn(council)).event.match, 'possible');
  await bus.producer.send([withdrawnInterestRecord(council, interest(person))]);
  await untilDecided(event, council, 'not-known');
});

test('a safeguard of an organisation that is no party takes every place out, and another one withholds all', async () => {
  const { trust, council } = await partnership('audience: all\nmatching: verified');
  const police = await bus.addOrganisation();
  const person = `protected ${trust}`;
  const event = { from: trust, type: ADMISSION, person };
  assert.deepEqual(await decided(event), { [council]: 'released' });
  const before = (await lastIn(council)).data;
  assert.equal(before.person.address.postcode, 'WE4');
  assert.ok('ward' in before);
  await bus.producer.send([safeguardRecord(police, safeguard(person, 'shielded'))]);
  const deadline = Date.now() + 10_000;
  do await decided(event);
  while ('ward' in (await lastIn(council)).data && Date.now() < deadline);
  const { ward: _, person: who, ...rest } = before;
  assert.deepEqual((await lastIn(council)).data, { ...rest, person: { name: who.name } });
  await bus.producer.send([safeguardRecord(police, safeguard(person, 'objection-upheld'))]);
  await untilDecided(event, council, 'processing-restricted');
  assert.deepEqual(await decided({ ...event, person: 'somebody else' }), { [council]: 'released' });
});

test('identities that a source links are one person for every instance, also after a restart, and nobody is told of the link', async () => {
  const { trust, council } = await partnership('audience: { knownAs: [looked-after] }\nmatching: verified');
  const [old, current] = [`old ${trust}`, `current ${trust}`];
  await bus.producer.send([interestRecord(council, interest(old), TODAY)]);
  const event = { from: trust, type: ADMISSION, person: current };
  await untilDecided({ ...event, person: old }, council, 'released');
  const received = (await bus.records(topicsOf(council).inbox)).length;
  assert.deepEqual(await decided(event), { [council]: 'not-known' });
  const link: TestEvent = {
    from: trust,
    type: LINKED,
    person: current,
    envelope: { otherTokens: [testToken(old)] },
  };
  assert.deepEqual(await decided(link), {}, 'nobody gets the link');
  await untilDecided(event, council, 'released');
  const inbox = await bus.records(topicsOf(council).inbox);
  assert.ok(inbox.slice(received).every(({ headers }) => headers.ce_type?.toString() === ADMISSION));
  await exchange.stop();
  exchange = await (await createTestExchange(bus)).start();
  assert.deepEqual(await decided(event), { [council]: 'released' });
});

test('feedback goes to the organisation that it answers, without an agreement, and whole', async () => {
  const [council, trust, police] = [
    await bus.addOrganisation(),
    await bus.addOrganisation(),
    await bus.addOrganisation(),
  ];
  const inResponseTo = `/${trust}/${'A'.repeat(22)}`;
  const event = { from: council, type: ACKNOWLEDGED, envelope: { inResponseTo } };
  assert.deepEqual(await decided(event), { [trust]: 'released' });
  const { event: got, data } = await lastIn(trust);
  assert.deepEqual([got.inResponseTo, got.agreement], [inResponseTo, []]);
  assert.ok(data.state && data.contact);
  assert.deepEqual(await bus.records(topicsOf(police).inbox), []);
  await bus.publish({ from: council, type: ACKNOWLEDGED });
  const [letter] = await bus.untilRecords(topicsOf(council).deadLetter, 1);
  assert.equal(letter?.headers['dl-reason']?.toString(), 'missing-attribute');
});

test('the case chain and an answer go only where they may, and nothing that an outbox claims of a match', async () => {
  const plain = await partnership('audience: all\nmatching: verified');
  const chained = await partnership('audience: all\nmatching: verified', '[person.name, correlationId]');
  const envelope = { correlationId: 'case-1', inResponseTo: `/somebody-else/${'A'.repeat(22)}` };
  const headers = { ce_match: 'verified', ce_agreement: 'forged/1' };
  for (const { trust, council } of [plain, chained]) {
    await decided({ from: trust, type: ADMISSION, envelope, headers });
    const { event } = await lastIn(council);
    assert.deepEqual(
      [event.correlationId, event.inResponseTo, event.match, event.agreement],
      [trust === chained.trust ? 'case-1' : undefined, undefined, undefined, [`gates-${trust}/1`]],
    );
  }
});

test('the views of an agreement are in the registry before its first event, for shielded people too', async () => {
  const { council } = await partnership('audience: all\nmatching: verified');
  const subject = encodeURIComponent(`view.${council}.${ADMISSION}`);
  const versions = async (): Promise<number[]> => {
    const answer = await fetch(`${bus.env.SCHEMA_REGISTRY_URL}/subjects/${subject}/versions`);
    return answer.ok ? ((await answer.json()) as number[]) : [];
  };
  const deadline = Date.now() + 20_000;
  while ((await versions()).length < 2 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await versions()).length, 2);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { topology } from '@causeway/runtime/bus/acls';
import { decodeHeaders } from '@causeway/runtime/bus/envelope';
import { redriveRecord } from '@causeway/runtime/bus/redrive-request';
import { AGREEMENTS_TOPIC, topicsOf } from '@causeway/runtime/bus/topics';
import type { DecisionRecord } from '@causeway/runtime/ledger/ledger-record';
import { emptyChain, parseLedgerRecord, verifyRecord } from '@causeway/runtime/ledger/ledger-record';
import type { Service } from '@causeway/runtime/service/service';
import { createTestBus, type TestBus, testToken } from '@causeway/testing/bus';
import { createTestExchange, type TestExchange } from './testing.ts';

const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const DISCHARGE = 'uk.causeway.nhs.patient-discharge.recorded.v1';

let bus: TestBus;
let instances: TestExchange;
let exchange: Service;

const agreement = (id: string, from: string, to: string, extra = '') => `
id: ${id}
version: 1
status: active
title: Hospital stays for a test
from: ${from}
to: [${to}]
parties:
  ${from}: { regime: uk-gdpr, article6: public-task, article9: health-or-social-care, approvedBy: Caldicott Guardian, approvedAt: 2026-09-01 }
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
matching: verified
history: false
feedback: true
${extra}release:
  ${ADMISSION}:
    fields: [person.name, admittedAt]
    generalise: { person.address.postcode: outcode }
`;

before(async () => {
  bus = await createTestBus(3);
  instances = await createTestExchange(bus);
  exchange = await instances.start();
});

after(async () => {
  await exchange?.stop();
  await bus?.close();
});

const verified = async (organisation: string) => {
  const topic = topicsOf(organisation).ledger;
  const chains = new Map<number, ReturnType<typeof emptyChain>>();
  const records = await bus.records(topic);
  for (const { partition, value } of records) {
    const result = verifyRecord(chains.get(partition) ?? emptyChain(), value, { topic, partition });
    assert.ok('chain' in result, 'problem' in result ? result.problem : '');
    chains.set(partition, result.chain);
  }
  return records.map(({ value }) => parseLedgerRecord(value ?? Buffer.alloc(0)));
};

test('an event is released with exactly the fields of the agreement, and to nobody else', async () => {
  const [trust = '', council = '', police = ''] = bus.organisations;
  const reference = await bus.activate(agreement(`stay-${trust}`, trust, council));
  const event = await bus.publish({ from: trust, type: ADMISSION });
  const [record] = await bus.untilRecords(topicsOf(council).inbox, 1);
  const { data } = await bus.codec.decode(record?.value ?? Buffer.alloc(0));
  assert.deepEqual(JSON.parse(JSON.stringify(data)), {
    person: {
      name: {
        familyName: 'Exampleton',
        givenNames: ['Alda', 'May'],
        title: 'Mrs',
        suffix: null,
        preferredName: null,
      },
      address: { postcode: 'WE4' },
    },
    contact: {
      organisation: 'Westshire NHS Trust',
      team: 'Integrated discharge team',
      telephone: '01632 960010',
      outOfHoursTelephone: '01632 960011',
      reference: 'WNT-EX-0001',
    },
    admittedAt: '2026-10-05T14:20:00+01:00',
  });
  const headers = decodeHeaders(record?.headers ?? {});
  assert.deepEqual(headers.agreement, [reference]);
  assert.equal(headers.id, event.id);
  assert.equal(record?.headers.ce_tokens, undefined, 'tokens stay behind');
  assert.deepEqual(await bus.records(topicsOf(police).inbox), []);
  assert.deepEqual(await bus.records(topicsOf(trust).inbox), []);
});

test('each event has one ledger record, chained, that names who got it under which agreement', async () => {
  const [trust = '', council = ''] = bus.organisations;
  const event = await bus.publish({ from: trust, type: ADMISSION, person: 'ledger' });
  await bus.untilRecords(topicsOf(trust).ledger, 2);
  const found = (await verified(trust)).find(
    (record) => record.kind === 'decision' && record.eventId === event.id,
  );
  const [decision] = (found as DecisionRecord).decisions;
  assert.equal(decision?.recipient, council);
  assert.equal(decision?.outcome, 'released');
  assert.deepEqual(decision?.agreements, [`stay-${trust}/1`]);
});

test('the same record twice is decided once, and the same id with another value is a dead letter', async () => {
  const trust = await bus.addOrganisation();
  const council = await bus.addOrganisation();
  await bus.activate(agreement(`stay-${trust}`, trust, council));
  const id = 'repeated-event-id-0001';
  await bus.publish({ from: trust, type: ADMISSION, envelope: { id } });
  await bus.publish({ from: trust, type: ADMISSION, envelope: { id } });
  const { data } = await bus.codec.decode(
    (await bus.untilRecords(topicsOf(trust).outbox, 2))[0]?.value ?? Buffer.alloc(0),
  );
  await bus.publish({
    from: trust,
    type: ADMISSION,
    envelope: { id },
    data: { ...(data as object), ward: 'another' },
  });
  const [letter] = await bus.untilRecords(topicsOf(trust).deadLetter, 1);
  assert.equal(letter?.headers['dl-reason']?.toString(), 'id-conflict');
  assert.equal((await bus.records(topicsOf(council).inbox)).length, 1);
  assert.deepEqual(
    (await verified(trust)).map(({ kind }) => kind),
    ['decision', 'dead-letter'],
  );
});

test('what cannot be decided is a dead letter with its bytes unchanged, and the rest flows', async () => {
  const trust = await bus.addOrganisation();
  const council = await bus.addOrganisation();
  await bus.activate(agreement(`stay-${trust}`, trust, council));
  const { outbox, inbox, deadLetter } = topicsOf(trust);
  const key = testToken('poison');
  const good = await bus.publish({ from: trust, type: ADMISSION, person: 'poison' });
  const [first] = await bus.records(outbox);
  const value = first?.value ?? Buffer.alloc(0);
  const headers = Object.fromEntries(
    Object.entries(first?.headers ?? {}).map(([name, text]) => [name, text ?? '']),
  );
  const poison = [
    { reason: 'undecodable', value: Buffer.from('no wire format'), headers },
    {
      reason: 'undecodable',
      value: value.subarray(0, 20),
      headers: { ...headers, ce_id: 'cut-short-event-id-001' },
    },
    { reason: 'undecodable', value: null, headers },
    { reason: 'missing-attribute', value, headers: {} },
    { reason: 'invalid-attribute', value, headers: { ...headers, ce_subject: 'a name perhaps' } },
    {
      reason: 'wrong-source',
      value,
      headers: { ...headers, ce_source: `/${council}/test`, ce_id: 'other-source-event-001' },
    },
    {
      reason: 'type-mismatch',
      value,
      headers: { ...headers, ce_type: DISCHARGE, ce_id: 'other-type-event-id-01' },
    },
    { reason: 'marking-too-high', value, headers: { ...headers, ce_dataclassification: 'SECRET' } },
  ];
  for (const one of poison)
    await bus.producer.send([{ topic: outbox, key, value: one.value, headers: one.headers }]);
  const last = await bus.publish({ from: trust, type: ADMISSION, person: 'poison' });
  const letters = await bus.untilRecords(deadLetter, poison.length);
  assert.deepEqual(
    letters.map((letter) => letter.headers['dl-reason']?.toString()),
    poison.map(({ reason }) => reason),
  );
  assert.deepEqual(
    letters.map((letter) => letter.value),
    poison.map((one) => one.value),
  );
  const released = await bus.untilRecords(topicsOf(council).inbox, 2);
  assert.deepEqual(
    released.map((record) => record.headers.ce_id?.toString()),
    [good.id, last.id],
  );
  assert.deepEqual(await bus.records(inbox), []);
  await verified(trust);
});

/** Another version of the agreement, with these leaves beside those that it has. */
const nextVersion = async (id: string, version: number, leaves: string[]) => {
  const records = await bus.records(AGREEMENTS_TOPIC);
  const versions = records.map(({ value }) => JSON.parse(String(value)));
  const record = versions.find((one) => one.kind === 'version' && one.id === id);
  record.version = record.agreement.version = version;
  record.release[ADMISSION].leaves.push(...leaves);
  await bus.producer.send([
    { topic: AGREEMENTS_TOPIC, partition: 0, value: Buffer.from(JSON.stringify(record)) },
  ]);
  await bus.setStatus(`${id}/${version}`, 'active');
};

test('what could not be projected is redriven once the agreement is mended, and decided once however often it is asked', async () => {
  const trust = await bus.addOrganisation();
  const council = await bus.addOrganisation();
  const { deadLetter, deliveries, ledger } = topicsOf(trust);
  await bus.activate(agreement(`stay-${trust}`, trust, council));
  // Nobody can make a view of a leaf that the schema has not.
  await nextVersion(`stay-${trust}`, 2, ['person.nothing']);
  const event = await bus.publish({ from: trust, type: ADMISSION });
  const [letter] = await bus.untilRecords(deadLetter, 1);
  assert.equal(letter?.headers['dl-reason']?.toString(), 'cannot-project');
  await nextVersion(`stay-${trust}`, 3, []);
  const ask = (id: string, at: number) =>
    redriveRecord(trust, { id, deadLetter: at, by: 'test', reason: 'mended', at: new Date().toISOString() });
  await bus.producer.send([
    ask('request-1', letter?.offset ?? 0),
    ask('request-2', letter?.offset ?? 0),
    ask('request-3', 99),
  ]);
  const results = await bus.untilRecords(deliveries, 3);
  assert.deepEqual(
    results.map(({ value }) => JSON.parse(String(value)).outcome),
    ['published', 'published', 'not-found'],
  );
  const [released] = await bus.untilRecords(topicsOf(council).inbox, 1);
  assert.equal(released?.headers.ce_id?.toString(), event.id);
  assert.equal(released?.headers['dl-reason'], undefined, 'nothing of the dead letter goes to a recipient');
  const later = await bus.publish({ from: trust, type: ADMISSION });
  await bus.untilRecords(ledger, 3);
  assert.deepEqual(
    (await verified(trust)).map((record) => (record.kind === 'decision' ? record.eventId : record.kind)),
    ['dead-letter', event.id, later.id],
  );
});

test('a record of 511 kB is released whole, and one that cannot be read is kept with its beginning, length and hash', async () => {
  const trust = await bus.addOrganisation();
  const council = await bus.addOrganisation();
  await bus.activate(agreement(`stay-${trust}`, trust, council));
  const { outbox, deadLetter } = topicsOf(trust);
  await bus.publish({ from: trust, type: ADMISSION });
  const [small] = await bus.untilRecords(outbox, 1);
  const { data } = await bus.codec.decode(small?.value ?? Buffer.alloc(0));
  const person = (data as { person: { name: object } }).person;
  const familyName = 'x'.repeat(511_000);
  await bus.publish({
    from: trust,
    type: ADMISSION,
    data: { ...(data as object), person: { ...person, name: { ...person.name, familyName } } },
  });
  const [, large] = await bus.untilRecords(topicsOf(council).inbox, 2);
  const released = (await bus.codec.decode(large?.value ?? Buffer.alloc(0))).data as typeof data;
  assert.equal((released as { person: { name: { familyName: string } } }).person.name.familyName, familyName);
  const headers = Object.fromEntries(
    Object.entries(small?.headers ?? {}).map(([name, text]) => [name, text ?? '']),
  );
  const unreadable = Buffer.concat([small?.value ?? Buffer.alloc(0), Buffer.alloc(511_000)]);
  await bus.producer.send([
    {
      topic: outbox,
      key: small?.key ?? null,
      value: unreadable,
      headers: { ...headers, ce_id: 'unreadable-event-id-01' },
    },
  ]);
  const [letter] = await bus.untilRecords(deadLetter, 1);
  assert.equal(letter?.headers['dl-reason']?.toString(), 'undecodable');
  assert.equal(letter?.headers['dl-length']?.toString(), String(unreadable.length));
  assert.deepEqual(letter?.value, unreadable.subarray(0, 400_000));
});

test('an agreement that is suspended while events flow releases nothing from then on, and says why', async () => {
  const trust = await bus.addOrganisation();
  const council = await bus.addOrganisation();
  const reference = await bus.activate(agreement(`stay-${trust}`, trust, council));
  await bus.publish({ from: trust, type: ADMISSION });
  await bus.untilRecords(topicsOf(council).inbox, 1);
  await bus.setStatus(reference, 'suspended');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await bus.publish({ from: trust, type: ADMISSION });
  await bus.untilRecords(topicsOf(trust).ledger, 2);
  const [, second] = await verified(trust);
  assert.deepEqual((second as DecisionRecord).decisions, [
    { recipient: council, outcome: 'withheld', reason: 'not-active', agreements: [reference] },
  ]);
  assert.equal((await bus.records(topicsOf(council).inbox)).length, 1);
});

test('a source can keep an event from one organisation, and the marking and conditions are obeyed', async () => {
  const trust = await bus.addOrganisation();
  const council = await bus.addOrganisation();
  await bus.activate(agreement(`stay-${trust}`, trust, council, 'where: { patientClass: [inpatient] }\n'));
  const cases: [string, Parameters<TestBus['publish']>[0]][] = [
    ['source-restricted', { from: trust, type: ADMISSION, person: 'p', envelope: { exclude: [council] } }],
    ['source-restricted', { from: trust, type: ADMISSION, person: 'p', envelope: { exclude: ['all'] } }],
    [
      'handling-not-accepted',
      { from: trust, type: ADMISSION, person: 'p', envelope: { handling: ['conditions-apply'] } },
    ],
    ['history-not-agreed', { from: trust, type: ADMISSION, person: 'p', envelope: { replay: true } }],
  ];
  for (const [, event] of cases) await bus.publish(event);
  await bus.untilRecords(topicsOf(trust).ledger, cases.length);
  const reasons = (await verified(trust)).map((record) => (record as DecisionRecord).decisions[0]?.reason);
  assert.deepEqual(
    reasons,
    cases.map(([reason]) => reason),
  );
  assert.deepEqual(await bus.records(topicsOf(council).inbox), []);
});

test('an instance that joins shares the lanes, and one that is fenced loses and repeats nothing', async () => {
  const trust = await bus.addOrganisation();
  const council = await bus.addOrganisation();
  await bus.activate(agreement(`stay-${trust}`, trust, council));
  const second = await instances.start();
  const sent: string[] = [];
  for (let index = 0; index < 60; index += 1) {
    sent.push((await bus.publish({ from: trust, type: ADMISSION, person: `person ${index % 12}` })).id);
    if (index === 20)
      for (let lane = 0; lane < 6; lane += 1)
        await (await bus.kafka.writer(instances.names.writer(lane))).close();
    if (index === 40) await second.stop();
  }
  const released = await bus.untilRecords(topicsOf(council).inbox, sent.length);
  assert.deepEqual(released.map((record) => record.headers.ce_id?.toString()).sort(), [...sent].sort());
  assert.equal((await verified(trust)).length, sent.length);
});

/** A lane that is just being opened again says that first. */
const saysStopped = async (organisation: string, reason: string) => {
  const partition = `${organisation} \\(${reason}\\)`;
  const stopped = new RegExp(partition);
  const until = Date.now() + 15_000;
  let answer: { status: number; text: string } = { status: 0, text: '' };
  while (!stopped.test(answer.text) && Date.now() < until) {
    const ready = await fetch(`${exchange.adminUrl}/ready`);
    answer = { status: ready.status, text: await ready.text() };
  }
  assert.match(answer.text, stopped);
  assert.equal(answer.text.split(organisation).length, 2, 'each organisation is named once');
  assert.equal(answer.status, 503);
};

test('an outbox that lost its head leaves a gap in the ledger, and a ledger that was lost or emptied stops the partition', async () => {
  const trust = await bus.addOrganisation();
  const event = await bus.publish({ from: trust, type: ADMISSION });
  await bus.untilRecords(topicsOf(trust).ledger, 1);
  assert.ok(event);
  await exchange.stop();
  for (let index = 0; index < 3; index += 1) await bus.publish({ from: trust, type: ADMISSION });
  const [first] = await bus.records(topicsOf(trust).outbox);
  const partition = first?.partition ?? 0;
  await bus.admin.deleteRecords(topicsOf(trust).outbox, [{ partition, offset: 3 }]);
  const lost = await bus.addOrganisation();
  await bus.kafka.commitOffsets(
    'exchange',
    [0, 1, 2].map((partition) => ({ topic: topicsOf(lost).outbox, partition, offset: 7 })),
  );
  const emptied = await bus.addOrganisation();
  const { ledger } = topicsOf(emptied);
  await bus.kafka.producer().send([{ topic: ledger, key: 'any', value: Buffer.from('{}'), headers: {} }]);
  const [record] = await bus.records(ledger);
  await bus.admin.deleteRecords(ledger, [{ partition: record?.partition ?? 0, offset: 1 }]);
  exchange = await instances.start();
  await bus.untilRecords(topicsOf(trust).ledger, 3);
  const kinds = (await verified(trust)).map((record) => record.kind);
  assert.deepEqual(kinds, ['decision', 'gap', 'decision']);
  for (const organisation of [lost, emptied]) await saysStopped(organisation, 'ledger-lost');
});

test('an outbox that was recreated stops its partition until an operator looks, and the others flow', async () => {
  const [trust, other] = [await bus.addOrganisation(), await bus.addOrganisation()];
  for (let index = 0; index < 3; index += 1) await bus.publish({ from: trust, type: ADMISSION });
  await bus.untilRecords(topicsOf(trust).ledger, 3);
  const { outbox } = topicsOf(trust);
  await bus.admin.deleteTopics([outbox]);
  // Until the broker has heard of it, the topic counts as existing and is not created again.
  while ((await bus.admin.listTopics()).includes(outbox));
  const { topics } = topology([trust], { replicationFactor: 1, minInSyncReplicas: 1 });
  const created = await bus.admin.createTopics(topics.filter(({ topic }) => topic === outbox));
  assert.deepEqual(created, [outbox]);
  await bus.publish({ from: trust, type: ADMISSION });
  await bus.publish({ from: other, type: ADMISSION });
  await bus.untilRecords(topicsOf(other).ledger, 1);
  await saysStopped(trust, 'outbox-behind-ledger');
  assert.equal((await bus.records(topicsOf(trust).ledger)).length, 3);
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { decodeHeaders } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { release } from '@causeway/testing/adapter-process';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { type Behaviour, type Rms, randomBehaviour, runRms } from './sink-simulator.ts';
import {
  type Issuer,
  RMS_SECRET,
  type RunningForce,
  runForce,
  sampleAgreement,
  startIssuer,
  until,
} from './testing/adapter-on-the-bus.ts';

const PLAN = 'uk.causeway.council.child-protection-plan.begun.v1';
const OUTCOME = 'uk.causeway.council.safeguarding-referral-outcome.recorded.v1';
const ACKNOWLEDGED = 'uk.causeway.exchange.acknowledgement.recorded.v1';
const OVERDUE = 'uk.causeway.exchange.delivery.overdue.v1';
const REPORTED = 'uk.causeway.police.missing-person.reported.v1';

let bus: TestBus;
let rms: Rms;
let issuer: Issuer;
let adapter: RunningForce;
let [council, force] = ['', ''];
let plans: string;
let outcomes: string;
let options: Parameters<typeof runForce>[2];
/** More in `npm run test:long`. */
const EVENTS = Number(process.env.POLICE_RECORDS_SOAK_EVENTS ?? 16);
let behave: (key: string) => Behaviour = () => 'well';

before(async () => {
  bus = await createTestBus(2);
  [council = '', force = ''] = bus.organisations;
  const fields = ['person.name', 'person.dateOfBirth', 'caseReference', 'planType'];
  plans = await bus.activate(
    sampleAgreement(`plans-${council}`, { from: council, to: force, type: PLAN, fields }),
  );
  outcomes = await bus.activate(
    sampleAgreement(`outcomes-${council}`, { from: council, to: force, type: OUTCOME, fields: ['outcome'] }),
  );
  await bus.activate(
    sampleAgreement(`reports-${force}`, { from: force, to: council, type: REPORTED, fields: ['risk'] }),
  );
  issuer = await startIssuer(force);
  rms = await runRms({
    port: 0,
    clientId: 'causeway',
    clientSecret: RMS_SECRET,
    lateMs: 1_300,
    behave: (key) => behave(key),
  });
  options = { issuer, rmsPort: rms.port, schema: `police_${randomBytes(5).toString('hex')}` };
  adapter = await runForce(bus, force, options);
  await adapter.ready();
});

after(async () => {
  await adapter?.stop();
  await rms?.close();
  await issuer?.close();
  await bus?.close();
});

const plan = (person: string, envelope: NonNullable<Parameters<typeof release>[1]['envelope']> = {}) =>
  release(bus, {
    from: council,
    to: force,
    type: PLAN,
    person,
    envelope: { agreement: [plans], ...envelope },
  });

const taskOf = (id: string) => rms.tasks.find(({ reference }) => reference === id);

const opened = async (id: string) => {
  await until(
    () => taskOf(id) !== undefined,
    () => `a task is opened\n${adapter.log().slice(-2_000)}`,
  );
  const task = taskOf(id);
  assert.ok(task);
  return task;
};

/** What the council is told of an event of its own: what is said again after a crash has the same id, and the exchange passes it on once. */
const told = async (id: string) => {
  const records = await bus.records(topicsOf(force).outbox);
  const found = records.filter(({ headers }) => headers.ce_inresponseto?.toString() === `/${council}/${id}`);
  const once = new Map(found.map((record) => [record.headers.ce_id?.toString(), record]));
  return Promise.all(
    [...once.values()].map(async ({ headers, value }) => {
      assert.equal(decodeHeaders(headers).type, ACKNOWLEDGED);
      const { data } = await bus.codec.decode(value ?? Buffer.alloc(0));
      const { state, team, reference } = data as Record<string, string | null>;
      return { state, team, reference };
    }),
  );
};

test('an event becomes a task that says on one line who, what, how urgent, by when and whom to ring', async () => {
  const id = await plan('on-one-line', {
    priority: 'urgent',
    actBy: '2026-11-16T17:00:00+00:00',
    match: 'possible',
  });
  const { task } = await opened(id);
  const example = loadCatalogue().find(({ type }) => type === PLAN)?.example.data as {
    person: { name: { familyName: string }; dateOfBirth: { value: string } };
    contact: { telephone: string; outOfHoursTelephone: string };
  };
  const line = String(task.line);
  for (const said of [
    'URGENT',
    'POSSIBLE MATCH: CONFIRM',
    'Child protection plan begun',
    example.person.name.familyName,
    `born ${example.person.dateOfBirth.value}`,
    'act by 2026-11-16T17:00:00+00:00',
    `ring ${council}`,
    example.contact.telephone,
    example.contact.outOfHoursTelephone,
  ])
    assert.ok(line.includes(said), `${said} is missing in: ${line}`);
  assert.doesNotMatch(line, /\n/);
});

test('what an officer makes of a task is told to the source, in its order, once', async () => {
  const id = await plan('acted-on');
  const task = await opened(id);
  assert.deepEqual(await told(id), [], 'that the system has it says nothing yet');
  rms.act(task, 'seen', { team: 'Hub desk', caseReference: null });
  await until(async () => (await told(id)).length === 1, 'it is told that it was seen');
  rms.act(task, 'accepted', { team: 'Hub desk', caseReference: 'WP-LNK-1' });
  await until(async () => (await told(id)).length === 2, 'it is told that it was accepted');
  await adapter.kill();
  adapter = await runForce(bus, force, options);
  const later = await plan('acted-on');
  rms.act(await opened(later), 'not-ours', { team: 'A person\nwith a note', caseReference: 'x'.repeat(200) });
  await until(async () => (await told(later)).length === 1, 'the later one is answered too');
  assert.deepEqual(await told(id), [
    { state: 'seen', team: 'Hub desk', reference: null },
    { state: 'accepted', team: 'Hub desk', reference: 'WP-LNK-1' },
  ]);
  assert.deepEqual(await told(later), [{ state: 'not_ours', team: null, reference: null }]);
});

test('the record behind a report of the force is told what became of it', async () => {
  const sent = JSON.parse(
    readFileSync(new URL('../fixtures/missing-child-reported.json', import.meta.url), 'utf8'),
  );
  const response = await fetch(`${adapter.url}/v1/incidents`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await issuer.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify(sent),
  });
  const { events } = (await response.json()) as { events: string[] };
  const inResponseTo = `/${force}/${events[0]}`;
  const answers = await Promise.all(
    [ACKNOWLEDGED, OVERDUE, OUTCOME].map((type) =>
      release(bus, {
        from: council,
        to: force,
        type,
        envelope: { inResponseTo, ...(type === OUTCOME && { agreement: [outcomes] }) },
      }),
    ),
  );
  const updates = () => rms.updates.filter(({ update }) => answers.includes(String(update.reference)));
  await until(() => updates().length === answers.length, 'three updates are filed');
  assert.ok(updates().every(({ record, update }) => record === sent.data.id && update.about === events[0]));
  assert.deepEqual(
    updates()
      .map(({ update }) => update.kind)
      .sort(),
    ['acknowledged', 'outcome', 'overdue'],
  );
  const overdue = updates().find(({ update }) => update.kind === 'overdue');
  assert.match(String(overdue?.update.line), /^RING .*ring /);
});

test('an answer to a report that did not come through here is a task, so that somebody sees it', async () => {
  const id = await release(bus, {
    from: council,
    to: force,
    type: OVERDUE,
    envelope: { inResponseTo: `/${force}/${'u'.repeat(22)}` },
  });
  assert.equal((await opened(id)).task.title, 'Delivery overdue');
});

test('a token that was withdrawn is renewed, and an event that is refused is a dead letter of which the source hears', async () => {
  let first = true;
  behave = () => {
    const now = first ? 'unauthorised' : 'well';
    first = false;
    return now;
  };
  const renewed = await plan('renewed');
  await opened(renewed);
  assert.equal(rms.came.filter((key) => key === renewed).length, 2);
  behave = () => 'refuse';
  const refused = await plan('refused');
  const buried = async () =>
    (await bus.records(topicsOf(force).deadLetter)).filter(
      ({ headers }) => headers.ce_id?.toString() === refused,
    );
  await until(async () => (await buried()).length === 1, 'it is a dead letter');
  assert.equal((await buried())[0]?.headers['dl-reason']?.toString(), 'refused-http');
  assert.deepEqual(
    (await told(refused)).map(({ state }) => state),
    ['unable'],
  );
  behave = () => 'well';
});

test('with an RMS that misbehaves at random and the adapter killed, every event is one task, in order for each person', async (t) => {
  behave = () => (Math.random() < 0.3 ? randomBehaviour() : 'well');
  const people = Array.from({ length: 8 }, (_, index) => `person-${index}`);
  const sent = new Map<string, string[]>(people.map((person) => [person, []]));
  for (let number = 0; number < EVENTS; number += 1) {
    const person = people[number % people.length] ?? 'person-0';
    sent.get(person)?.push(await plan(person));
    if (number === EVENTS / 2) {
      await adapter.kill();
      adapter = await runForce(bus, force, options);
    }
  }
  const all = [...sent.values()].flat();
  setTimeout(() => {
    behave = () => 'well';
  }, EVENTS * 100);
  await until(() => all.every((id) => taskOf(id) !== undefined), 'every event is a task', 60_000);
  const order = rms.tasks.map(({ reference }) => reference);
  assert.equal(new Set(order).size, order.length, 'an event became two tasks');
  for (const ids of sent.values())
    assert.deepEqual(
      order.filter((id) => ids.includes(id)),
      ids,
      'two events of one person changed places',
    );
  t.diagnostic(`${all.length} events, ${rms.came.length} requests, 1 kill`);
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { deadLetterRecord } from '@causeway/runtime/bus/dead-letter';
import { type DeliveryRecord, deliveryRecord } from '@causeway/runtime/bus/delivery-log';
import { eventId } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { encodeLedgerRecord, type LedgerRecord } from '@causeway/runtime/ledger/ledger-record';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createTestBus, type TestBus, testVariable } from '@causeway/testing/bus';
import { openStore, type Store } from '../store/store.ts';
import { type Following, followJourneys } from './follow.ts';

const log = createLogger('console', 'silent');
const stop = new AbortController();
const schema = `test_${randomBytes(6).toString('hex')}`;
let bus: TestBus;
let store: Store;
let following: Following | undefined;
let source = '';
let recipient = '';

const follow = () => {
  following = followJourneys({
    kafka: bus.kafka,
    store,
    organisations: { all: () => bus.organisations.map((id) => ({ id })) },
    log,
  });
};

before(async () => {
  bus = await createTestBus(2);
  [source = '', recipient = ''] = bus.organisations;
  store = openStore({ url: testVariable('DATABASE_URL'), schema, log, signal: stop.signal });
  await store.migrated;
  follow();
});
after(async () => {
  stop.abort();
  await following?.close();
  await store?.query(`drop schema ${schema} cascade`);
  await store?.close();
  await bus?.close();
});

const someEvent = () => eventId(['test'], randomBytes(8), 0);

const decided = (event: string, more: object = {}): LedgerRecord =>
  ({
    kind: 'decision',
    sequence: 0,
    previous: '',
    position: { topic: topicsOf(source).outbox, partition: 2, offset: 0 },
    decidedAt: new Date().toISOString(),
    agreementsOffset: 0,
    eventId: event,
    type: 'uk.causeway.police.missing-person.reported.v1',
    source: `/${source}/test`,
    tokens: [],
    otherTokens: [],
    occurredAt: new Date(Date.now() - 3_600_000).toISOString(),
    priority: 'immediate',
    classification: 'OFFICIAL',
    valueDigest: '',
    decisions: [
      { recipient, outcome: 'released', agreements: ['missing/1'] },
      { recipient: 'somebody-else', outcome: 'withheld', reason: 'not-active', agreements: ['other/1'] },
    ],
    ...more,
  }) as LedgerRecord;

const writeLedger = (owner: string, record: LedgerRecord, partition = 2) =>
  bus.producer.send([{ topic: topicsOf(owner).ledger, partition, value: encodeLedgerRecord(record) }]);
const writeDelivery = (record: DeliveryRecord) => bus.producer.send([deliveryRecord(recipient, record)]);

const attempt = (event: string, outcome: string, more: object = {}) =>
  ({
    kind: 'attempt',
    subscription: 'sink',
    position: '2-0',
    event,
    type: 'uk.causeway.police.missing-person.reported.v1',
    source: `/${source}/test`,
    outcome,
    code: 'ok',
    attempt: 1,
    durationMs: 3,
    at: new Date().toISOString(),
    ...more,
  }) as DeliveryRecord;

/** The rows of a query as soon as there are some. */
const until = async (sql: string, params: unknown[]) => {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    const rows = await store.query(sql, params);
    if (rows.length > 0) return rows;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing came of: ${sql}`);
};

test('a release is a journey, counted as flow beside what was withheld and why', async () => {
  const event = someEvent();
  await writeLedger(source, decided(event));
  const [journey] = await until('select * from journey where event_id = $1', [event]);
  assert.equal(journey?.recipient, recipient);
  assert.equal(journey?.partition, 2);
  assert.equal(journey?.priority, 'immediate');
  const flow = await store.query('select recipient, outcome, events from flow where source = $1 order by 1', [
    source,
  ]);
  assert.deepEqual(
    new Set(flow.map((row) => `${row.recipient}:${row.outcome}:${row.events}`)),
    new Set([':decided:1', `${recipient}:released:1`, 'somebody-else:not-active:1']),
  );
});

test('a delivery that is read before its ledger record still finds its journey', async () => {
  const event = someEvent();
  await writeDelivery(attempt(event, 'delivered', { position: '2-1' }));
  await until('select 1 from outcome where event_id = $1', [event]);
  await writeLedger(source, decided(event));
  await until('select 1 from journey where event_id = $1 and delivered_at is not null', [event]);
  const hours = await store.query(
    "select bucket from duration_day where agreement = 'missing' and leg = 'delivered'",
  );
  assert.deepEqual(
    hours.map(({ bucket }) => bucket),
    [47],
    'an hour is bucket 47',
  );
});

test('an acknowledgement from another ledger belongs to the event that it answers', async () => {
  const event = someEvent();
  await writeLedger(source, decided(event));
  const answer = {
    type: 'uk.causeway.exchange.acknowledgement.recorded.v1',
    source: `/${recipient}/test`,
    inResponseTo: `/${source}/${event}`,
    decisions: [],
  };
  await writeLedger(recipient, decided(someEvent(), answer));
  await until('select 1 from journey where event_id = $1 and acknowledged_at is not null', [event]);
});

test('a failing delivery is open until it ends, however it ends', async () => {
  const event = someEvent();
  await writeLedger(source, decided(event));
  await writeDelivery(attempt(event, 'retry', { position: '2-9', code: 'AE' }));
  await until("select 1 from open_delivery where position = '2-9' and code = 'AE'", []);
  await writeDelivery(attempt(event, 'refused', { position: '2-9', code: 'AR' }));
  await until("select 1 from journey where event_id = $1 and ended = 'dead-letter'", [event]);
  assert.deepEqual(await store.query('select 1 from open_delivery'), []);
});

test('what a client pulled counts as delivered by the time it was put into its inbox', async () => {
  const [early, late] = [someEvent(), someEvent()];
  const inbox = topicsOf(recipient).inbox;
  const put = (event: string) =>
    Promise.all([
      writeLedger(source, decided(event)),
      bus.producer.send([{ topic: inbox, partition: 2, value: Buffer.from(event) }]),
    ]);
  await put(early);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await put(late);
  await put(someEvent());
  await put(someEvent());
  const events = [{ first: '2-0', last: '2-0', count: 1 }];
  await writeDelivery({
    kind: 'page',
    client: 'reader',
    via: 'pull',
    events,
    withheld: 0,
    at: new Date().toISOString(),
  });
  await until('select 1 from journey where event_id = $1 and delivered_at is not null', [early]);
  assert.deepEqual(await store.query('select delivered_at from journey where event_id = $1', [late]), [
    { delivered_at: null },
  ]);
});

test('what came of a redrive counts, in whatever order it and “queued” are read', async () => {
  const ids = ['request-one', 'request-two'];
  await store.query(
    `insert into redrive (id, organisation, dead_letter, batch, asked_by, reason, asked_at)
     select id, $1, 1000, 'batch', 'a', 'why', now() from unnest($2::text[]) as id`,
    [recipient, ids],
  );
  const event = someEvent();
  const results = ids.map((redrive, i) =>
    deliveryRecord(recipient, attempt(event, 'delivered', { redrive, position: `3-${i}` })),
  );
  const queued = ids.map((request) =>
    deliveryRecord(recipient, {
      kind: 'redrive',
      request,
      deadLetter: 1_000,
      component: 'nhs-trust',
      outcome: 'queued',
      code: 'ok',
      at: new Date().toISOString(),
    }),
  );
  // One transaction of the producer: both are in the same answer of the broker, on partitions of their own.
  await bus.producer.send([...queued, ...results]);
  await until("select 1 from redrive where outcome = 'delivered' having count(*) = 2", []);
  await bus.producer.send(queued);
  await writeLedger(source, decided(event));
  await until('select 1 from journey where event_id = $1', [event]);
  assert.deepEqual(await store.query('select distinct outcome from redrive'), [{ outcome: 'delivered' }]);
});

test('a redrive that a subscriber asked the gateway for shows how its dead letter stands, in whatever order its records are read', async () => {
  const bury = async (): Promise<number> => {
    const [placed] = await bus.producer.send([
      deadLetterRecord(topicsOf(recipient).deadLetter, 'gateway', '0-1', {
        raw: Buffer.from([1]),
        reason: 'gave-up-time-out',
        attempts: 9,
      }),
    ]);
    return Number(placed?.offset);
  };
  const queued = (request: string, deadLetter: number) =>
    deliveryRecord(recipient, {
      kind: 'redrive',
      request,
      deadLetter,
      component: 'gateway',
      outcome: 'queued',
      code: 'ok',
      by: 'council-desk',
      at: new Date().toISOString(),
    });
  const ended = (redrive: string, deadLetter: number, outcome: string) =>
    deliveryRecord(recipient, attempt(someEvent(), outcome, { redrive, deadLetter, position: '5-0' }));
  const stands = (deadLetter: number, state: string) =>
    until('select 1 from dead_letter where organisation = $1 and "offset" = $2 and state = $3', [
      recipient,
      deadLetter,
      state,
    ]);

  const [one, two] = [await bury(), await bury()];
  await stands(two, 'waiting');
  await bus.producer.send([queued('of-a-subscriber-1', one)]);
  await stands(one, 'asked');
  await bus.producer.send([ended('of-a-subscriber-1', one, 'delivered')]);
  await stands(one, 'done');
  await bus.producer.send([ended('of-a-subscriber-2', two, 'gave-up')]);
  await stands(two, 'failed');
  await bus.producer.send([queued('of-a-subscriber-2', two)]);
  const [asked] = await until(
    "select asked_by, outcome from redrive where id = 'of-a-subscriber-2' and asked_by <> 'unknown'",
    [],
  );
  assert.deepEqual(asked, { asked_by: 'council-desk', outcome: 'gave-up' });
  await stands(two, 'failed');

  const next = two + 1;
  await bus.producer.send([ended('of-a-subscriber-3', next, 'delivered')]);
  await until("select 1 from redrive where id = 'of-a-subscriber-3' and outcome = 'delivered'", []);
  assert.equal(await bury(), next);
  await stands(next, 'done');
});

test('two systems of one organisation are counted apart', async () => {
  const type = 'uk.causeway.nhs.test.recorded.v1';
  await writeLedger(source, decided(someEvent(), { type, source: `/${source}/nhs-trust` }));
  await writeLedger(source, decided(someEvent(), { type, source: `/${source}/nhs-mesh` }));
  await until('select 1 from flow where type = $1 having count(distinct system) = 2', [type]);
  await writeDelivery(attempt(someEvent(), 'withheld', { position: '4-1', code: 'source-restricted' }));
  const [reader] = await until('select last_code from reader where partition = 4', []);
  assert.equal(reader?.last_code, 'withheld', 'that its source restricted it is not the recipient’s to know');
});

test('hostile records are passed over and the rest goes on', async () => {
  const event = someEvent();
  const hostile = [
    '{',
    'null',
    '[]',
    '{"kind":"attempt","subscription":"\\u0000","position":"1-1","at":"2026-01-01"}',
  ];
  for (const text of hostile) {
    await bus.producer.send([
      { topic: topicsOf(source).ledger, partition: 2, value: Buffer.from(text) },
      { topic: topicsOf(recipient).deliveries, partition: 0, value: Buffer.from(text) },
      {
        topic: topicsOf(source).deadLetter,
        partition: 0,
        value: Buffer.from(text),
        headers: { 'dl-reason': '<script>\u0000', 'dl-component': Buffer.from([0, 255]) },
      },
    ]);
  }
  await writeLedger(source, decided(event));
  await until('select 1 from journey where event_id = $1', [event]);
  const [letter] = await until('select component, reason from dead_letter where organisation = $1', [source]);
  assert.deepEqual(letter, { component: 'unknown', reason: 'no-reason-given' });
});

test('after a death it goes on where it was, and nothing is counted twice', async () => {
  await following?.close();
  const event = someEvent();
  await writeLedger(source, decided(event));
  const counted = async () =>
    Number((await store.query("select sum(events) as n from flow where outcome = 'released'"))[0]?.n);
  const before = await counted();
  follow();
  await until('select 1 from journey where event_id = $1', [event]);
  assert.equal(await counted(), before + 1);
});

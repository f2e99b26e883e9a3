import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testKafka, testVariable } from '@causeway/testing/bus';
import type { Admin, Kafka } from '../kafka/connect.ts';
import { topology } from './acls.ts';
import { AGREEMENTS_TOPIC, IDENTITY_LINKS_TOPIC, laneTransactionalId, topicsOf } from './topics.ts';

/** The broker, not our code, keeps one organisation out of what is another's. */
const A = 'test-org-a';
const B = 'test-org-b';
const REFUSED = { name: 'PermanentError', code: 'not-authorised' };

let kafka: Kafka;
let admin: Admin;
/** Logged in as organisation A. */
let own: Kafka;

before(async () => {
  kafka = testKafka();
  admin = await kafka.admin();
  const { topics, acls } = topology([A, B], { replicationFactor: 1, minInSyncReplicas: 1 });
  await admin.createTopics(topics);
  await admin.createAcls(acls);
  own = testKafka({ username: A, password: testVariable('ORG_A_PASSWORD') });
});

after(async () => {
  await own?.close();
  await kafka?.close();
});

const record = (topic: string) => ({ topic, key: 'k', value: Buffer.from('x') });
const read = (client: Kafka, topic: string) =>
  client.reader().fetch([{ topic, partition: 0, offset: 0 }], { maxWaitMs: 10 });

test('an organisation writes its outbox, dead letters, deliveries, interests and safeguards, reads its inbox, what was handed over of it, and what is for everybody', async () => {
  const mine = topicsOf(A);
  const producer = own.producer({ deliveryTimeoutMs: 5_000 });
  for (const topic of [mine.outbox, mine.deadLetter, mine.deliveries, mine.interests, mine.safeguards])
    assert.equal((await producer.send([record(topic)])).length, 1);
  for (const topic of [
    mine.inbox,
    mine.deadLetter,
    mine.redrive,
    mine.deliveries,
    'agreements',
    'organisations',
    'checkpoints',
  ])
    assert.equal((await read(own, topic)).length, 1);
});

test('an organisation is refused everything else, in the outbox or inbox of another and in every ledger', async () => {
  const [mine, other] = [topicsOf(A), topicsOf(B)];
  const forbidden = [
    ...Object.values(other),
    mine.inbox,
    mine.ledger,
    mine.redrive,
    AGREEMENTS_TOPIC,
    'organisations',
    'lanes',
    'ledger.console',
    'checkpoints',
    IDENTITY_LINKS_TOPIC,
  ];
  const producer = own.producer({ deliveryTimeoutMs: 5_000 });
  for (const topic of forbidden)
    await assert.rejects(producer.send([{ ...record(topic), partition: 0 }]), REFUSED, `wrote ${topic}`);
  await assert.rejects(producer.send([record(other.outbox)]), REFUSED, 'by key');
  const unreadable = [
    ...Object.values(other),
    mine.outbox,
    mine.ledger,
    mine.interests,
    mine.safeguards,
    'ledger.console',
    'lanes',
    IDENTITY_LINKS_TOPIC,
  ];
  for (const topic of unreadable) await assert.rejects(read(own, topic), REFUSED, `read ${topic}`);
  const [bounds] = await kafka.reader().bounds(other.outbox, [0]);
  assert.equal(bounds?.end, 0, 'the outbox of the other is as it was');
});

test('a refused topic leaves the connection and the sends beside it in order', async () => {
  const producer = own.producer({ deliveryTimeoutMs: 5_000 });
  const reader = own.reader();
  const refused = producer.send([{ ...record(topicsOf(B).outbox), partition: 0 }]);
  const keyed = producer.send([record(topicsOf(B).inbox)]);
  const good = producer.send([record(topicsOf(A).outbox)]);
  const outcomes = await Promise.allSettled([refused, keyed, good]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  );
  await assert.rejects(reader.bounds(topicsOf(B).outbox, [0]), REFUSED);
  assert.equal((await reader.bounds(topicsOf(A).inbox, [0])).length, 1);
});

test('an organisation cannot take a lane from the exchange, make topics or delete records', async () => {
  const began = performance.now();
  await assert.rejects(own.writer(laneTransactionalId(0)), REFUSED);
  assert.ok(performance.now() - began < 5_000, 'refused at once and not tried again');
  const theirs = await own.admin();
  const topic = { topic: 'outbox.made-up', partitions: 1, replicationFactor: 1, config: {} };
  await assert.rejects(theirs.createTopics([topic]), REFUSED);
  await assert.rejects(theirs.deleteTopics([topicsOf(A).outbox]), REFUSED);
  const { acls } = topology([A], { replicationFactor: 1, minInSyncReplicas: 1 });
  await assert.rejects(theirs.createAcls(acls), REFUSED);
  const offsets = [{ topic: topicsOf(A).inbox, partition: 0, offset: 1 }];
  await own.commitOffsets(`${A}.reading`, offsets);
  await assert.rejects(own.commitOffsets(`${B}.reading`, offsets), REFUSED);
  await assert.rejects(own.commitOffsets('exchange', offsets), REFUSED);
});

test('a wrong password is refused with the settings to look at, and never shown', async () => {
  const wrong = testKafka({ username: A, password: 'not-the-password' });
  await assert.rejects(wrong.reader().bounds(topicsOf(A).inbox, [0]), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'kafka-log-in');
    assert.match(error.message, /KAFKA_USERNAME and KAFKA_PASSWORD/);
    assert.doesNotMatch(`${error.stack}`, /not-the-password/);
    return true;
  });
  await wrong.close();
});

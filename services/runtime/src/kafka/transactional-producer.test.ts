import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import {
  API,
  acceptForgotten,
  type BrokerProxy,
  forgetTransactions,
  onceOnly,
  startBrokerProxy,
} from '@causeway/testing/broker-proxy';
import { testKafka } from '@causeway/testing/bus';
import { topology } from '../bus/acls.ts';
import { RetryableError } from '../errors.ts';
import type { Admin, Kafka } from './connect.ts';
import { type Reader, readToEnd } from './reader.ts';
import type { TransactionalProducer } from './transactional-producer.ts';

let kafka: Kafka;
let admin: Admin;
let reader: Reader;
let proxy: BrokerProxy;
let behind: Kafka;

before(async () => {
  kafka = testKafka();
  admin = await kafka.admin();
  reader = kafka.reader();
  proxy = await startBrokerProxy();
  behind = testKafka({ broker: proxy.broker });
  await acceptForgotten(true);
});

afterEach(() => {
  proxy.onRequest(() => 'pass');
  proxy.thaw();
});

after(async () => {
  await acceptForgotten(false);
  await behind?.close();
  await kafka?.close();
  await proxy?.close();
});

const fresh = (kind: string) => `test.${kind}.${randomBytes(6).toString('hex')}`;

const createTopic = async (partitions = 1, config: Record<string, string> = {}): Promise<string> => {
  const topic = fresh('topic');
  await admin.createTopics([{ topic, partitions, replicationFactor: 1, config }]);
  return topic;
};

/** A commit is answered when it is certain; that readers see it follows in a moment. */
const assertValues = async (topic: string, expected: string[], partition = 0): Promise<void> => {
  const deadline = Date.now() + 10_000;
  let values = await valuesOf(topic, partition);
  while (values.length < expected.length && Date.now() < deadline) values = await valuesOf(topic, partition);
  assert.deepEqual(values, expected);
};

const valuesOf = async (topic: string, partition = 0): Promise<string[]> => {
  const values: string[] = [];
  for await (const { value } of readToEnd(reader, { topic, partition }, 0)) values.push(String(value));
  return values;
};

const record = (topic: string, value: string, partition = 0) => ({
  topic,
  partition,
  value: Buffer.from(value),
});

const refuse = () => {
  throw new TypeError('not now');
};

test('a transaction is seen whole or not at all, and an abort before the commit leaves the writer usable', async () => {
  const topic = await createTopic(2);
  const writer = await kafka.writer(fresh('writer'));
  await writer.write([record(topic, 'a'), record(topic, 'b', 1)]);
  await assert.rejects(writer.write([record(topic, 'never'), record(topic, 'never', 1)], refuse), TypeError);
  await writer.write([record(topic, 'c')], () => undefined);
  await assert.rejects(writer.write([record(topic, 'never')], refuse), TypeError);
  await writer.write([record(topic, 'd', 1)]);
  await assertValues(topic, ['a', 'c'], 0);
  await assertValues(topic, ['b', 'd'], 1);
  await writer.close();
});

test('nothing is visible before the commit', async () => {
  const topic = await createTopic();
  const writer = await kafka.writer(fresh('writer'));
  await writer.write([record(topic, 'a')]);
  let reading: Promise<string[]> | null = null;
  await writer.write([record(topic, 'b')], () => {
    reading = valuesOf(topic);
  });
  const seen = (await reading) ?? [];
  assert.ok(['a', 'a,b'].includes(String(seen)));
  await writer.close();
});

test('opening a writer fences the one before it, whose next transaction leaves nothing', async () => {
  const topic = await createTopic();
  const id = fresh('writer');
  const first = await kafka.writer(id);
  await first.write([record(topic, 'a')]);
  const second = await kafka.writer(id);
  await assert.rejects(first.write([record(topic, 'never')]), { code: 'fenced' });
  await assert.rejects(first.write([record(topic, 'never')]), { code: 'writer-broken' });
  await second.write([record(topic, 'b')]);
  await assertValues(topic, ['a', 'b']);
  await Promise.all([first.close(), second.close()]);
});

test('a writer that is fenced while its transaction is open cannot commit it', async () => {
  const topic = await createTopic();
  const id = fresh('writer');
  const first = await behind.writer(id);
  await first.write([record(topic, 'a')]);
  let opened: Promise<void> = Promise.resolve();
  let holding = true;
  proxy.onRequest((apiKey) => {
    if (apiKey !== API.endTxn || !holding) return 'pass';
    holding = false;
    // The commit never arrives; before it is tried again another writer takes over.
    opened = kafka.writer(id).then((second) => second.close());
    return 'cut-before';
  });
  const written = first.write([record(topic, 'b')]).then(
    () => 'committed',
    (error) => error.code,
  );
  const outcome = await written;
  await opened;
  await assertValues(topic, outcome === 'committed' ? ['a', 'b'] : ['a']);
  if (outcome !== 'committed') assert.equal(outcome, 'fenced');
  await first.close();
});

test('a commit whose answer is lost with the connection is asked again and counts once', async () => {
  const topic = await createTopic();
  const writer = await behind.writer(fresh('writer'));
  for (const [value, fate] of [
    ['a', 'cut-after-answer'],
    ['b', 'cut-before'],
    ['c', 'cut-after-answer'],
  ] as const) {
    proxy.onRequest(onceOnly(API.endTxn, fate));
    await writer.write([record(topic, value)]);
  }
  proxy.onRequest(onceOnly(API.produce, 'cut-after-answer'));
  await writer.write([record(topic, 'd')]);
  await assertValues(topic, ['a', 'b', 'c', 'd']);
  await writer.close();
});

test('a writer whose broker stands still gives up within its limit, and the next writer settles the outcome', async () => {
  const topic = await createTopic();
  const id = fresh('writer');
  const writer = await behind.writer(id);
  await writer.write([record(topic, 'a')]);
  const began = performance.now();
  await assert.rejects(
    writer.write([record(topic, 'open')], () => proxy.freeze()),
    RetryableError,
  );
  assert.ok(performance.now() - began < 9_500);
  await writer.close();
  const next = await kafka.writer(id);
  await next.write([record(topic, 'b')]);
  await assertValues(topic, ['a', 'b']);
  await next.close();
});

/** Its transactions are ended in every partition: an open waits for that. */
const reopened = async (writer: TransactionalProducer, id: string): Promise<TransactionalProducer> => {
  await writer.close();
  return behind.writer(id);
};

for (const committed of [true, false])
  test(`what a broker forgot to end is ${committed ? 'committed' : 'taken back'} in every partition when the next writer settles it`, async () => {
    const topic = await createTopic(2);
    const id = fresh('writer');
    const first = await behind.writer(id);
    await first.write([record(topic, 'a'), record(topic, 'a', 1)]);
    const second = await reopened(first, id);
    proxy.onRequest(forgetTransactions);
    await second.write([record(topic, 'left'), record(topic, 'left', 1)]);
    await second.close();
    const next = await kafka.writer(id);
    const partitions = [0, 1].map((partition) => ({ topic, partition }));
    const open = await next.settle(partitions, () => committed);
    assert.deepEqual(
      open.map(({ records }) => records.map(({ value }) => String(value))),
      [['left'], ['left']],
    );
    assert.deepEqual(await next.settle(partitions, () => assert.fail()), []);
    await next.write([record(topic, 'b')]);
    await assertValues(topic, committed ? ['a', 'left', 'b'] : ['a', 'b']);
    await assertValues(topic, committed ? ['a', 'left'] : ['a'], 1);
    await next.close();
  });

test('a writer that has lost its connection writes nothing behind a transaction that the broker forgot to end', async () => {
  const topic = await createTopic();
  const id = fresh('writer');
  const first = await behind.writer(id);
  await first.write([record(topic, 'a')]);
  const writer = await reopened(first, id);
  proxy.onRequest(forgetTransactions);
  await writer.write([record(topic, 'left')]);
  proxy.onRequest(() => 'pass');
  proxy.cut();
  // Which of the two depends on when it hears of the loss.
  await assert.rejects(writer.write([record(topic, 'behind')]), ({ code }: { code?: string }) =>
    ['connection-lost', 'left-open'].includes(code ?? ''),
  );
  await assert.rejects(writer.write([record(topic, 'behind')]), { code: 'writer-broken' });
  await writer.close();
  const next = await kafka.writer(id);
  await next.settle([{ topic, partition: 0 }], () => true);
  await next.write([record(topic, 'b')]);
  await assertValues(topic, ['a', 'left', 'b']);
  await next.close();
});

test('where a write is to be visible, one that nobody can read is not taken for done', async () => {
  const topic = await createTopic();
  const writer = await behind.writer(fresh('writer'), { visible: true });
  await writer.write([record(topic, 'a')]);
  assert.deepEqual(await valuesOf(topic), ['a']);
  proxy.onRequest(forgetTransactions);
  await assert.rejects(writer.write([record(topic, 'left')]), { code: 'left-open' });
  await writer.close();
});

test('a transaction of several megabytes is cut into batches that the topic takes', async () => {
  const topic = await createTopic(2, { 'max.message.bytes': '1000000' });
  const writer = await kafka.writer(fresh('writer'));
  const values = Array.from({ length: 300 }, (_, index) => `${index} ${'x'.repeat(20_000)}`);
  await writer.write(values.map((value, index) => record(topic, value, index % 2)));
  await assertValues(
    topic,
    values.filter((_, index) => index % 2 === 0),
    0,
  );
  await assertValues(
    topic,
    values.filter((_, index) => index % 2 === 1),
    1,
  );
  await writer.close();
});

test('a reader passes over markers and aborted records of transactions that lie between each other', async () => {
  const topic = await createTopic();
  const producer = kafka.producer();
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => kafka.writer(fresh('writer'))));
  assert.ok(one && two && three);
  const started: Promise<unknown>[] = [];
  // Each begins the next one while its own transaction is open.
  await assert.rejects(
    one.write([record(topic, 'aborted 1')], () => {
      started.push(
        two.write([record(topic, 'committed 2')], () => {
          started.push(producer.send([{ topic, partition: 0, key: Buffer.from([0, 0, 0, 0]), value: null }]));
          started.push(assert.rejects(three.write([record(topic, 'aborted 3')], refuse), TypeError));
        }),
      );
      refuse();
    }),
    TypeError,
  );
  while (started.length > 0) await started.shift();
  await one.write([record(topic, 'committed 1')]);
  await three.write([record(topic, 'committed 3')]);
  await assert.rejects(two.write([record(topic, 'aborted 2')], refuse), TypeError);
  await two.write([record(topic, 'last')]);
  const deadline = Date.now() + 10_000;
  let values = await valuesOf(topic);
  while (values.at(-1) !== 'last' && Date.now() < deadline) values = await valuesOf(topic);
  assert.deepEqual([...values].sort(), ['committed 1', 'committed 2', 'committed 3', 'last', 'null']);
  const [bounds] = await reader.bounds(topic, [0]);
  let offset = 0;
  const seen: string[] = [];
  while (offset < (bounds?.end ?? 0)) {
    const [fetched] = await reader.fetch([{ topic, partition: 0, offset }], {
      maxWaitMs: 100,
      partitionMaxBytes: 1,
    });
    assert.ok(fetched && fetched.next > offset, 'every answer moves on');
    seen.push(...fetched.records.map(({ value }) => String(value)));
    offset = fetched.next;
  }
  assert.deepEqual(seen, values, 'one batch at a time as well');
  await Promise.all([one, two, three, producer].map((part) => part.close()));
});

test('a record of a user whose key looks like an abort marker aborts nothing', async () => {
  const topic = await createTopic();
  const writer = await kafka.writer(fresh('writer'));
  const key = Buffer.from([0, 0, 0, 0]);
  await writer.write([{ ...record(topic, 'a'), key }, record(topic, 'b')]);
  await writer.write([{ ...record(topic, 'c'), key: Buffer.from([0, 0, 0, 1]) }]);
  await assertValues(topic, ['a', 'b', 'c']);
  await writer.close();
});

test('a position outside the log of one partition leaves the records of the others alone', async () => {
  const topic = await createTopic(3);
  const producer = kafka.producer();
  await producer.send([0, 1, 2].flatMap((p) => [record(topic, `${p}a`, p), record(topic, `${p}b`, p)]));
  await admin.deleteRecords(topic, [{ partition: 1, offset: 2 }]);
  const answers = await reader.fetch(
    [
      { topic, partition: 0, offset: 1 },
      { topic, partition: 1, offset: 0 },
      { topic, partition: 2, offset: 99 },
    ],
    { maxWaitMs: 1_000 },
  );
  const seen = new Map(answers.map(({ partition, ...rest }) => [partition, rest]));
  assert.deepEqual(
    seen.get(0)?.records.map(({ value }) => String(value)),
    ['0b'],
  );
  assert.deepEqual([seen.get(1)?.outOfRange, seen.get(2)?.outOfRange], [true, true]);
  assert.deepEqual([seen.get(0)?.next, seen.get(0)?.endOffset], [2, 2]);
  assert.deepEqual(await reader.bounds(topic, [0, 1]), [
    { partition: 0, start: 0, end: 2 },
    { partition: 1, start: 2, end: 2 },
  ]);
  await producer.close();
});

test('topics are written and read the moment they are created, eight at once', async (t) => {
  const id = `org-${randomBytes(4).toString('hex')}`;
  const all = topology([id], { replicationFactor: 1, minInSyncReplicas: 1 }).topics;
  const topics = all.filter(({ topic }) => topic.endsWith(id));
  const created = await admin.createTopics(topics);
  assert.equal(created.length, topics.length);
  assert.deepEqual(await admin.createTopics(topics), []);
  const other = testKafka();
  t.after(() => other.close());
  const producer = other.producer({ deliveryTimeoutMs: 3_000 });
  await producer.send(created.map((topic) => ({ ...record(topic, 'first'), key: 'k' })));
  const own = other.reader();
  for (const topic of created) assert.equal((await own.bounds(topic, [0]))[0]?.end, 1);
});

test('a topic that is deleted does not keep its readers and writers from other topics', async () => {
  const [gone, other] = [await createTopic(), await createTopic()];
  const own = kafka.reader();
  const producer = kafka.producer({ deliveryTimeoutMs: 3_000 });
  await producer.send([record(gone, 'a')]);
  await own.fetch([{ topic: gone, partition: 0, offset: 0 }], { maxWaitMs: 10 });
  await admin.deleteTopics([gone]);
  const asked = { topic: gone, partition: 0, offset: 0 };
  await assert.rejects(own.fetch([asked], { maxWaitMs: 10 }), RetryableError);
  assert.equal((await own.bounds(other, [0]))[0]?.end, 0);
  assert.equal((await producer.send([record(other, 'b')]))[0]?.offset, 0);
  await assert.rejects(own.bounds(gone, [0]), RetryableError);
  assert.equal((await own.bounds(other, [0]))[0]?.end, 1);
  assert.equal((await producer.send([{ topic: await createTopic(), key: 'k', value: null }]))[0]?.offset, 0);
  await Promise.all([own.close(), producer.close()]);
});

test('a time is turned into the first position at or after it, or the end', async () => {
  const topic = await createTopic(1, { 'message.timestamp.type': 'LogAppendTime' });
  const producer = kafka.producer();
  await producer.send([record(topic, 'a')]);
  const [answer] = await reader.fetch([{ topic, partition: 0, offset: 0 }], { maxWaitMs: 500 });
  const time = answer?.records[0]?.timestamp ?? 0;
  assert.deepEqual(await reader.atTime(topic, [0], time), [{ topic, partition: 0, offset: 0 }]);
  assert.deepEqual(await reader.atTime(topic, [0], time + 60_000), [{ topic, partition: 0, offset: 1 }]);
  await producer.close();
});

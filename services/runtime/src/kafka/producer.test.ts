import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { API, type BrokerProxy, onceOnly, startBrokerProxy } from '@causeway/testing/broker-proxy';
import { testKafka } from '@causeway/testing/bus';
import { isPermanent, RetryableError } from '../errors.ts';
import type { Position } from './broker-client.ts';
import type { Kafka } from './connect.ts';
import { type Reader, readToEnd } from './reader.ts';

let kafka: Kafka;
let reader: Reader;
let proxy: BrokerProxy;
/** The same broker, behind the proxy. */
let behind: Kafka;

const connectBehindProxy = (): Kafka => testKafka({ broker: proxy.broker });

before(async () => {
  kafka = testKafka();
  reader = kafka.reader();
  proxy = await startBrokerProxy();
  behind = connectBehindProxy();
});

afterEach(() => {
  proxy.onRequest(() => 'pass');
  proxy.thaw();
});

after(async () => {
  await behind?.close();
  await kafka?.close();
  await proxy?.close();
});

const createTopic = async (partitions = 1, config: Record<string, string> = {}): Promise<string> => {
  const topic = `test.${randomBytes(6).toString('hex')}`;
  const admin = await kafka.admin();
  await admin.createTopics([{ topic, partitions, replicationFactor: 1, config }]);
  await admin.close();
  return topic;
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

for (const fate of ['lose-answer', 'cut-after-answer', 'cut-before'] as const)
  test(`concurrent sends are each in the log once and in order when a produce request meets ${fate}`, async () => {
    const topic = await createTopic();
    const producer = behind.producer({ deliveryTimeoutMs: fate === 'lose-answer' ? 1_500 : 20_000 });
    await producer.send([record(topic, 'first')]);
    proxy.onRequest(onceOnly(API.produce, fate));
    // Two batches of one record each: what the client's own producer loses.
    const one = producer.send([record(topic, 'one')]).catch(String);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    const others = ['two', 'three'].map((value) => producer.send([record(topic, value)]));
    const [outcome, ...positions] = await Promise.all([one, ...others]);
    const log = await valuesOf(topic);
    await producer.close();
    if (fate === 'lose-answer') {
      assert.match(String(outcome), /RetryableError/, 'rejected: nobody knows that it arrived');
      assert.deepEqual(log, ['first', 'one', 'two', 'three']);
    } else {
      assert.deepEqual(outcome, [{ topic, partition: 0, offset: 1 }]);
      assert.deepEqual(log, ['first', 'one', 'two', 'three']);
    }
    for (const [index, value] of ['two', 'three'].entries())
      assert.equal(log[(positions[index] as Position[])[0]?.offset ?? -1], value, 'acknowledged where it is');
  });

test('every acknowledged record is in the log once and in the order of the calls, through many cuts', async () => {
  const topic = await createTopic(3);
  const producer = behind.producer();
  let requests = 0;
  proxy.onRequest((apiKey) => {
    if (apiKey !== API.produce) return 'pass';
    requests += 1;
    return requests % 3 === 1 ? 'cut-after-answer' : requests % 7 === 2 ? 'cut-before' : 'pass';
  });
  const acknowledged: string[][] = [[], [], []];
  const sendOne = async (value: string, partition: number) => {
    const [position] = await producer.send([record(topic, value, partition)]);
    acknowledged[partition]?.push(value);
    return position;
  };
  for (let round = 0; round < 12; round += 1)
    await Promise.all(Array.from({ length: 9 }, (_, index) => sendOne(`${round}-${index}`, index % 3)));
  await producer.close();
  for (const partition of [0, 1, 2])
    assert.deepEqual(await valuesOf(topic, partition), acknowledged[partition]);
  assert.ok(requests > 12, 'some were sent again');
});

test('after a rejected send the producer has a new identity, and a send of the same length is not taken for a repeat', async () => {
  const topic = await createTopic();
  const producer = behind.producer({ deliveryTimeoutMs: 600 });
  await producer.send([record(topic, 'a')]);
  const identities = proxy.count(API.initProducerId);
  proxy.onRequest(onceOnly(API.produce, 'lose-answer'));
  await assert.rejects(producer.send([record(topic, 'b')]), RetryableError);
  const [position] = await producer.send([record(topic, 'c')]);
  assert.deepEqual(await valuesOf(topic), ['a', 'b', 'c']);
  assert.equal(position?.offset, 2);
  assert.equal(proxy.count(API.initProducerId), identities + 1);
  await producer.close();
});

test('a broker that stands still costs a send its delivery time-out and no more, and the producer goes on after it', async () => {
  const topic = await createTopic();
  const producer = behind.producer({ deliveryTimeoutMs: 700 });
  await producer.send([record(topic, 'a')]);
  proxy.freeze();
  for (const value of ['b', 'c']) {
    const began = performance.now();
    await assert.rejects(producer.send([record(topic, value)]), RetryableError);
    const took = performance.now() - began;
    assert.ok(took > 500 && took < 2_000, `took ${took} ms`);
  }
  proxy.thaw();
  await producer.send([record(topic, 'd')]);
  assert.equal((await valuesOf(topic)).filter((value) => value === 'd').length, 1);
  await producer.close();
});

test('closing does not wait for a broker that stands still', async () => {
  const topic = await createTopic();
  const own = behind.reader();
  await own.bounds(topic, [0]);
  const fetching = own.fetch([{ topic, partition: 0, offset: 0 }], { maxWaitMs: 20_000 });
  proxy.freeze();
  const began = performance.now();
  await Promise.all([own.close(), assert.rejects(fetching, RetryableError)]);
  assert.ok(performance.now() - began < 1_000);
  await assert.rejects(own.bounds(topic, [0]), { code: 'kafka-closed' });
});

test('a topic that is missing or too small for a record fails only the sends to it', async () => {
  const topic = await createTopic();
  const small = await createTopic(1, { 'max.message.bytes': '1000' });
  const producer = kafka.producer({ deliveryTimeoutMs: 800 });
  const missing = producer.send([record('test.is-not-there', 'x')]);
  const keyed = producer.send([{ topic: 'test.is-not-there-either', key: 'k', value: null }]);
  const large = producer.send([record(small, 'x'.repeat(2_000))]);
  const good = producer.send([record(topic, 'good')]);
  const outcomes = Promise.allSettled([missing, keyed, large]);
  assert.deepEqual(await Promise.race([outcomes, good]), [{ topic, partition: 0, offset: 0 }]);
  const codes = (await outcomes).map((outcome) => (outcome.status === 'rejected' ? outcome.reason.name : ''));
  assert.deepEqual(codes, ['RetryableError', 'RetryableError', 'PermanentError']);
  const [next] = await producer.send([{ topic, key: 'k', value: Buffer.from('after') }]);
  assert.equal(next?.offset, 1);
  await producer.close();
});

test('one call of many records and several batches keeps their order and answers with every position', async () => {
  const topic = await createTopic();
  const producer = kafka.producer({ maxBatchBytes: 2_000 });
  const values = Array.from({ length: 3_000 }, (_, index) => `${index} ${'x'.repeat(20)}`);
  const positions = await producer.send(values.map((value) => record(topic, value)));
  assert.deepEqual(
    positions.map(({ offset }) => offset),
    values.map((_, index) => index),
  );
  assert.deepEqual(await valuesOf(topic), values);
  await producer.close();
});

test('too large a record, too much waiting and a closed producer are refused at once', async () => {
  const topic = await createTopic();
  const producer = kafka.producer({ maxRecordBytes: 1_000, maxPendingBytes: 900 });
  await assert.rejects(producer.send([record(topic, 'x'.repeat(1_000))]), isPermanent);
  const first = producer.send([record(topic, 'x'.repeat(800))]);
  await assert.rejects(producer.send([record(topic, 'x'.repeat(800))]), { code: 'producer-full' });
  await first;
  await producer.close();
  await assert.rejects(producer.send([record(topic, 'x')]), { code: 'producer-closed' });
});

test('an idle producer starts no timers', async () => {
  const topic = await createTopic();
  const producer = behind.producer();
  await producer.send([record(topic, 'a')]);
  const started: string[] = [];
  const hook = createHook({
    init: (_, type) => {
      if (type === 'Timeout') started.push(type);
    },
  });
  hook.enable();
  await delay(400);
  hook.disable();
  assert.ok(started.length <= 2, `${started.length} timers in 400 ms`);
  await producer.close();
});

test('many calls that begin at once share one connection, and closing leaves none open', async () => {
  const topic = await createTopic(3);
  await behind.close();
  await proxy.allClosed();
  behind = connectBehindProxy();
  const own = behind.reader();
  await Promise.all(Array.from({ length: 30 }, () => own.bounds(topic, [0, 1, 2])));
  assert.equal(proxy.openSockets(), 1);
  const limits = { maxWaitMs: 10 };
  await Promise.all(
    Array.from({ length: 10 }, () => own.fetch([{ topic, partition: 0, offset: 0 }], limits)),
  );
  assert.equal(proxy.openSockets(), 2, 'fetches have a connection of their own');
  await own.close();
  await proxy.allClosed();
});

test('requests that fail together leave no connection behind', async () => {
  const topic = await createTopic();
  const own = behind.reader();
  await own.bounds(topic, [0]);
  const ask = () => own.fetch([{ topic, partition: 0, offset: 0 }], { maxWaitMs: 500 }).catch(() => null);
  const asking = Array.from({ length: 8 }, ask);
  proxy.onRequest(onceOnly(API.fetch, 'cut-after-answer'));
  await Promise.all([...asking, ask()]);
  await Promise.all(Array.from({ length: 8 }, () => own.bounds(topic, [0]).catch(() => null)));
  await own.close();
  await proxy.allClosed();
});

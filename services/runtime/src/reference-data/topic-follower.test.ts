import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { after, before, mock, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type BrokerProxy, startBrokerProxy } from '@causeway/testing/broker-proxy';
import { testKafka } from '@causeway/testing/bus';
import type { FetchedPartition, FetchedRecord } from '../kafka/broker-client.ts';
import type { Kafka } from '../kafka/connect.ts';
import type { Reader } from '../kafka/reader.ts';
import { createLogger } from '../telemetry/log.ts';
import { followTopics } from './topic-follower.ts';

const log = createLogger('test', 'fatal');

const followTopic = (kafka: Pick<Kafka, 'reader'>, topic: string, apply: (record: FetchedRecord) => void) =>
  followTopics(kafka, { name: 'test', topics: () => [topic], apply: (_, record) => apply(record), log });

let kafka: Kafka;
let proxy: BrokerProxy;
let behind: Kafka;

before(async () => {
  kafka = testKafka();
  proxy = await startBrokerProxy();
  behind = testKafka({ broker: proxy.broker });
});

after(async () => {
  await behind?.close();
  await kafka?.close();
  await proxy?.close();
});

const createTopic = async (): Promise<string> => {
  const topic = `test.${randomBytes(6).toString('hex')}`;
  const admin = await kafka.admin();
  await admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, config: {} }]);
  await admin.close();
  return topic;
};

/** Collects what is applied, and can be waited for. */
const collector = () => {
  const seen: string[] = [];
  const events = new EventEmitter();
  return {
    seen,
    apply: ({ value }: { value: Buffer | null }) => {
      seen.push(String(value));
      events.emit('applied');
      if (String(value) === 'unreadable') throw new TypeError('unreadable');
    },
    until: async (count: number) => {
      while (seen.length < count) await once(events, 'applied');
    },
  };
};

const until = async (condition: () => boolean) => {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, 'it did not come about within 20 s');
    await delay(10);
  }
};

const values = (topic: string, texts: string[]) =>
  texts.map((text) => ({ topic, partition: 0, value: Buffer.from(text) }));

test('every record is applied once and in order, from the start on, past one that cannot be applied', async () => {
  const topic = await createTopic();
  const producer = kafka.producer();
  await producer.send(values(topic, ['a', 'unreadable', 'b']));
  const { seen, apply, until: untilSeen } = collector();
  const follower = followTopic(kafka, topic, apply);
  await follower.caughtUp;
  assert.deepEqual(seen, ['a', 'unreadable', 'b']);
  assert.equal(follower.offset(topic), 3);
  assert.equal(follower.freshWithin(750), true);
  await producer.send(values(topic, ['c']));
  await untilSeen(4);
  assert.deepEqual(seen, ['a', 'unreadable', 'b', 'c']);
  await follower.close();
  await producer.close();
});

test('a change is applied in well under a second', async () => {
  const topic = await createTopic();
  const producer = kafka.producer();
  const { apply, until: untilSeen } = collector();
  const follower = followTopic(kafka, topic, apply);
  await follower.caughtUp;
  const took: number[] = [];
  for (let count = 1; count <= 10; count += 1) {
    const began = performance.now();
    await producer.send(values(topic, [`${count}`]));
    await untilSeen(count);
    took.push(performance.now() - began);
  }
  assert.ok((took.sort((a, b) => a - b)[5] ?? 0) < 300, `median ${took[5]} ms`);
  await follower.close();
  await producer.close();
});

test('behind a broker that stands still nothing is fresh, and afterwards nothing is lost or applied twice', async () => {
  const topic = await createTopic();
  const producer = kafka.producer();
  await producer.send(values(topic, ['a']));
  const { seen, apply, until: untilSeen } = collector();
  const follower = followTopic(behind, topic, apply);
  await follower.caughtUp;
  proxy.freeze();
  await until(() => !follower.freshWithin(750));
  await producer.send(values(topic, ['b']));
  assert.deepEqual(seen, ['a']);
  proxy.thaw();
  await untilSeen(2);
  await until(() => follower.freshWithin(750));
  assert.deepEqual(seen, ['a', 'b']);
  proxy.freeze();
  const began = performance.now();
  await follower.close();
  assert.ok(performance.now() - began < 1_000, 'closing does not wait for the broker');
  proxy.thaw();
  await producer.close();
});

/** A follower of a broker that gives these answers and then none. */
const followScript = (answers: Partial<FetchedPartition>[]) => {
  const asked: number[] = [];
  const silence = new EventEmitter();
  const reader = {
    fetch: async ([position]: { offset: number }[]) => {
      asked.push(position?.offset ?? -1);
      const answer = answers.shift();
      if (!answer) {
        silence.emit('silent');
        await once(silence, 'end');
        return [];
      }
      return [{ topic: 't', partition: 0, records: [], outOfRange: false, ...answer }];
    },
    bounds: async () => [{ partition: 0, start: 7, end: 9 }],
    close: async () => void silence.emit('end'),
  } as unknown as Reader;
  const follower = followTopic({ reader: () => reader } as Kafka, 't', () => {});
  return { follower, asked, silent: once(silence, 'silent') };
};

test('an answer of nothing but aborted records is not the end of the topic', async () => {
  const { follower, asked, silent } = followScript([{ next: 5, endOffset: 10 }]);
  await silent;
  assert.equal(follower.freshWithin(60_000), false);
  assert.deepEqual(asked, [0, 5]);
  await follower.close();
});

test('an answer without anything new is the end, also where compaction has taken the last records', async () => {
  const { follower, silent } = followScript([
    { next: 5, endOffset: 10 },
    { next: 5, endOffset: 10 },
  ]);
  await silent;
  await follower.caughtUp;
  assert.equal(follower.freshWithin(60_000), true);
  await follower.close();
});

test('a clock that is set back does not make an old answer fresh', async () => {
  const { follower, silent } = followScript([{ next: 0, endOffset: 0 }]);
  await silent;
  assert.equal(follower.freshWithin(5_000), true);
  mock.timers.enable({ apis: ['Date'], now: Date.now() - 3_600_000 });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(follower.freshWithin(0), false);
  mock.timers.setTime(Date.now() + 7_200_000);
  assert.equal(follower.freshWithin(5_000), false, 'nor does one that was set forward keep it');
  mock.timers.reset();
  await follower.close();
});

test('where the head of the topic is gone the follower goes on at its new start', async () => {
  const { follower, asked, silent } = followScript([{ next: 0, endOffset: -1, outOfRange: true }]);
  await silent;
  assert.deepEqual(asked, [0, 7]);
  assert.equal(follower.freshWithin(60_000), false);
  await follower.close();
});

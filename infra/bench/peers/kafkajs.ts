import { randomUUID } from 'node:crypto';
import type { Kafka as Bus } from '@causeway/runtime/kafka/connect';
import kafkajs from 'kafkajs';

const RECORDS = 50_000;
const PER_SEND = 1_000;
const TOPIC = 'bench.kafkajs';

type Headers = Record<string, string | Buffer>;
type Access = { KAFKA_BROKERS: string; KAFKA_USERNAME: string; KAFKA_PASSWORD: string };

const connect = (access: Access) =>
  new kafkajs.Kafka({
    clientId: 'peer',
    brokers: access.KAFKA_BROKERS.split(','),
    sasl: { mechanism: 'scram-sha-512', username: access.KAFKA_USERNAME, password: access.KAFKA_PASSWORD },
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 3, multiplier: 1.2, maxRetryTime: 30, retries: 1_000 },
  });

const batchOf = (batch: number, value: Buffer, headers: Headers) => ({
  topic: TOPIC,
  messages: Array.from({ length: PER_SEND }, (_, index) => ({
    key: `key ${batch} ${index}`,
    value,
    headers,
  })),
});

const rateOf = async (send: (batch: number) => Promise<unknown>): Promise<number> => {
  for (let batch = 0; batch < 10; batch += 1) await send(batch);
  const began = performance.now();
  for (let batch = 0; batch < RECORDS / PER_SEND; batch += 1) await send(batch);
  return Math.round((RECORDS / (performance.now() - began)) * 1_000);
};

/** What the client's own producer does with the same value and headers: the yardstick of the other figures. */
export const clientProduceRate = async (
  access: Access,
  bus: Bus,
  value: Buffer,
  headers: Headers,
): Promise<number> => {
  const admin = await bus.admin();
  await admin.createTopics([{ topic: TOPIC, partitions: 6, replicationFactor: 1, config: {} }]);
  await admin.close();
  const producer = connect(access).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const rate = await rateOf((batch) => producer.send(batchOf(batch, value, headers)));
  await producer.disconnect();
  return rate;
};

/** The same in transactions, one after the other, on the topic of the other rate. */
export const clientTransactionalRate = async (
  access: Access,
  value: Buffer,
  headers: Headers,
): Promise<number> => {
  const producer = connect(access).producer({
    transactionalId: 'peer.kafkajs',
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const rate = await rateOf(async (batch) => {
    const transaction = await producer.transaction();
    await transaction.send(batchOf(batch, value, headers));
    await transaction.commit();
  });
  await producer.disconnect();
  return rate;
};

type Consumed = { records: number; ms: number; cpuMicros: number };

/**
 * A consumer of the client's own reads a topic from its start to its end as it is now, and does nothing with what it gets. Measured
 * from the first record on: joining a group is not reading. It runs in this process, whose processor time is told.
 */
export const clientConsume = async (access: Access, topic: string): Promise<Consumed> => {
  const kafka = connect(access);
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const left = new Map(ends.map(({ partition, high }) => [partition, Number(high)]));
  for (const [partition, high] of left) if (high === 0) left.delete(partition);
  const consumer = kafka.consumer({ groupId: `bench-${randomUUID()}`, allowAutoTopicCreation: false });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let records = 0;
  let begun: { at: number; cpu: NodeJS.CpuUsage } | undefined;
  const done = new Promise<Consumed>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
    const eachBatch: NonNullable<Parameters<typeof consumer.run>[0]>['eachBatch'] = async ({ batch }) => {
      begun ??= { at: performance.now(), cpu: process.cpuUsage() };
      records += batch.messages.length;
      if (Number(batch.lastOffset()) + 1 < (left.get(batch.partition) ?? 0)) return;
      left.delete(batch.partition);
      const { user, system } = process.cpuUsage(begun.cpu);
      if (left.size === 0)
        resolve({
          records,
          ms: performance.now() - begun.at,
          cpuMicros: (user + system) / records,
        });
    };
    consumer.run({ eachBatch, partitionsConsumedConcurrently: 6 }).catch(reject);
  });
  const consumed = await done;
  await consumer.disconnect();
  return consumed;
};

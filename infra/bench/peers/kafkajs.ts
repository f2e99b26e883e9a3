import type { Kafka as Bus } from '@causeway/runtime/kafka';
import kafkajs from 'kafkajs';

const RECORDS = 50_000;
const PER_SEND = 1_000;
const TOPIC = 'bench.kafkajs';

type Access = { KAFKA_BROKERS: string; KAFKA_USERNAME: string; KAFKA_PASSWORD: string };

/** What the client's own producer does with the same value and headers: the yardstick of the other figures. */
export const clientProduceRate = async (
  access: Access,
  bus: Bus,
  value: Buffer,
  headers: Record<string, string | Buffer>,
): Promise<number> => {
  const admin = await bus.admin();
  await admin.createTopics([{ topic: TOPIC, partitions: 6, replicationFactor: 1, config: {} }]);
  await admin.close();
  const client = new kafkajs.Kafka({
    clientId: 'peer',
    brokers: access.KAFKA_BROKERS.split(','),
    sasl: { mechanism: 'scram-sha-512', username: access.KAFKA_USERNAME, password: access.KAFKA_PASSWORD },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const producer = client.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const send = (batch: number) =>
    producer.send({
      topic: TOPIC,
      messages: Array.from({ length: PER_SEND }, (_, index) => ({
        key: `key ${batch} ${index}`,
        value,
        headers,
      })),
    });
  for (let batch = 0; batch < 10; batch += 1) await send(batch);
  const began = performance.now();
  for (let batch = 0; batch < RECORDS / PER_SEND; batch += 1) await send(batch);
  const took = performance.now() - began;
  await producer.disconnect();
  return Math.round((RECORDS / took) * 1_000);
};

import type { Kafka as Client } from 'kafkajs';
import { withTimeout } from '../../async/timeout.ts';
import type { LaneListener } from '../broker-client.ts';
import { attempt, translateError } from './errors.ts';

const JOIN_DEADLINE_MS = 60_000;

/** Joins a group whose only purpose is to hand out the partitions of an empty topic. */
export const joinLanes = async (client: Client, groupId: string, topic: string, on: LaneListener) => {
  const consumer = client.consumer({
    groupId,
    // The shortest that a broker allows by default: lanes of an instance that was killed stand still for as long.
    sessionTimeout: 6_000,
    rebalanceTimeout: 8_000,
    // Between two fetches of the empty topic a member hears that another came or left.
    heartbeatInterval: 400,
    maxWaitTimeInMs: 400,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 10, restartOnFailure: async () => true },
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
    on.assigned([...(payload.memberAssignment[topic] ?? [])].sort((a, b) => a - b)),
  );
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) on.failed(translateError(payload.error, `membership of group ${groupId}`));
  });
  const join = async () => {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatch: async () => {} });
  };
  await attempt(`joining group ${groupId}`, () =>
    withTimeout(JOIN_DEADLINE_MS, `Kafka to answer joining group ${groupId}`, join(), 'kafka-timed-out'),
  );
  return { close: () => consumer.disconnect() };
};

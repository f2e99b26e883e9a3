import { randomBytes } from 'node:crypto';
import { untilDeadline } from '@causeway/runtime/async/retry';
import { topology } from '@causeway/runtime/bus/acls';
import { LANES_TOPIC } from '@causeway/runtime/bus/topics';
import { type Service, startService } from '@causeway/runtime/service/service';
import type { TestBus } from '@causeway/testing/bus';
import { settings, startExchange } from './exchange.ts';
import { type LaneNames, laneNames } from './lane-names.ts';

const COORDINATOR_MS = 30_000;

export type TestExchange = {
  names: LaneNames;
  start(): Promise<Service>;
  /** For `testing-main.ts`: the exchange as a process of its own, for the organisations that the test bus has by now. */
  env(): Record<string, string>;
};

/** The exchange of one test file. It works the organisations of its test bus alone, so that several can share a broker. */
export const createTestExchange = async (bus: TestBus): Promise<TestExchange> => {
  const prefix = `test-${randomBytes(4).toString('hex')}.`;
  const names = laneNames(prefix);
  const { topics } = topology([], { replicationFactor: 1, minInSyncReplicas: 1 });
  const lanes = topics.filter(({ topic }) => topic === LANES_TOPIC);
  await bus.admin.createTopics(lanes.map((one) => ({ ...one, topic: names.topic })));
  // A broker that has just started makes the topic of all groups at the first request, and a member does not wait for that.
  await untilDeadline(Date.now() + COORDINATOR_MS, 100, () =>
    bus.admin.committedOffsets(names.group, names.topic),
  );
  const scope = { names, includes: (id: string) => bus.organisations.includes(id) };
  return {
    names,
    start: () => startService('exchange', settings, (context) => startExchange(context, scope), bus.env),
    env: () => ({ ...bus.env, TEST_LANES_PREFIX: prefix, TEST_ORGANISATIONS: bus.organisations.join(' ') }),
  };
};

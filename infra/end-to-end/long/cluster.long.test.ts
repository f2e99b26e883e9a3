import { test } from 'node:test';
import { growCluster, surviveCluster } from '../support/cluster.ts';

/** CLUSTER_SECONDS=40 tries it in a minute and a half. */
const seconds = Number(process.env.CLUSTER_SECONDS || 300);
const eventsPerSecond = Number(process.env.CLUSTER_EVENTS_PER_SECOND || 300);

test(
  'while brokers of three are killed, restarted in turn and cut off, nothing acknowledged is lost or comes twice, order is kept, and the ledgers verify',
  {
    timeout: 1_200_000,
  },
  () => surviveCluster({ seconds, eventsPerSecond }),
);

test(
  'while a fourth broker is added and takes its share, nothing acknowledged is lost or comes twice, order is kept, and the ledgers verify',
  {
    timeout: 1_200_000,
  },
  () => growCluster({ seconds: Math.min(seconds, 60), eventsPerSecond: Math.min(eventsPerSecond, 100) }),
);

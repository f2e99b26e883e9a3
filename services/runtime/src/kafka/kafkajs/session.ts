import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka as Client } from 'kafkajs';
import { untilDeadline } from '../../async/retry.ts';
import { withTimeout } from '../../async/timeout.ts';
import { RetryableError } from '../../errors.ts';
import type { BrokerClient, ProducerIdentity } from '../broker-client.ts';
import {
  abandon,
  anyBroker,
  type ClientBroker,
  type Cluster,
  createCluster,
  lossesIn,
  READ_COMMITTED,
} from './cluster.ts';
import { attempt, isLinkFailure } from './errors.ts';
import {
  byTopic,
  EARLIEST,
  fetchCommitted,
  LATEST,
  leaders,
  offsetsAt,
  openRecords,
  PRODUCE_TIMEOUT_MS,
  partitionOfKey,
  produce,
  REQUEST_TIMEOUT_MS,
  refresh,
} from './requests.ts';

const GROUP_COORDINATOR = 0;
const TRANSACTION_COORDINATOR = 1;
const LOOK_UP_DEADLINE_MS = 2_000;

/** One set of connections; the coordinators that were found through it, by transactional or group id. */
type Link = { cluster: Cluster; ready: Promise<void>; coordinators: Map<string, number> };

/** The connections of a session: they are opened when first used, and replaced when they fail. */
const openLink = (client: Client) => {
  let link: Link | null = null;
  let lostBefore = 0;
  let closed = false;

  /** A link that failed keeps stale sockets and topics: it is thrown away, never mended. */
  const discard = (failed: Link) => {
    if (link === failed) {
      lostBefore += 1 + lossesIn(failed.cluster);
      link = null;
    }
    abandon(failed.cluster);
    // What the client connects after this moment is found and ended when it is through.
    failed.ready.then(
      () => abandon(failed.cluster),
      () => abandon(failed.cluster),
    );
  };
  const connected = (): Link => {
    if (closed) throw new RetryableError('kafka-closed', 'The connection to Kafka is closed');
    if (!link) {
      const cluster = createCluster(client);
      link = { cluster, ready: cluster.connect(), coordinators: new Map() };
    }
    return link;
  };
  /** Runs requests on the session's link within `timeoutMs`; a link that does not answer by then is given up. */
  const use = <T>(
    context: string,
    run: (cluster: Cluster, link: Link) => Promise<T>,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<T> =>
    attempt(context, async () => {
      const current = connected();
      let ready = false;
      const work = async () => {
        await current.ready;
        ready = true;
        return run(current.cluster, current);
      };
      try {
        return await withTimeout(timeoutMs, `Kafka to answer ${context}`, work(), 'kafka-timed-out');
      } catch (error) {
        if (!ready || isLinkFailure(error)) discard(current);
        throw error;
      }
    });

  /** The client's own search hides why it failed, and asks anew each time. */
  const coordinatorOf = async ({ cluster, coordinators }: Link, id: string, type: number) => {
    const known = coordinators.get(id);
    if (known !== undefined) return cluster.findBroker({ nodeId: String(known) });
    const broker = await anyBroker(cluster);
    const { coordinator } = await broker.findGroupCoordinator({ groupId: id, coordinatorType: type });
    coordinators.set(id, coordinator.nodeId);
    return cluster.findBroker({ nodeId: String(coordinator.nodeId) });
  };

  const coordinated = <T>(
    [type, id]: readonly [type: number, id: string],
    context: string,
    run: (broker: ClientBroker) => Promise<T>,
    timeoutMs?: number,
  ) =>
    use(
      context,
      async (_, current) => {
        try {
          return await run(await coordinatorOf(current, id, type));
        } catch (error) {
          current.coordinators.delete(id);
          throw error;
        }
      },
      timeoutMs,
    );

  /** So that the next try goes to whoever leads the partitions by then. */
  const withFreshMetadata = async (error: unknown): Promise<never> => {
    if (link) await refresh(link.cluster);
    throw error;
  };

  return {
    use,
    coordinated,
    withFreshMetadata,
    lostConnections: () => lostBefore + (link ? lossesIn(link.cluster) : 0),
    close: async () => {
      closed = true;
      if (link) discard(link);
    },
  };
};

/** Connections are opened when first used. */
export const openSession = (client: Client): BrokerClient => {
  const { use, coordinated, withFreshMetadata, lostConnections, close } = openLink(client);

  /** A leader that was just elected may not know it yet: a look-up is asked again for a moment. */
  const listOffsets = (topic: string, partitions: readonly number[], timestamp: string) =>
    untilDeadline(Date.now() + LOOK_UP_DEADLINE_MS, 50, () => listOffsetsOnce(topic, partitions, timestamp));

  const listOffsetsOnce = (topic: string, partitions: readonly number[], timestamp: string) =>
    use(`a look-up of offsets of ${topic}`, async (current) => {
      const items = partitions.map((partition) => ({ topic, partition }));
      const found = await offsetsAt(current, items, timestamp, READ_COMMITTED);
      return new Map(found.map(({ partition, offset }) => [partition, offset]));
    }).catch(withFreshMetadata);

  return {
    partitionCount: (topic, timeoutMs) =>
      use(`the metadata of ${topic}`, async (current) => (await leaders(current, topic)).length, timeoutMs),

    partitionOfKey,

    produce: (batches, transactionalId, timeoutMs = PRODUCE_TIMEOUT_MS) =>
      use('a produce request', (current) => produce(current, batches, transactionalId, timeoutMs), timeoutMs),

    // Without positions no broker is there to wait, and a caller that asks again and again would keep a core busy.
    fetch: (positions, limits) =>
      positions.length === 0
        ? delay(limits.maxWaitMs, [])
        : use(
            'a fetch',
            (current) => fetchCommitted(current, positions, limits),
            limits.maxWaitMs + REQUEST_TIMEOUT_MS,
          ),

    bounds: async (topic, partitions) => {
      const [starts, ends] = await Promise.all([
        listOffsets(topic, partitions, EARLIEST),
        listOffsets(topic, partitions, LATEST),
      ]);
      return partitions.map((partition) => ({
        partition,
        start: starts.get(partition) ?? 0,
        end: ends.get(partition) ?? 0,
      }));
    },

    atTime: async (topic, partitions, time) => {
      const [found, ends] = await Promise.all([
        listOffsets(topic, partitions, String(time)),
        listOffsets(topic, partitions, LATEST),
      ]);
      return partitions.map((partition) => {
        const offset = found.get(partition) ?? -1;
        return { topic, partition, offset: offset < 0 ? (ends.get(partition) ?? 0) : offset };
      });
    },

    initProducer: (transactionalId, transactionTimeout, timeoutMs) => {
      const init = async (broker: ClientBroker) => {
        const answer = await broker.initProducerId({
          ...(transactionalId === null ? {} : { transactionalId }),
          transactionTimeout,
        });
        return { producerId: BigInt(answer.producerId), epoch: answer.producerEpoch };
      };
      return transactionalId === null
        ? use('a producer id', async (current) => init(await anyBroker(current)), timeoutMs)
        : coordinated([TRANSACTION_COORDINATOR, transactionalId], 'a producer id', init, timeoutMs);
    },

    addPartitions: (transactionalId, identity, partitions, timeoutMs) =>
      coordinated(
        [TRANSACTION_COORDINATOR, transactionalId],
        'adding partitions to a transaction',
        async (broker) => {
          await broker.addPartitionsToTxn({
            transactionalId,
            ...clientIdentity(identity),
            topics: byTopic(partitions, ({ partition }) => partition),
          });
        },
        timeoutMs,
      ),

    endTransaction: (transactionalId, identity, commit, timeoutMs) =>
      coordinated(
        [TRANSACTION_COORDINATOR, transactionalId],
        'ending a transaction',
        async (broker) => {
          await broker.endTxn({ transactionalId, ...clientIdentity(identity), transactionResult: commit });
        },
        timeoutMs,
      ),

    openRecords: (producerId, partitions, timeoutMs) =>
      use(
        'a look for open transactions',
        (current) => openRecords(current, producerId, partitions),
        timeoutMs,
      ).catch(withFreshMetadata),

    lostConnections,

    // The first use of groups on a new cluster makes the broker's own topic for them.
    commitOffsets: (groupId, positions) =>
      untilDeadline(Date.now() + LOOK_UP_DEADLINE_MS, 50, (ms) =>
        coordinated(
          [GROUP_COORDINATOR, groupId],
          `a commit of offsets of group ${groupId}`,
          async (broker) => {
            await broker.offsetCommit({
              groupId,
              groupGenerationId: -1,
              memberId: '',
              topics: byTopic(positions, ({ partition, offset }) => ({ partition, offset: String(offset) })),
            });
          },
          ms,
        ),
      ),

    close,
  };
};

const clientIdentity = ({ producerId, epoch }: ProducerIdentity) => ({
  producerId: String(producerId),
  producerEpoch: epoch,
});

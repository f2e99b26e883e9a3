import type { Socket } from 'node:net';
import type { Kafka as Client } from 'kafkajs';
import { RetryableError } from '../../errors.ts';
import { lossesOf } from './patches.ts';

export const READ_COMMITTED = 1;

/*
 * What is used of the inside of kafkajs: its version is pinned exactly because of it. Its connections, log-in, metadata, group
 * membership and protocol encoders are used, but not its producer and consumer: those lose or reorder records after a
 * rejected send and cannot read by position (docs/decisions has the defects one by one).
 */

type ClientConnection = {
  socket?: Socket;
  authHandlers: { onError(): void } | null;
  connect(): Promise<boolean>;
  rejectRequests(error: Error): void;
};
export type ClientBroker = {
  connectionPool: { pool: ClientConnection[]; send(protocol: object): Promise<unknown> };
  findGroupCoordinator(request: object): Promise<{ coordinator: { nodeId: number } }>;
  listOffsets(request: object): Promise<{ responses: OffsetsOfTopic[] }>;
  initProducerId(request: object): Promise<{ producerId: string; producerEpoch: number }>;
  addPartitionsToTxn(request: object): Promise<unknown>;
  endTxn(request: object): Promise<unknown>;
  offsetCommit(request: object): Promise<unknown>;
};
type OffsetsOfTopic = { topic: string; partitions: { partition: number; offset: string }[] };
export type Cluster = {
  connect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  targetTopics: Set<string>;
  findBroker(node: { nodeId: string }): Promise<ClientBroker>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  brokerPool: { seedBroker?: ClientBroker; brokers: Record<string, ClientBroker> };
  connectionPoolBuilder: { build(): Promise<unknown> };
};

/** Connections of their own, which are opened by `connect`. */
export const createCluster = (client: Client): Cluster => {
  const create = Object.getOwnPropertySymbols(client).find(
    (symbol) => symbol.description === 'private:Kafka:createCluster',
  );
  return (client as unknown as Record<symbol, (options: object) => Cluster>)[create as symbol]?.({
    allowAutoTopicCreation: false,
    metadataMaxAge: 60_000,
    isolationLevel: READ_COMMITTED,
  }) as Cluster;
};

export const anyBroker = async (cluster: Cluster): Promise<ClientBroker> => {
  const known = () => Object.keys(cluster.brokerPool.brokers);
  if (known().length === 0) await cluster.refreshMetadata();
  const nodeIds = known();
  return cluster.findBroker({ nodeId: nodeIds[Math.floor(Math.random() * nodeIds.length)] ?? '' });
};

const connectionsOf = ({ brokerPool: { seedBroker, brokers } }: Cluster): ClientConnection[] => {
  const all = new Set([...(seedBroker ? [seedBroker] : []), ...Object.values(brokers)]);
  return [...all].flatMap((broker) => broker.connectionPool.pool);
};

export const lossesIn = (cluster: Cluster): number =>
  connectionsOf(cluster).reduce((sum, connection) => sum + lossesOf(connection), 0);

/**
 * Ends every socket of a cluster object at once and keeps it from opening others. The client's own `disconnect`
 * waits for answers that are due, without limit where the broker does not answer any more.
 */
export const abandon = (cluster: Cluster): void => {
  const refuse = () => Promise.reject(new RetryableError('kafka-closed', 'The connection was given up'));
  cluster.connectionPoolBuilder.build = refuse;
  for (const connection of connectionsOf(cluster)) {
    const given = new RetryableError('kafka-disconnected', 'The connection to Kafka was given up');
    connection.connect = refuse;
    connection.rejectRequests(given);
    connection.authHandlers?.onError();
    connection.socket?.destroy(given);
  }
};

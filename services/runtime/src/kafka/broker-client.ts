/**
 * What the bus needs of a Kafka client, in plain data: `kafkajs/` provides it, and everything above
 * (producer, writer, reader) is written against it, so that another client means another such folder.
 */

export type KafkaRecord = {
  topic: string;
  /** Chosen from the key as Kafka's own clients do when it is left out. */
  partition?: number;
  key?: string | Buffer | null;
  value: Buffer | null;
  headers?: Record<string, string | Buffer>;
};

export type PlacedRecord = KafkaRecord & { partition: number };

export type FetchedRecord = {
  offset: number;
  /** Append time, milliseconds since 1970. */
  timestamp: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer | undefined>;
};

export type TopicPartition = { topic: string; partition: number };
export type Position = TopicPartition & { offset: number };
export type Bounds = { partition: number; start: number; end: number };

export type FetchedPartition = TopicPartition & {
  records: FetchedRecord[];
  /** The offset to ask for next: past everything seen, also past what is never handed out. */
  next: number;
  /** The last stable offset: nothing at or after it has been read, however long the log is. */
  endOffset: number;
  /** The position asked for is not in the log any more, or not yet. */
  outOfRange: boolean;
};

export type FetchLimits = { maxWaitMs: number; maxBytes?: number; partitionMaxBytes?: number };
export type ProducerIdentity = { producerId: bigint; epoch: number };
export type Batch = TopicPartition & { bytes: Buffer };
/** `error` is Kafka's name of the error code, null on success. */
export type Appended = TopicPartition & { error: string | null; baseOffset: number };
/** Records that lie in a partition and that no marker of their producer has committed or taken back. */
export type OpenRecords = TopicPartition & { records: FetchedRecord[] };

/**
 * One set of connections to the brokers. Every method rejects with RetryableError or PermanentError, within
 * `timeoutMs` where it is given.
 */
export type BrokerClient = {
  partitionCount(topic: string, timeoutMs?: number): Promise<number>;
  /** The partition that Kafka's own clients choose for a key. */
  partitionOfKey(key: string | Buffer, partitions: number): number;
  produce(batches: readonly Batch[], transactionalId: string | null, timeoutMs?: number): Promise<Appended[]>;
  fetch(positions: readonly Position[], limits: FetchLimits): Promise<FetchedPartition[]>;
  /** `end` is the last stable offset. */
  bounds(topic: string, partitions: readonly number[]): Promise<Bounds[]>;
  /** First offset at or after the time, or the end of the log. */
  atTime(topic: string, partitions: readonly number[], time: number): Promise<Position[]>;
  initProducer(
    transactionalId: string | null,
    transactionTimeoutMs: number,
    timeoutMs?: number,
  ): Promise<ProducerIdentity>;
  addPartitions(
    transactionalId: string,
    identity: ProducerIdentity,
    partitions: readonly TopicPartition[],
    timeoutMs?: number,
  ): Promise<void>;
  endTransaction(
    transactionalId: string,
    identity: ProducerIdentity,
    commit: boolean,
    timeoutMs?: number,
  ): Promise<void>;
  /** What the producer has begun and not ended, of the partitions where there is something. All of them must exist. */
  openRecords(
    producerId: bigint,
    partitions: readonly TopicPartition[],
    timeoutMs?: number,
  ): Promise<OpenRecords[]>;
  /** How many connections of this session were lost so far: whatever is unchanged, the brokers it talks to were there all the time. */
  lostConnections(): number;
  /** Commits for a group that has no members: positions shown to standard tools, never relied upon. */
  commitOffsets(groupId: string, positions: readonly Position[]): Promise<void>;
  close(): Promise<void>;
};

export type TopicDeclaration = {
  topic: string;
  partitions: number;
  replicationFactor: number;
  config: Record<string, string>;
};
export type AclDeclaration = {
  principal: string;
  resource: 'topic' | 'group' | 'transactional-id' | 'cluster';
  name: string;
  match: 'literal' | 'prefixed';
  operation: 'read' | 'write' | 'describe' | 'describe-configs' | 'idempotent-write';
};

export type Admin = {
  listTopics(): Promise<string[]>;
  /** Creates what is missing and returns the names of the topics it made. */
  createTopics(topics: readonly TopicDeclaration[]): Promise<string[]>;
  /** Resolves when the broker goes by them: with KRaft that is a moment after it has accepted them. */
  createAcls(acls: readonly AclDeclaration[]): Promise<void>;
  deleteTopics(topics: readonly string[]): Promise<void>;
  /** Deletes what is before the offsets. */
  deleteRecords(topic: string, before: readonly { partition: number; offset: number }[]): Promise<void>;
  /** Partitions without a committed offset are left out. */
  committedOffsets(groupId: string, topic: string): Promise<Map<number, number>>;
  close(): Promise<void>;
};

export type LaneListener = {
  assigned(lanes: number[]): void;
  /** The membership ended for good and will not come back by itself. */
  failed(error: Error): void;
};

/** Error names after which the same request may succeed as it stands. */
export const TRANSIENT = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REQUEST_TIMED_OUT',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'KAFKA_STORAGE_ERROR',
  'CONCURRENT_TRANSACTIONS',
]);

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import kafkajs, {
  type Kafka as Client,
  type Admin as ClientAdmin,
  type logCreator,
  type Mechanism,
} from 'kafkajs';
import { untilDeadline } from '../async/retry.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type {
  Appended,
  Batch,
  FetchedPartition,
  FetchLimits,
  OpenRecords,
  Position,
  ProducerIdentity,
  Session,
  TopicPartition,
} from './broker-client.ts';
import { createProducer, type Producer, type ProducerOptions } from './producer.ts';
import { committedRecords, decodeFetchResponse, openRecordsOf } from './protocol/fetch-response.ts';
import type { Reader } from './reader.ts';
import { openWriter, type Writer, type WriterOptions } from './transactional-producer.ts';

/**
 * The only file that knows kafkajs. It uses the client's connections, log-in, metadata and group membership,
 * and its protocol encoders and decoders below that, but not its producer and consumer: those lose or reorder
 * records after a rejected send and cannot read by position (docs/decisions has the defects one by one).
 * The version is pinned exactly because the inside of the package is used.
 */
const load = createRequire(import.meta.url);
const fetchRequest = load('kafkajs/src/protocol/requests/fetch/v11/request');
const produceResponse = load('kafkajs/src/protocol/requests/produce/v7/response');
const Encoder = load('kafkajs/src/protocol/encoder');
const scram512: (sasl: { username: string; password: string }) => Mechanism['authenticationProvider'] = load(
  'kafkajs/src/broker/saslAuthenticator/scram512',
);
const Connection = load('kafkajs/src/network/connection');
const RequestQueue = load('kafkajs/src/network/requestQueue');
const murmur2: (key: Buffer) => number = load('kafkajs/src/producer/partitioners/default/murmur2');
const { errorCodes } = load('kafkajs/src/protocol/error') as { errorCodes: { type: string; code: number }[] };

// PRODUCER_FENCED is younger than the client's own list.
const ERROR_NAMES = new Map([
  ...errorCodes.map(({ code, type }) => [code, type] as const),
  [90, 'PRODUCER_FENCED'],
]);
const patched = new WeakSet<object>();
const PRODUCE_API = 0;
const PRODUCE_TIMEOUT_MS = 20_000;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const LATEST = '-1';
const EARLIEST = '-2';
const GROUP_COORDINATOR = 0;
const TRANSACTION_COORDINATOR = 1;
const LEADERS_DEADLINE_MS = 30_000;
const LOOK_UP_DEADLINE_MS = 2_000;
/** Of any request that has no deadline of its own; a fetch waits for records besides. */
const REQUEST_TIMEOUT_MS = 15_000;

export type KafkaOptions = {
  brokers: string[];
  username: string;
  password: string;
  /** Tried where the other one is refused, and the other way round: whichever the broker knows counts. */
  previousPassword?: string;
  clientId: string;
  tls?: { ca?: string };
};

/**
 * Options from the settings that every service has.
 * @throws Error when KAFKA_CA_FILE cannot be read
 */
export const kafkaOptions = (
  config: {
    KAFKA_BROKERS: string[];
    KAFKA_USERNAME: string;
    KAFKA_PASSWORD: string;
    KAFKA_PASSWORD_PREVIOUS?: string | undefined;
    KAFKA_TLS: boolean;
    KAFKA_CA_FILE?: string | undefined;
  },
  clientId: string,
): KafkaOptions => ({
  brokers: config.KAFKA_BROKERS,
  username: config.KAFKA_USERNAME,
  password: config.KAFKA_PASSWORD,
  ...(config.KAFKA_PASSWORD_PREVIOUS ? { previousPassword: config.KAFKA_PASSWORD_PREVIOUS } : {}),
  clientId,
  ...(config.KAFKA_TLS
    ? { tls: config.KAFKA_CA_FILE ? { ca: readFileSync(config.KAFKA_CA_FILE, 'utf8') } : {} }
    : {}),
});

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

export type Kafka = {
  producer(options?: Partial<ProducerOptions>): Producer;
  /** Fences every earlier writer of this transactional id before it resolves. */
  writer(transactionalId: string, options?: WriterOptions): Promise<Writer>;
  /** A reader has connections of its own: a broker answers one connection's requests in order. */
  reader(): Reader;
  /** Joins a group whose only purpose is to hand out the partitions of an empty topic. */
  lanes(groupId: string, topic: string, on: LaneListener): Promise<{ close(): Promise<void> }>;
  admin(): Promise<Admin>;
  commitOffsets(groupId: string, positions: readonly Position[]): Promise<void>;
  close(): Promise<void>;
};

export type LaneListener = {
  assigned(lanes: number[]): void;
  /** The membership ended for good and will not come back by itself. */
  failed(error: Error): void;
};

type ClientConnection = {
  socket?: Socket;
  authHandlers: { onError(): void } | null;
  connect(): Promise<boolean>;
  rejectRequests(error: Error): void;
};
type ClientBroker = {
  connectionPool: { pool: ClientConnection[]; send(protocol: object): Promise<unknown> };
  findGroupCoordinator(request: object): Promise<{ coordinator: { nodeId: number } }>;
  listOffsets(request: object): Promise<{ responses: OffsetsOfTopic[] }>;
  initProducerId(request: object): Promise<{ producerId: string; producerEpoch: number }>;
  addPartitionsToTxn(request: object): Promise<unknown>;
  endTxn(request: object): Promise<unknown>;
  offsetCommit(request: object): Promise<unknown>;
};
type OffsetsOfTopic = { topic: string; partitions: { partition: number; offset: string }[] };
type Cluster = {
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
/** The partition that Kafka's own clients choose for a key. */
export const partitionOfKey = (key: string | Buffer, partitions: number): number =>
  (murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fffffff) % partitions;

/**
 * The client reschedules a timer for ever, with a negative delay, on every idle connection (its issues 1556,
 * 1704, 1751). Here a check is scheduled only while a request is waiting to be sent.
 */
const stopIdleTimers = () => {
  RequestQueue.prototype.scheduleCheckPendingRequests = function schedule(this: {
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    throttledUntil: number;
    pending: unknown[];
    checkPendingRequests(): void;
  }) {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      Math.max(this.throttledUntil - Date.now(), 10),
    );
  };
};

type ClientEncoder = { buf: Buffer; offset: number; buffer: Buffer; roomy?: Buffer };

/** Where a request has room in front, what the client puts before it goes there instead of the request behind that. */
const prependInPlace = () => {
  if (patched.has(Encoder)) return;
  patched.add(Encoder);
  const { writeEncoder } = Encoder.prototype;
  Encoder.prototype.writeEncoder = function writeOrPrepend(this: ClientEncoder, value: ClientEncoder) {
    const { roomy, buffer } = value;
    const start = roomy ? roomy.length - buffer.length - this.offset : -1;
    if (!roomy || start < 0) return writeEncoder.call(this, value);
    this.buf.copy(roomy, start, 0, this.offset);
    this.buf = roomy.subarray(start);
    this.offset = this.buf.length;
    this.roomy = roomy;
    return this;
  };
};

/** How often the client has lost a connection of its own, which it opens again without a word. */
const losses = new WeakMap<object, number>();
const lossesOf = (connection: object): number => losses.get(connection) ?? 0;

/**
 * Two calls that find a connection closed at the same time open two sockets each, of which the client forgets and
 * never closes one. Here the second caller waits for the first one's.
 */
const connectOnce = () => {
  if (patched.has(Connection)) return;
  patched.add(Connection);
  const connect: () => Promise<boolean> = Connection.prototype.connect;
  const underway = new WeakMap<object, Promise<boolean>>();
  Connection.prototype.connect = function connectShared(this: object) {
    const waiting = underway.get(this);
    if (waiting) return waiting;
    const connecting = connect
      .call(this)
      .then((connected) => {
        (this as ClientConnection).socket?.once('close', () => losses.set(this, lossesOf(this) + 1));
        return connected;
      })
      .finally(() => underway.delete(this));
    underway.set(this, connecting);
    return connecting;
  };
};

const pinoLogCreator =
  (log: Logger): logCreator =>
  () =>
  ({ namespace, level, log: entry }) => {
    // The client logs every rebalance and every retried request as an error: what matters is thrown as well.
    const fields = { namespace, ...('error' in entry ? { cause: String(entry.error) } : {}) };
    if (level === kafkajs.logLevel.DEBUG) log.trace(fields, entry.message);
    else log.debug(fields, entry.message);
  };

const errorName = (code: number): string => ERROR_NAMES.get(code) ?? `UNKNOWN_ERROR_${code}`;

const NOT_AUTHORISED = /AUTHORIZATION_FAILED$/;

const errorOf = (name: string, context: string): Error =>
  NOT_AUTHORISED.test(name)
    ? new PermanentError(
        'not-authorised',
        `Kafka refused ${context}: this principal has no right to do it. Check its name and the declared ACLs.`,
      )
    : name === 'MESSAGE_TOO_LARGE' || name === 'RECORD_LIST_TOO_LARGE'
      ? new PermanentError('too-large', `Kafka refused ${context}: larger than the topic allows.`)
      : new RetryableError(
          `kafka-${name.toLowerCase().replaceAll('_', '-')}`,
          `Kafka answered ${name} to ${context}`,
        );

const translateError = (error: unknown, context: string): Error => {
  if (error instanceof RetryableError || error instanceof PermanentError) return error;
  // Several topics at once: the client gathers what happened to each.
  const first = (error as { errors?: unknown[] }).errors?.[0];
  if (first) return translateError(first, context);
  const { type, code, name, message } = error as {
    type?: string;
    code?: number;
    name?: string;
    message?: string;
  };
  if (code === 90) return errorOf('PRODUCER_FENCED', context);
  if (type) return errorOf(type, context);
  if (name === 'KafkaJSSASLAuthenticationError')
    return new RetryableError(
      'kafka-log-in',
      `Kafka refused the log-in. Check KAFKA_USERNAME and KAFKA_PASSWORD.`,
      {
        cause: error,
      },
    );
  return new RetryableError(
    'kafka-unavailable',
    `Kafka could not be reached for ${context}: ${message ?? name}`,
    {
      cause: error,
    },
  );
};

const attempt = async <T>(context: string, run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (error) {
    throw translateError(error, context);
  }
};

const groupBy = <T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> => {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
};

/** Room in front of a produce request for what the client writes there: sizes, ids and its own name. */
const HEADROOM = 512;

/**
 * Written once into a buffer of the right size, with room for the client's part in front: a transaction is a
 * megabyte or more, and the client would copy it twice into buffers that grow by doubling.
 */
const producePayload = (batches: readonly Batch[], transactionalId: string | null, timeoutMs: number) => {
  const topics = [...groupBy(batches, (batch) => batch.topic)];
  const prologue = new Encoder().writeString(transactionalId).writeInt16(-1).writeInt32(timeoutMs);
  const pieces: Buffer[] = [Buffer.allocUnsafe(HEADROOM), prologue.writeInt32(topics.length).buffer];
  for (const [topic, parts] of topics) {
    pieces.push(new Encoder().writeString(topic).writeInt32(parts.length).buffer);
    for (const { partition, bytes } of parts)
      pieces.push(new Encoder(8).writeInt32(partition).writeInt32(bytes.length).buffer, bytes);
  }
  const roomy = Buffer.concat(pieces);
  const buffer = roomy.subarray(HEADROOM);
  return { buf: buffer, buffer, roomy };
};

const openSession = (client: Client): Session => {
  const createCluster = Object.getOwnPropertySymbols(client).find(
    (symbol) => symbol.description === 'private:Kafka:createCluster',
  );
  const make = (): Cluster =>
    (client as unknown as Record<symbol, (options: object) => Cluster>)[createCluster as symbol]?.({
      allowAutoTopicCreation: false,
      metadataMaxAge: 60_000,
      isolationLevel: READ_COMMITTED,
    }) as Cluster;
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
      const cluster = make();
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
        return await within(timeoutMs, context, work());
      } catch (error) {
        if (!ready || isLinkFailure(error)) discard(current);
        throw error;
      }
    });

  const leaders = async (current: Cluster, topic: string) => {
    // One topic that is gone or forbidden fails every later refresh of the client's metadata for all others.
    try {
      await current.addTargetTopic(topic);
    } catch (error) {
      current.targetTopics.clear();
      throw error;
    }
    const partitions = current.findTopicPartitionMetadata(topic);
    if (partitions.length === 0)
      throw new RetryableError('kafka-no-leader', `The partitions of ${topic} are not known now`);
    return partitions;
  };

  const byLeader = async <T extends TopicPartition>(
    current: Cluster,
    items: readonly T[],
  ): Promise<Map<number, T[]>> => {
    const groups = new Map<number, T[]>();
    const byTopic = groupBy(items, (item) => item.topic);
    // All at once: each addition by itself asks for the metadata of every topic known so far.
    if (byTopic.size > 1)
      await current.addMultipleTargetTopics([...byTopic.keys()]).catch(() => current.targetTopics.clear());
    for (const [topic, parts] of byTopic) {
      const metadata = await leaders(current, topic);
      for (const part of parts) {
        const leader = metadata.find((one) => one.partitionId === part.partition)?.leader ?? -1;
        if (leader < 0)
          throw new RetryableError('kafka-no-leader', `A partition of ${topic} has no leader now`);
        groups.set(leader, [...(groups.get(leader) ?? []), part]);
      }
    }
    return groups;
  };

  const refreshAfter = async (current: Cluster, failed: boolean) => {
    if (failed) await current.refreshMetadata().catch(() => {});
  };

  const fetchFrom = async (
    current: Cluster,
    nodeId: number,
    positions: readonly Position[],
    limits: FetchLimits,
    isolationLevel: number,
  ) => {
    const broker = await current.findBroker({ nodeId: String(nodeId) });
    const partitionMaxBytes = limits.partitionMaxBytes ?? 1_048_576;
    const topics = [...groupBy(positions, (position) => position.topic)].map(([topic, parts]) => ({
      topic,
      partitions: parts.map(({ partition, offset }) => ({
        partition,
        fetchOffset: String(offset),
        maxBytes: partitionMaxBytes,
      })),
    }));
    const answer = (await broker.connectionPool.send({
      request: fetchRequest({
        replicaId: -1,
        isolationLevel,
        maxWaitTime: limits.maxWaitMs,
        minBytes: 1,
        maxBytes: limits.maxBytes ?? 4_194_304,
        topics,
      }),
      response: {
        decode: async (payload: Buffer) => decodeFetchResponse(payload),
        parse: async (data: unknown) => data,
      },
      requestTimeout: limits.maxWaitMs + REQUEST_TIMEOUT_MS,
    })) as ReturnType<typeof decodeFetchResponse>;
    if (answer.errorCode !== 0) throw errorOf(errorName(answer.errorCode), 'a fetch');
    return answer.partitions;
  };

  const fetchAll = async (
    current: Cluster,
    positions: readonly Position[],
    limits: FetchLimits,
    isolationLevel = READ_COMMITTED,
  ) => {
    const groups = await byLeader(current, positions);
    const answers = await Promise.all(
      [...groups].map(([nodeId, parts]) => fetchFrom(current, nodeId, parts, limits, isolationLevel)),
    );
    return answers.flat();
  };

  /** Topics that are forbidden or gone fail by themselves, not the other topics of the same request. */
  const knownTopics = async (current: Cluster, batches: readonly Batch[]) => {
    const reachable: Batch[] = [];
    const refused: Appended[] = [];
    for (const [topic, parts] of groupBy(batches, (batch) => batch.topic)) {
      try {
        await leaders(current, topic);
        reachable.push(...parts);
      } catch (error) {
        const { type } = error as { type?: string };
        if (!type) throw error;
        refused.push(...parts.map(({ partition }) => ({ topic, partition, error: type, baseOffset: -1 })));
      }
    }
    return { reachable, refused };
  };

  const produceTo = async (
    current: Cluster,
    nodeId: number,
    batches: readonly Batch[],
    transactionalId: string | null,
    timeoutMs: number,
  ): Promise<Appended[]> => {
    const broker = await current.findBroker({ nodeId: String(nodeId) });
    const answer = (await broker.connectionPool.send({
      request: {
        apiKey: PRODUCE_API,
        apiVersion: 7,
        apiName: 'Produce',
        expectResponse: () => true,
        encode: async () => producePayload(batches, transactionalId, Math.min(timeoutMs, PRODUCE_TIMEOUT_MS)),
      },
      response: { decode: produceResponse.decode, parse: async (data: unknown) => data },
    })) as {
      topics: {
        topicName: string;
        partitions: { partition: number; errorCode: number; baseOffset: string }[];
      }[];
    };
    return answer.topics.flatMap(({ topicName, partitions }) =>
      partitions.map(({ partition, errorCode, baseOffset }) => ({
        topic: topicName,
        partition,
        error: errorCode === 0 ? null : errorName(errorCode),
        baseOffset: Number(baseOffset),
      })),
    );
  };

  /** A leader that was just elected may not know it yet: a look-up is asked again for a moment. */
  const listOffsets = (topic: string, partitions: readonly number[], timestamp: string) =>
    untilDeadline(Date.now() + LOOK_UP_DEADLINE_MS, 50, () => listOffsetsOnce(topic, partitions, timestamp));

  const listOffsetsOnce = (topic: string, partitions: readonly number[], timestamp: string) =>
    use(`a look-up of offsets of ${topic}`, async (current) => {
      const items = partitions.map((partition) => ({ topic, partition }));
      const found = await offsetsAt(current, items, timestamp, READ_COMMITTED);
      return new Map(found.map(({ partition, offset }) => [partition, offset]));
    }).catch(withFreshMetadata);

  /** So that the next try goes to whoever leads the partitions by then. */
  const withFreshMetadata = async (error: unknown): Promise<never> => {
    if (link) await refreshAfter(link.cluster, true);
    throw error;
  };

  const offsetsAt = async (
    current: Cluster,
    items: readonly TopicPartition[],
    timestamp: string,
    isolationLevel: number,
  ): Promise<Position[]> => {
    const groups = await byLeader(current, items);
    const found = await Promise.all(
      [...groups].map(async ([nodeId, parts]) => {
        const broker = await current.findBroker({ nodeId: String(nodeId) });
        const topics = [...groupBy(parts, ({ topic }) => topic)].map(([topic, same]) => ({
          topic,
          partitions: same.map(({ partition }) => ({ partition, timestamp })),
        }));
        const { responses } = await broker.listOffsets({ replicaId: -1, isolationLevel, topics });
        return responses.flatMap((response) =>
          response.partitions.map(({ partition, offset }) => ({
            topic: response.topic,
            partition,
            offset: Number(offset),
          })),
        );
      }),
    );
    return found.flat();
  };

  /** Whatever of a producer is still open lies between the last stable offset and the end. */
  const openIn = async (
    current: Cluster,
    producerId: bigint,
    from: Position,
    end: number,
  ): Promise<OpenRecords> => {
    const { topic, partition } = from;
    let open: OpenRecords['records'] = [];
    for (let offset = from.offset; offset < end; ) {
      const position = { topic, partition, offset };
      const [answer] = await fetchAll(current, [position], { maxWaitMs: 0 }, READ_UNCOMMITTED);
      if (answer?.errorCode !== 0) throw errorOf(errorName(answer?.errorCode ?? -1), `a fetch from ${topic}`);
      const read = await openRecordsOf(answer.bytes, producerId, open, offset);
      if (read.next === offset) break;
      open = read.open;
      offset = read.next;
    }
    return { topic, partition, records: open };
  };

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

  return {
    partitionCount: (topic, timeoutMs) =>
      use(`the metadata of ${topic}`, async (current) => (await leaders(current, topic)).length, timeoutMs),

    partitionOfKey,

    produce: (batches, transactionalId, timeoutMs = PRODUCE_TIMEOUT_MS) =>
      use(
        'a produce request',
        async (current) => {
          const { reachable, refused } = await knownTopics(current, batches);
          const groups = await byLeader(current, reachable);
          const answers = await Promise.all(
            [...groups].map(([nodeId, parts]) =>
              produceTo(current, nodeId, parts, transactionalId, timeoutMs),
            ),
          );
          const appended = [...refused, ...answers.flat()];
          await refreshAfter(
            current,
            appended.some(({ error }) => error !== null),
          );
          return appended;
        },
        timeoutMs,
      ),

    fetch: (positions, limits) =>
      use(
        'a fetch',
        async (current) => {
          const answers = await fetchAll(current, positions, limits);
          const asked = new Map(positions.map((p) => [`${p.topic}/${p.partition}`, p.offset]));
          return Promise.all(
            answers.map(async (answer): Promise<FetchedPartition> => {
              const { topic, partition, errorCode, lastStableOffset } = answer;
              const from = asked.get(`${topic}/${partition}`) ?? 0;
              if (errorName(errorCode) === 'OFFSET_OUT_OF_RANGE')
                return { topic, partition, records: [], next: from, endOffset: -1, outOfRange: true };
              if (errorCode !== 0) {
                await refreshAfter(current, true);
                throw errorOf(errorName(errorCode), `a fetch from ${topic}`);
              }
              const read = await committedRecords(answer, from);
              return { topic, partition, ...read, endOffset: lastStableOffset, outOfRange: false };
            }),
          );
        },
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
            topics: [...groupBy(partitions, ({ topic }) => topic)].map(([topic, parts]) => ({
              topic,
              partitions: parts.map(({ partition }) => partition),
            })),
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
        async (current) => {
          const [stable, ends] = await Promise.all([
            offsetsAt(current, partitions, LATEST, READ_COMMITTED),
            offsetsAt(current, partitions, LATEST, READ_UNCOMMITTED),
          ]);
          const endOf = new Map(
            ends.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]),
          );
          const open: OpenRecords[] = [];
          for (const from of stable) {
            const end = endOf.get(`${from.topic}/${from.partition}`) ?? 0;
            if (from.offset < end) open.push(await openIn(current, producerId, from, end));
          }
          return open.filter(({ records }) => records.length > 0);
        },
        timeoutMs,
      ).catch(withFreshMetadata),

    lostConnections: () => lostBefore + (link ? lossesIn(link.cluster) : 0),

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
              topics: [...groupBy(positions, ({ topic }) => topic)].map(([topic, parts]) => ({
                topic,
                partitions: parts.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
              })),
            });
          },
          ms,
        ),
      ),

    close: async () => {
      closed = true;
      if (link) discard(link);
    },
  };
};

const clientIdentity = ({ producerId, epoch }: ProducerIdentity) => ({
  producerId: String(producerId),
  producerEpoch: epoch,
});

const anyBroker = async (cluster: Cluster): Promise<ClientBroker> => {
  const known = () => Object.keys(cluster.brokerPool.brokers);
  if (known().length === 0) await cluster.refreshMetadata();
  const nodeIds = known();
  return cluster.findBroker({ nodeId: nodeIds[Math.floor(Math.random() * nodeIds.length)] ?? '' });
};

/** One set of connections; the coordinators that were found through it, by transactional or group id. */
type Link = { cluster: Cluster; ready: Promise<void>; coordinators: Map<string, number> };

const connectionsOf = ({ brokerPool: { seedBroker, brokers } }: Cluster): ClientConnection[] => {
  const all = new Set([...(seedBroker ? [seedBroker] : []), ...Object.values(brokers)]);
  return [...all].flatMap((broker) => broker.connectionPool.pool);
};

const lossesIn = (cluster: Cluster): number =>
  connectionsOf(cluster).reduce((sum, connection) => sum + lossesOf(connection), 0);

/**
 * Ends every socket of a cluster object at once and keeps it from opening others. The client's own `disconnect`
 * waits for answers that are due, without limit where the broker does not answer any more.
 */
const abandon = (cluster: Cluster): void => {
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

/** Whether the error says something about the link, and not what the broker thinks of a request. */
const isLinkFailure = (error: unknown): boolean =>
  error instanceof RetryableError
    ? LINK_FAILURES.has(error.code)
    : !(error instanceof PermanentError) && (error as { type?: string }).type === undefined;

const LINK_FAILURES = new Set(['kafka-timed-out', 'kafka-disconnected', 'kafka-closed', 'kafka-malformed']);

const within = async <T>(ms: number, context: string, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new RetryableError('kafka-timed-out', `Kafka did not answer ${context} within ${ms} ms`)),
      Math.max(ms, 1),
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * How each connection logs in. Kafka keeps one password per user, so while it is being changed this process cannot know which one the
 * broker has: after a refusal the next connection tries the other one.
 */
const logIn = ({ username, password, previousPassword }: KafkaOptions): Mechanism => {
  const passwords = [password, ...(previousPassword === undefined ? [] : [previousPassword])];
  let current = 0;
  return {
    mechanism: 'scram-sha-512',
    authenticationProvider: (connection) => ({
      authenticate: async () => {
        const tried = current;
        try {
          await scram512({ username, password: passwords[tried] ?? password })(connection).authenticate();
        } catch (error) {
          // Of several connections that were refused together only the first one changes over.
          if (current === tried) current = (tried + 1) % passwords.length;
          throw error;
        }
      },
    }),
  };
};

/** Connects nothing yet: each producer, writer, reader and admin opens its own connections when first used. */
export const connectKafka = (options: KafkaOptions, log: Logger): Kafka => {
  stopIdleTimers();
  prependInPlace();
  connectOnce();
  const client = new kafkajs.Kafka({
    clientId: options.clientId,
    brokers: options.brokers,
    sasl: logIn(options),
    ...(options.tls
      ? { ssl: { minVersion: 'TLSv1.2' as const, ...(options.tls.ca ? { ca: [options.tls.ca] } : {}) } }
      : {}),
    connectionTimeout: 10_000,
    authenticationTimeout: 20_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 3 },
    logLevel: kafkajs.logLevel.WARN,
    logCreator: pinoLogCreator(log),
  });
  const open = new Set<{ close(): Promise<void> }>();
  let closed = false;
  const track = <T extends { close(): Promise<void> }>(part: T): T => {
    open.add(part);
    const close = part.close.bind(part);
    part.close = async () => {
      open.delete(part);
      await close();
    };
    // Something that was still being opened when everything else was closed would never be closed.
    if (closed) part.close().catch(() => {});
    return part;
  };
  let committer: Session | null = null;

  return {
    producer: (settings = {}) => track(createProducer(openSession(client), settings, log)),
    writer: async (transactionalId, settings) =>
      track(await openWriter(openSession(client), transactionalId, settings)),
    reader: () => track(openSession(client) as Reader),
    lanes: async (groupId, topic, on) => track(await joinLanes(client, groupId, topic, on)),
    admin: async () => track(await openAdmin(client)),
    commitOffsets: (groupId, positions) => {
      committer ??= track(openSession(client));
      return committer.commitOffsets(groupId, positions);
    },
    close: async () => {
      closed = true;
      await Promise.allSettled([...open].map((part) => part.close()));
    },
  };
};

const joinLanes = async (client: Client, groupId: string, topic: string, on: LaneListener) => {
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
  await attempt(`joining group ${groupId}`, async () => {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatch: async () => {} });
  });
  return { close: () => consumer.disconnect() };
};

const openAdmin = async (client: Client): Promise<Admin> => {
  const admin: ClientAdmin = client.admin();
  await attempt('an administrative connection', () => admin.connect());
  return {
    listTopics: () => attempt('the list of topics', () => admin.listTopics()),
    createTopics: (topics) => createMissingTopics(admin, topics),
    createAcls: (acls) =>
      attempt('creating ACLs', async () => {
        await admin.createAcls({ acl: acls.map(clientAcl) });
        await untilInForce(admin, acls.map(clientAcl));
      }),
    deleteTopics: (topics) => attempt('deleting topics', () => admin.deleteTopics({ topics: [...topics] })),
    deleteRecords: (topic, before) =>
      attempt(`deleting records of ${topic}`, async () => {
        // The client looks for the leaders before it has the metadata of a topic that it has not met yet.
        await admin.fetchTopicOffsets(topic);
        await admin.deleteTopicRecords({
          topic,
          partitions: before.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
        });
      }),
    committedOffsets: (groupId, topic) =>
      attempt(`the committed offsets of group ${groupId}`, async () => {
        const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
        const committed = (answer?.partitions ?? []).filter(({ offset }) => Number(offset) >= 0);
        return new Map(committed.map(({ partition, offset }) => [partition, Number(offset)]));
      }),
    close: () => admin.disconnect(),
  };
};

const createMissingTopics = (admin: ClientAdmin, topics: readonly TopicDeclaration[]) =>
  attempt('creating topics', async () => {
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter(({ topic }) => !existing.has(topic));
    const names = missing.map(({ topic }) => topic);
    if (missing.length === 0) return names;
    await admin.createTopics({
      waitForLeaders: false,
      timeout: LEADERS_DEADLINE_MS,
      topics: missing.map(({ topic, partitions, replicationFactor, config }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      })),
    });
    await untilLed(admin, names);
    return names;
  });

/** The client's own wait gives up where a broker has not heard of the topic yet, which happens with KRaft. */
const untilLed = (admin: ClientAdmin, names: string[]) =>
  untilDeadline(Date.now() + LEADERS_DEADLINE_MS, 25, () =>
    attempt('the leaders of new topics', async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: names });
      const led = topics.filter(
        ({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
      );
      if (led.length < names.length)
        throw new RetryableError('kafka-no-leader', 'New topics have no leader yet');
    }),
  );

type ClientAcl = ReturnType<typeof clientAcl>;

const aclKey = (acl: Omit<ClientAcl, 'host'>): string =>
  [acl.resourceType, acl.resourceName, acl.resourcePatternType, acl.principal, acl.operation].join(' ');

const untilInForce = (admin: ClientAdmin, wanted: readonly ClientAcl[]) =>
  untilDeadline(Date.now() + LEADERS_DEADLINE_MS, 25, () =>
    attempt('the ACLs in force', async () => {
      const { resources } = await admin.describeAcls({
        resourceType: kafkajs.AclResourceTypes.ANY,
        resourcePatternType: kafkajs.ResourcePatternTypes.ANY,
        permissionType: kafkajs.AclPermissionTypes.ANY,
        operation: kafkajs.AclOperationTypes.ANY,
      });
      const inForce = new Set(
        resources.flatMap(({ acls, ...resource }) => acls.map((acl) => aclKey({ ...resource, ...acl }))),
      );
      if (!wanted.every((acl) => inForce.has(aclKey(acl))))
        throw new RetryableError('kafka-acls-pending', 'New ACLs are not in force yet');
    }),
  );

const clientAcl = ({ principal, resource, name, match, operation }: AclDeclaration) => ({
  principal: `User:${principal}`,
  host: '*',
  resourceName: name,
  resourceType: {
    topic: kafkajs.AclResourceTypes.TOPIC,
    group: kafkajs.AclResourceTypes.GROUP,
    'transactional-id': kafkajs.AclResourceTypes.TRANSACTIONAL_ID,
    cluster: kafkajs.AclResourceTypes.CLUSTER,
  }[resource],
  resourcePatternType:
    match === 'literal' ? kafkajs.ResourcePatternTypes.LITERAL : kafkajs.ResourcePatternTypes.PREFIXED,
  permissionType: kafkajs.AclPermissionTypes.ALLOW,
  operation: {
    read: kafkajs.AclOperationTypes.READ,
    write: kafkajs.AclOperationTypes.WRITE,
    describe: kafkajs.AclOperationTypes.DESCRIBE,
    'describe-configs': kafkajs.AclOperationTypes.DESCRIBE_CONFIGS,
    'idempotent-write': kafkajs.AclOperationTypes.IDEMPOTENT_WRITE,
  }[operation],
});

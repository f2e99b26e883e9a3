import { createRequire } from 'node:module';
import { RetryableError } from '../../errors.ts';
import type {
  Appended,
  Batch,
  FetchedPartition,
  FetchLimits,
  OpenRecords,
  Position,
  TopicPartition,
} from '../broker-client.ts';
import { committedRecords, decodeFetchResponse, openRecordsOf } from '../protocol/fetch-response.ts';
import { type Cluster, READ_COMMITTED } from './cluster.ts';
import { errorName, errorOf } from './errors.ts';

const load = createRequire(import.meta.url);
const fetchRequest = load('kafkajs/src/protocol/requests/fetch/v11/request');
const produceResponse = load('kafkajs/src/protocol/requests/produce/v7/response');
const Encoder = load('kafkajs/src/protocol/encoder');
const murmur2: (key: Buffer) => number = load('kafkajs/src/producer/partitioners/default/murmur2');

const PRODUCE_API = 0;
export const PRODUCE_TIMEOUT_MS = 20_000;
const READ_UNCOMMITTED = 0;
export const LATEST = '-1';
export const EARLIEST = '-2';
/** Of any request that has no deadline of its own; a fetch waits for records besides. */
export const REQUEST_TIMEOUT_MS = 15_000;

/** The partition that Kafka's own clients choose for a key. */
export const partitionOfKey = (key: string | Buffer, partitions: number): number =>
  (murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fffffff) % partitions;

/** As most requests want it: topics, and in each what is made of its partitions. */
export const byTopic = <T extends TopicPartition, P>(items: readonly T[], partition: (item: T) => P) =>
  [...Map.groupBy(items, ({ topic }) => topic)].map(([topic, parts]) => ({
    topic,
    partitions: parts.map(partition),
  }));

/** Room in front of a produce request for what the client writes there: sizes, ids and its own name. */
const HEADROOM = 512;

/**
 * Written once into a buffer of the right size, with room for the client's part in front: a transaction is a
 * megabyte or more, and the client would copy it twice into buffers that grow by doubling.
 */
const producePayload = (batches: readonly Batch[], transactionalId: string | null, timeoutMs: number) => {
  const topics = byTopic(batches, (batch) => batch);
  const prologue = new Encoder().writeString(transactionalId).writeInt16(-1).writeInt32(timeoutMs);
  const pieces: Buffer[] = [Buffer.allocUnsafe(HEADROOM), prologue.writeInt32(topics.length).buffer];
  for (const { topic, partitions } of topics) {
    pieces.push(new Encoder().writeString(topic).writeInt32(partitions.length).buffer);
    for (const { partition, bytes } of partitions)
      pieces.push(new Encoder(8).writeInt32(partition).writeInt32(bytes.length).buffer, bytes);
  }
  const roomy = Buffer.concat(pieces);
  const buffer = roomy.subarray(HEADROOM);
  return { buf: buffer, buffer, roomy };
};

/** The leader of each partition of a topic. */
export const leaders = async (current: Cluster, topic: string) => {
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
  const topics = Map.groupBy(items, (item) => item.topic);
  // All at once: each addition by itself asks for the metadata of every topic known so far.
  if (topics.size > 1)
    await current.addMultipleTargetTopics([...topics.keys()]).catch(() => current.targetTopics.clear());
  for (const [topic, parts] of topics) {
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

export const refresh = (current: Cluster): Promise<void> => current.refreshMetadata().catch(() => {});

const fetchFrom = async (
  current: Cluster,
  nodeId: number,
  positions: readonly Position[],
  limits: FetchLimits,
  isolationLevel: number,
) => {
  const broker = await current.findBroker({ nodeId: String(nodeId) });
  const partitionMaxBytes = limits.partitionMaxBytes ?? 1_048_576;
  const topics = byTopic(positions, ({ partition, offset }) => ({
    partition,
    fetchOffset: String(offset),
    maxBytes: partitionMaxBytes,
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

/** Committed records of each partition; metadata is read again where one of them has moved. */
export const fetchCommitted = async (
  current: Cluster,
  positions: readonly Position[],
  limits: FetchLimits,
): Promise<FetchedPartition[]> => {
  const answers = await fetchAll(current, positions, limits);
  const asked = new Map(positions.map((p) => [`${p.topic}/${p.partition}`, p.offset]));
  return Promise.all(
    answers.map(async (answer): Promise<FetchedPartition> => {
      const { topic, partition, errorCode, lastStableOffset } = answer;
      const from = asked.get(`${topic}/${partition}`) ?? 0;
      if (errorName(errorCode) === 'OFFSET_OUT_OF_RANGE')
        return { topic, partition, records: [], next: from, endOffset: -1, outOfRange: true };
      if (errorCode !== 0) {
        await refresh(current);
        throw errorOf(errorName(errorCode), `a fetch from ${topic}`);
      }
      const read = await committedRecords(answer, from);
      return { topic, partition, ...read, endOffset: lastStableOffset, outOfRange: false };
    }),
  );
};

/** Topics that are forbidden or gone fail by themselves, not the other topics of the same request. */
const knownTopics = async (current: Cluster, batches: readonly Batch[]) => {
  const reachable: Batch[] = [];
  const refused: Appended[] = [];
  for (const [topic, parts] of Map.groupBy(batches, (batch) => batch.topic)) {
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

export const produce = async (
  current: Cluster,
  batches: readonly Batch[],
  transactionalId: string | null,
  timeoutMs: number,
): Promise<Appended[]> => {
  const { reachable, refused } = await knownTopics(current, batches);
  const groups = await byLeader(current, reachable);
  const answers = await Promise.all(
    [...groups].map(([nodeId, parts]) => produceTo(current, nodeId, parts, transactionalId, timeoutMs)),
  );
  const appended = [...refused, ...answers.flat()];
  if (appended.some(({ error }) => error !== null)) await refresh(current);
  return appended;
};

/** `timestamp` is in milliseconds since 1970, or one of the protocol's own for the start and the end. */
export const offsetsAt = async (
  current: Cluster,
  items: readonly TopicPartition[],
  timestamp: string,
  isolationLevel: number,
): Promise<Position[]> => {
  const groups = await byLeader(current, items);
  const found = await Promise.all(
    [...groups].map(async ([nodeId, parts]) => {
      const broker = await current.findBroker({ nodeId: String(nodeId) });
      const topics = byTopic(parts, ({ partition }) => ({ partition, timestamp }));
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

/** What a producer has begun and not ended, of the partitions where there is something. */
export const openRecords = async (
  current: Cluster,
  producerId: bigint,
  partitions: readonly TopicPartition[],
): Promise<OpenRecords[]> => {
  const [stable, ends] = await Promise.all([
    offsetsAt(current, partitions, LATEST, READ_COMMITTED),
    offsetsAt(current, partitions, LATEST, READ_UNCOMMITTED),
  ]);
  const endOf = new Map(ends.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
  const open: OpenRecords[] = [];
  for (const from of stable) {
    const end = endOf.get(`${from.topic}/${from.partition}`) ?? 0;
    if (from.offset < end) open.push(await openIn(current, producerId, from, end));
  }
  return open.filter(({ records }) => records.length > 0);
};

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PermanentError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Admin, BrokerClient, LaneListener, Position } from './broker-client.ts';
import { openAdmin } from './kafkajs/admin.ts';
import { createClient, type KafkaOptions } from './kafkajs/client.ts';
import { joinLanes } from './kafkajs/group-assignment.ts';
import { openSession } from './kafkajs/session.ts';
import { createProducer, type Producer, type ProducerOptions } from './producer.ts';
import type { Reader } from './reader.ts';
import {
  openTransactionalProducer,
  type TransactionalProducer,
  type TransactionalProducerOptions,
} from './transactional-producer.ts';

export type { AclDeclaration, Admin, LaneListener, TopicDeclaration } from './broker-client.ts';
export type { KafkaOptions } from './kafkajs/client.ts';

/**
 * Options from the settings that every service has.
 * @throws Error when KAFKA_CA_FILE cannot be read
 * @throws PermanentError `invalid-setting` when it holds no certificate
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
  ...(config.KAFKA_TLS ? { tls: config.KAFKA_CA_FILE ? { ca: readCa(config.KAFKA_CA_FILE) } : {} } : {}),
});

/** A connection with a broken certificate would be tried again without end. */
const readCa = (file: string): string => {
  const ca = readFileSync(file, 'utf8');
  try {
    new X509Certificate(ca);
    return ca;
  } catch (cause) {
    throw new PermanentError('invalid-setting', 'KAFKA_CA_FILE does not hold a certificate in PEM', {
      cause,
    });
  }
};

export type Kafka = {
  producer(options?: Partial<ProducerOptions>): Producer;
  /** Fences every earlier writer of this transactional id before it resolves. */
  writer(transactionalId: string, options?: TransactionalProducerOptions): Promise<TransactionalProducer>;
  /** A reader has connections of its own: a broker answers one connection's requests in order. */
  reader(): Reader;
  /** Joins a group whose only purpose is to hand out the partitions of an empty topic. */
  lanes(groupId: string, topic: string, on: LaneListener): Promise<{ close(): Promise<void> }>;
  admin(): Promise<Admin>;
  commitOffsets(groupId: string, positions: readonly Position[]): Promise<void>;
  close(): Promise<void>;
};

/** Connects nothing yet: each producer, writer, reader and admin opens its own connections when first used. */
export const connectKafka = (options: KafkaOptions, log: Logger): Kafka => {
  const client = createClient(options, log);
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
  let committer: BrokerClient | null = null;

  return {
    producer: (settings = {}) => track(createProducer(openSession(client), settings, log)),
    writer: async (transactionalId, settings) =>
      track(await openTransactionalProducer(openSession(client), transactionalId, settings)),
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

import { randomBytes } from 'node:crypto';
import { type Codec, createCodec } from '@causeway/runtime/avro/codec';
import { topology } from '@causeway/runtime/bus/acls';
import { type Envelope, encodeHeaders, eventId } from '@causeway/runtime/bus/envelope';
import { AGREEMENTS_TOPIC, ORGANISATIONS_TOPIC, topicsOf } from '@causeway/runtime/bus/topics';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { type Admin, connectKafka, type Kafka } from '@causeway/runtime/kafka/connect';
import type { Producer } from '@causeway/runtime/kafka/producer';
import { type Reader, readToEnd } from '@causeway/runtime/kafka/reader';
import type { Organisation } from '@causeway/runtime/reference-data/organisations';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { agreementDigest } from '@causeway/schemas/agreements/agreement';
import { type AgreementRecord, versionKey } from '@causeway/schemas/agreements/log';
import { describeProblem, parseAgreement } from '@causeway/schemas/agreements/parse';
import { expandAgreement } from '@causeway/schemas/agreements/release';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';

/**
 * A corner of the real bus for a test: organisations that no other test knows, their topics, and the means to
 * publish and read there. It needs the broker and registry that `npm test` starts.
 */
export type TestBus = {
  kafka: Kafka;
  admin: Admin;
  codec: Codec;
  producer: Producer;
  reader: Reader;
  organisations: string[];
  /** Settings of a service on this bus. */
  env: Record<string, string>;
  addOrganisation(): Promise<string>;
  /** Agreement YAML, as a file would have it, with the status in it. */
  activate(yaml: string): Promise<string>;
  setStatus(reference: string, status: 'active' | 'suspended' | 'ended'): Promise<void>;
  /** Publishes the catalogue's example of a type, or other data of it. */
  publish(event: TestEvent): Promise<Envelope>;
  records(topic: string): Promise<(FetchedRecord & { partition: number })[]>;
  /** Waits until the topic holds that many committed records, for 30 s at most. */
  untilRecords(topic: string, count: number): Promise<(FetchedRecord & { partition: number })[]>;
  close(): Promise<void>;
};

export type TestEvent = {
  from: string;
  type: string;
  person?: string;
  data?: unknown;
  envelope?: Partial<Envelope>;
  headers?: Record<string, string>;
};

/** One variable of the test environment. @throws Error that says how to run the tests */
export const testVariable = (name: string): string => {
  const value = process.env[`CAUSEWAY_TEST_${name}`];
  if (!value)
    throw new Error(
      `CAUSEWAY_TEST_${name} is not set: run this test with \`npm test\` or \`node infra/scripts/test.ts <file>\``,
    );
  return value;
};

/** A client of the test broker: its administrator, reached directly, where nothing else is said. */
export const testKafka = ({ username, password, broker }: TestLogIn = {}): Kafka =>
  connectKafka(
    {
      brokers: [broker ?? testVariable('KAFKA_BROKERS')],
      username: username ?? testVariable('KAFKA_USERNAME'),
      password: password ?? testVariable('KAFKA_PASSWORD'),
      clientId: 'test',
    },
    createLogger('test', 'fatal'),
  );

type TestLogIn = { username?: string; password?: string; broker?: string };

export const freshOrganisation = (): string => `org-${randomBytes(5).toString('hex')}`;

/** A token that belongs to a person who is only a word in a test. */
export const testToken = (person: string): string => eventId(['test'], Buffer.from(person), 0);

export const createTestBus = async (count = 2): Promise<TestBus> => {
  const kafka = testKafka();
  const log = createLogger('test', 'error');
  const codec = createCodec({ registryUrl: testVariable('SCHEMA_REGISTRY_URL') }, log);
  const admin = await kafka.admin();
  // A broker that has been up for longer may lack what a change has added.
  await admin.createTopics(topology([], { replicationFactor: 1, minInSyncReplicas: 1 }).topics);
  const producer = kafka.producer();
  const reader = kafka.reader();
  const catalogue = loadCatalogue();
  const ids = new Map<string, number>();
  for (const { type, schema } of catalogue)
    ids.set(type, await codec.register(type, schema, 'FULL_TRANSITIVE'));
  const organisations: string[] = [];
  const idOf = (type: string) => ids.get(type) ?? 0;

  const addOrganisation = async () => {
    const id = freshOrganisation();
    const { topics } = topology([id], { replicationFactor: 1, minInSyncReplicas: 1 });
    await admin.createTopics(topics.filter(({ topic }) => topic.endsWith(`.${id}`)));
    const organisation: Organisation = {
      id,
      name: id,
      kind: 'other',
      handlingAccepted: [],
      dutyContacts: [],
    };
    await producer.send([
      { topic: ORGANISATIONS_TOPIC, key: id, value: Buffer.from(JSON.stringify(organisation)) },
    ]);
    organisations.push(id);
    return id;
  };
  for (let index = 0; index < count; index += 1) await addOrganisation();

  const append = (record: AgreementRecord) =>
    producer.send([{ topic: AGREEMENTS_TOPIC, partition: 0, value: Buffer.from(JSON.stringify(record)) }]);

  const setStatus: TestBus['setStatus'] = async (reference, status) => {
    const [id = '', version] = reference.split('/');
    const at = new Date().toISOString();
    await append({ kind: 'status', id, version: Number(version), status, reason: 'test', by: 'test', at });
  };

  const records: TestBus['records'] = async (topic) => {
    const partitions = await reader.partitionCount(topic);
    const all = await Promise.all(
      Array.from({ length: partitions }, async (_, partition) => {
        const found = [];
        for await (const record of readToEnd(reader, { topic, partition }, 0))
          found.push({ ...record, partition });
        return found;
      }),
    );
    return all.flat();
  };

  return {
    kafka,
    admin,
    codec,
    producer,
    reader,
    organisations,
    env: {
      KAFKA_BROKERS: testVariable('KAFKA_BROKERS'),
      KAFKA_USERNAME: testVariable('KAFKA_USERNAME'),
      KAFKA_PASSWORD: testVariable('KAFKA_PASSWORD'),
      SCHEMA_REGISTRY_URL: testVariable('SCHEMA_REGISTRY_URL'),
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'fatal',
    },
    addOrganisation,
    setStatus,
    activate: async (yaml) => {
      const parsed = parseAgreement(yaml, 'test.yaml', catalogue);
      if ('problems' in parsed) throw new Error(parsed.problems.map(describeProblem).join('\n'));
      const { agreement } = parsed;
      const { release } = expandAgreement(agreement, catalogue);
      const pinned = Object.fromEntries(
        Object.entries(release).map(([type, one]) => [type, { ...one, schemaId: idOf(type) }]),
      );
      const { id, version, status } = agreement;
      const at = new Date().toISOString();
      await append({
        kind: 'version',
        id,
        version,
        agreement,
        release: pinned,
        digest: agreementDigest(agreement),
        by: 'test',
        at,
      });
      if (status === 'active' || status === 'suspended') await setStatus(versionKey(agreement), status);
      return versionKey(agreement);
    },
    publish: async ({ from, type, person = 'somebody', data, envelope = {}, headers = {} }) => {
      const example = catalogue.find((entry) => entry.type === type)?.example;
      const value = await codec.encode(idOf(type), data ?? example?.data);
      const event: Envelope = {
        id: eventId([from, person], Buffer.from(randomBytes(8)), 0),
        source: `/${from}/test`,
        type,
        time: '2026-10-05T14:20:00+01:00',
        subject: testToken(person),
        tokens: [testToken(person)],
        otherTokens: [],
        classification: 'OFFICIAL-SENSITIVE',
        handling: [],
        exclude: [],
        replay: false,
        agreement: [],
        ...envelope,
      };
      await producer.send([
        {
          topic: topicsOf(from).outbox,
          key: event.subject,
          value,
          headers: { ...encodeHeaders(event, 'outbox'), ...headers },
        },
      ]);
      return event;
    },
    records,
    untilRecords: async (topic, wanted) => {
      const deadline = Date.now() + 30_000;
      for (;;) {
        const found = await records(topic);
        if (found.length >= wanted) return found;
        if (Date.now() > deadline) throw new Error(`${topic} holds ${found.length} records, not ${wanted}`);
      }
    },
    close: () => kafka.close(),
  };
};

/** Creates the topics that all organisations share, where they are missing. */
export const createSharedTopics = async (): Promise<void> => {
  const kafka = testKafka();
  const admin = await kafka.admin();
  await admin.createTopics(topology([], { replicationFactor: 1, minInSyncReplicas: 1 }).topics);
  await kafka.close();
};

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createCodec } from '@causeway/runtime/avro/codec';
import { topology } from '@causeway/runtime/bus/acls';
import { type Envelope, encodeHeaders } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import type { PlacedRecord } from '@causeway/runtime/kafka/broker-client';
import { connectKafka } from '@causeway/runtime/kafka/connect';
import { connectDatabase } from '@causeway/runtime/postgres/database';
import { createLogger } from '@causeway/runtime/telemetry/log';
import type { Agreement, AgreementStatus } from '@causeway/schemas/agreements/agreement';
import type { AgreementRecord } from '@causeway/schemas/agreements/log';
import type { AvroSchema } from '@causeway/schemas/avro/schema';
import type { Release } from '@causeway/schemas/disclosure/view';

/** A schema of its own for the gateways of one test: instances that share one share the work in it. */
export const freshSchema = (): { name: string; drop(): Promise<void> } => {
  const name = `gateway_${randomBytes(6).toString('hex')}`;
  return {
    name,
    drop: async () => {
      const url = testEnvironment().DATABASE_URL ?? '';
      const database = connectDatabase({
        url,
        schema: name,
        log: createLogger('test', 'silent'),
        connections: 1,
      });
      await database.query(`drop schema if exists ${name} cascade`);
      await database.close();
    },
  };
};

/** The parts that the test run has brought up. */
export const testEnvironment = (): Record<string, string> => {
  const given = (name: string): string => {
    const value = process.env[`CAUSEWAY_TEST_${name}`];
    if (value === undefined) throw new Error(`CAUSEWAY_TEST_${name} is not set: run this test with npm test`);
    return value;
  };
  return {
    KAFKA_BROKERS: given('KAFKA_BROKERS'),
    KAFKA_USERNAME: given('KAFKA_USERNAME'),
    KAFKA_PASSWORD: given('KAFKA_PASSWORD'),
    SCHEMA_REGISTRY_URL: given('SCHEMA_REGISTRY_URL'),
    DATABASE_URL: given('DATABASE_URL'),
    PARTNERSHIP_KEY: 'a partnership key of this test',
    // The broker of the tests has the organisations of every test.
    GATEWAY_WATCHED: 'nobody',
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent',
  };
};

export const TYPE = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const LEAVES = ['person.name', 'person.sex', 'ward'];

const viewOf = (recipient: string): AvroSchema =>
  ({
    type: 'record',
    name: 'InpatientAdmissionRecordedV1',
    namespace: `uk.causeway.view.${recipient.replaceAll('-', '_')}`,
    fields: [
      {
        name: 'person',
        type: {
          type: 'record',
          name: 'InpatientAdmissionRecordedV1_person',
          fields: [
            { name: 'name', type: ['null', 'string'], default: null },
            { name: 'sex', type: ['null', 'string'], default: null },
          ],
        },
      },
      { name: 'ward', type: ['null', 'string'], default: null },
    ],
  }) as unknown as AvroSchema;

/** Conditions that the recipient has undertaken to keep. */
const HANDLING = ['a', 'b'];

export type Entry = { partition: number; value: Buffer | null; headers: Record<string, string> };

export type Partnership = {
  /** Fresh in every run, with topics of its own. */
  recipient: string;
  agreement: string;
  viewId: number;
  /** A record for the recipient's inbox; what is not given is as usual. */
  entry(partition: number, about: Partial<Envelope>, data?: unknown): Promise<Entry>;
  /**
   * Writes in one transaction; an `aborted` one leaves only its traces in the log. Its end is acknowledged before its
   * markers are written: `settled` (the default) waits until they are there.
   */
  write(entries: readonly Entry[], how?: { aborted?: boolean; settled?: boolean }): Promise<void>;
  /** Leaves a transaction with this record open; what it resolves with aborts it. */
  leaveOpen(entry: Entry): Promise<() => Promise<void>>;
  /** Loads a version of the agreement, or changes its status. */
  load(version: number, release?: Release, valid?: Partial<Agreement['valid']>): Promise<void>;
  status(version: number, status: AgreementStatus): Promise<void>;
  close(): Promise<void>;
};

/** One organisation with an inbox, an agreement that fills it, and the rights to write into it. */
export const createPartnership = async (): Promise<Partnership> => {
  const env = testEnvironment();
  const log = createLogger('test', 'silent');
  const kafka = connectKafka(
    {
      brokers: (env.KAFKA_BROKERS ?? '').split(','),
      username: env.KAFKA_USERNAME ?? '',
      password: env.KAFKA_PASSWORD ?? '',
      clientId: 'gateway-test',
    },
    log,
  );
  const suffix = randomBytes(5).toString('hex');
  const recipient = `council-${suffix}`;
  const agreement = `agreement-${suffix}`;
  const admin = await kafka.admin();
  await admin.createTopics(topology([recipient], { replicationFactor: 1, minInSyncReplicas: 1 }).topics);
  await admin.close();
  const codec = createCodec({ registryUrl: env.SCHEMA_REGISTRY_URL ?? '' }, log);
  const viewId = await codec.register(`view.${recipient}.${TYPE}`, viewOf(recipient), 'NONE');
  const writer = await kafka.writer(`exchange.lane.test-${suffix}`);
  const producer = kafka.producer();
  let events = 0;

  const organisation = { id: recipient, name: recipient, kind: 'council', handlingAccepted: HANDLING };
  const registered = {
    topic: 'organisations',
    key: recipient,
    value: Buffer.from(JSON.stringify(organisation)),
  };
  await producer.send([registered]);

  const publish = async (record: AgreementRecord) => {
    const value = Buffer.from(JSON.stringify(record));
    await producer.send([{ topic: 'agreements', partition: 0, value }]);
  };
  const { inbox } = topicsOf(recipient);
  const reader = kafka.reader();
  const ends = async (): Promise<number[]> => {
    const bounds = await reader.bounds(inbox, [0, 1, 2, 3, 4, 5]);
    return bounds.map(({ end }) => end);
  };
  /** Each partition of a transaction gets its records and one marker. */
  const untilSettled = async (before: readonly number[], entries: readonly Entry[]): Promise<void> => {
    const expected = before.map((end, partition) => {
      const count = entries.filter((entry) => entry.partition === partition).length;
      return count === 0 ? end : end + count + 1;
    });
    while ((await ends()).some((end, partition) => end < (expected[partition] ?? 0))) await delay(2);
  };
  const signed = { id: agreement, by: 'test', at: '2026-01-01T00:00:00Z' };

  return {
    recipient,
    agreement,
    viewId,
    entry: async (partition, about, data = { person: { name: 'A', sex: null }, ward: 'W' }) => {
      events += 1;
      const event: Envelope = {
        id: randomBytes(16).toString('base64url'),
        source: '/a-trust/adt',
        type: TYPE,
        time: '2026-11-23T09:00:00Z',
        subject: String(events).padStart(22, 's'),
        tokens: [],
        otherTokens: [],
        classification: 'OFFICIAL-SENSITIVE',
        handling: [],
        exclude: [],
        replay: false,
        agreement: [`${agreement}/1`],
        ...about,
      };
      return { partition, value: await codec.encode(viewId, data), headers: encodeHeaders(event, 'inbox') };
    },
    write: async (entries, { aborted = false, settled = true } = {}) => {
      const records = entries.map(
        (entry): PlacedRecord => ({ topic: inbox, key: entry.headers.ce_subject ?? null, ...entry }),
      );
      const refusal = new Error('aborted on purpose');
      const refuse = () => {
        throw refusal;
      };
      const before = settled ? await ends() : [];
      await writer.write(records, aborted ? refuse : undefined).catch((error) => {
        if (error !== refusal) throw error;
      });
      if (settled) await untilSettled(before, entries);
    },
    leaveOpen: async (entry) => {
      const id = `exchange.lane.test-${suffix}-open`;
      const breaking = await kafka.writer(id);
      // Too large for the topic: the transaction fails when the first record is already in the log.
      const tooLarge = { topic: inbox, partition: (entry.partition + 1) % 6, value: Buffer.alloc(2_150_000) };
      await breaking.write([{ topic: inbox, ...entry }, tooLarge]).then(
        () => Promise.reject(new Error('the record was not too large')),
        () => undefined,
      );
      return async () => (await kafka.writer(id)).close();
    },
    load: async (version, release = { leaves: LEAVES, generalise: {} }, valid = {}) => {
      const term = { from: '2020-01-01', until: '2099-12-31', review: '2099-12-31', graceDays: 30, ...valid };
      const content = {
        id: agreement,
        version,
        from: 'a-trust',
        to: [recipient],
        valid: term,
        marking: { ceiling: 'OFFICIAL-SENSITIVE', handling: HANDLING },
        audience: 'all',
        history: true,
      } as unknown as Agreement;
      const pinned = { [TYPE]: { ...release, schemaId: viewId } };
      await publish({ kind: 'version', ...signed, version, agreement: content, release: pinned, digest: '' });
    },
    status: (version, status) => publish({ kind: 'status', ...signed, version, status, reason: 'test' }),
    close: async () => {
      await kafka.close();
    },
  };
};

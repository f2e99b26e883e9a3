/** The adapter on a real bus, with a drop folder of its own: for tests. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { createCodec } from '@causeway/runtime/avro/codec';
import { topology } from '@causeway/runtime/bus/acls';
import { decodeHeaders, type Envelope } from '@causeway/runtime/bus/envelope';
import { AGREEMENTS_TOPIC, LANES, topicsOf } from '@causeway/runtime/bus/topics';
import { connectKafka, type Kafka } from '@causeway/runtime/kafka/connect';
import { readToEnd } from '@causeway/runtime/kafka/reader';
import { type Service, startService } from '@causeway/runtime/service/service';
import { createLogger } from '@causeway/runtime/telemetry/log';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import type { AgreementRecord } from '@causeway/schemas/agreements/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { name, settings, start } from '../adapter.ts';
import { createTestCouncil } from '../database/testing.ts';
import type { Receipt } from './receipt.ts';

const env = (variable: string): string => process.env[`CAUSEWAY_TEST_${variable}`] ?? '';
const FIXTURES = new URL('../../fixtures/returns/data-to-insight/', import.meta.url);

export const fixture = (file: string): Buffer =>
  file.endsWith('.csv')
    ? gunzipSync(readFileSync(new URL(`${file}.gz`, FIXTURES)))
    : readFileSync(new URL(file, FIXTURES));

export const caseFile = (file: string): Buffer => readFileSync(new URL(`../cases/${file}`, FIXTURES));

type Published = { event: Envelope; data: Record<string, unknown> };

type Council = {
  folder: string;
  /** Puts a file into the folder under another name first, and waits for the receipt that is about it. */
  drop(file: string, content: Buffer | string): Promise<Receipt>;
  /** Waits for the receipt that is about the file as it is now. */
  receipt(file: string): Promise<Receipt>;
  /** The events in the outbox beyond those that were given before. */
  news(): Promise<Published[]>;
  /** How many dead letters there are. */
  deadLetters(): Promise<number>;
  /** How many records open a safeguard, and how many end one. */
  safeguards(): Promise<{ opened: number; ended: number }>;
  restart(): Promise<void>;
  service(): Service;
};

type Prepared = Pick<Council, 'folder' | 'news' | 'deadLetters' | 'safeguards'> &
  AsyncDisposable & {
    /** The settings of an adapter that works there. */
    environment: Record<string, string>;
  };

/** A council on the bus with an empty drop folder, and nobody who reads it. `shared`: types that an agreement names; the default is all. */
export const prepareCouncil = async (shared: (type: string) => boolean = () => true): Promise<Prepared> => {
  const log = createLogger('test', 'silent');
  const organisation = `council-${randomBytes(6).toString('hex')}`;
  const folder = mkdtempSync(join(tmpdir(), 'drop-'));
  const kafka = connectKafka(
    {
      brokers: env('KAFKA_BROKERS').split(','),
      username: env('KAFKA_USERNAME'),
      password: env('KAFKA_PASSWORD'),
      clientId: organisation,
    },
    log,
  );
  const control = await kafka.admin();
  await control.createTopics(topology([organisation], { replicationFactor: 1, minInSyncReplicas: 1 }).topics);
  await control.close();
  const codec = createCodec({ registryUrl: env('SCHEMA_REGISTRY_URL') }, log);
  for (const { type, schema } of loadCatalogue()) await codec.register(type, schema, 'FULL_TRANSITIVE');
  await kafka.producer().send(
    sharing(organisation, shared).map((record) => ({
      topic: AGREEMENTS_TOPIC,
      partition: 0,
      value: Buffer.from(JSON.stringify(record)),
    })),
  );
  const environment = {
    LOG_LEVEL: 'silent',
    ORGANISATION: organisation,
    PARTNERSHIP_KEY: 'a key of this test and no other',
    KAFKA_BROKERS: env('KAFKA_BROKERS'),
    KAFKA_USERNAME: env('KAFKA_USERNAME'),
    KAFKA_PASSWORD: env('KAFKA_PASSWORD'),
    SCHEMA_REGISTRY_URL: env('SCHEMA_REGISTRY_URL'),
    DATABASE_URL: env('DATABASE_URL'),
    COUNCIL_SOCIAL_CARE_DATABASE_SCHEMA: organisation.replace('-', '_'),
    COUNCIL_DROP_DIR: folder,
    COUNCIL_SOCIAL_CARE_DROP_POLL_MS: '50',
  };
  const seen = Array.from({ length: LANES }, () => 0);

  return {
    folder,
    environment,
    async news() {
      const reader = kafka.reader();
      const found: Published[] = [];
      for (let partition = 0; partition < LANES; partition += 1) {
        const topic = topicsOf(organisation).outbox;
        for await (const record of readToEnd(reader, { topic, partition }, seen[partition] ?? 0)) {
          seen[partition] = Number(record.offset) + 1;
          const { data } = await codec.decode(record.value as Buffer);
          found.push({ event: decodeHeaders(record.headers), data: data as Record<string, unknown> });
        }
      }
      await reader.close();
      return found;
    },
    deadLetters: async () => (await valuesIn(kafka, topicsOf(organisation).deadLetter)).length,
    async safeguards() {
      const values = await valuesIn(kafka, topicsOf(organisation).safeguards);
      const opened = values.filter((value) => value !== null).length;
      return { opened, ended: values.length - opened };
    },
    async [Symbol.asyncDispose]() {
      await kafka.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const valuesIn = async (kafka: Kafka, topic: string): Promise<(Buffer | null)[]> => {
  const reader = kafka.reader();
  const values: (Buffer | null)[] = [];
  for await (const { value } of readToEnd(reader, { topic, partition: 0 }, 0)) values.push(value);
  await reader.close();
  return values;
};

/** The database of a council, which is dropped with the test. */
export const createTestDatabase = async () => {
  const database = await createTestCouncil();
  return { ...database, [Symbol.asyncDispose]: () => database.drop() };
};

/** The same with an adapter at work. */
export const startCouncil = async (
  extra: Record<string, string> = {},
  shared?: (type: string) => boolean,
): Promise<Council & AsyncDisposable> => {
  const prepared = await prepareCouncil(shared);
  const { folder } = prepared;
  const begin = () => startService(name, settings, start, { ...prepared.environment, ...extra });
  let service = await begin();

  return {
    folder,
    news: prepared.news,
    deadLetters: prepared.deadLetters,
    safeguards: prepared.safeguards,
    service: () => service,
    async drop(file, content) {
      const path = join(folder, file);
      await writeFile(`${path}.part`, content);
      const { mtimeMs } = statSync(`${path}.part`);
      await rename(`${path}.part`, path);
      return receiptOf(folder, file, mtimeMs);
    },
    receipt: (file) => receiptOf(folder, file, statSync(join(folder, file)).mtimeMs),
    async restart() {
      await service.stop();
      service = await begin();
    },
    async [Symbol.asyncDispose]() {
      await service.stop();
      await prepared[Symbol.asyncDispose]();
    },
  };
};

const receiptOf = async (folder: string, file: string, modifiedMs: number): Promise<Receipt> => {
  for (;;) {
    for (const name of readdirSync(folder)) {
      if (!name.startsWith(file) || !name.endsWith('.receipt.json')) continue;
      const receipt = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Receipt;
      if (receipt.file.modified === new Date(modifiedMs).toISOString()) return receipt;
    }
    await delay(20);
  }
};

const sharing = (organisation: string, shared: (type: string) => boolean): AgreementRecord[] => {
  const named = { id: organisation, version: 1, by: 'test', at: '2026-01-01T00:00:00Z' };
  const valid = { from: '2026-01-01', until: '2027-12-31' };
  const agreement = {
    from: organisation,
    to: ['a-recipient'],
    title: 'a test',
    valid,
  } as unknown as Agreement;
  const release = Object.fromEntries(
    loadCatalogue()
      .filter(({ type, siblingOf }) => siblingOf.length === 0 && shared(type))
      .map(({ type }) => [type, { schemaId: 1, leaves: [], generalise: {} }]),
  );
  return [
    { kind: 'version', ...named, agreement, release, digest: 'x' },
    { kind: 'status', ...named, status: 'active', reason: 'test' },
  ];
};

/** Name and SHA-256 of each sample as it was published. */
export const fixtureSums = (): [string, string][] =>
  readFileSync(new URL('SHA256SUMS', FIXTURES), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(/ +/).reverse() as [string, string]);

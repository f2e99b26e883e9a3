import { setTimeout as delay } from 'node:timers/promises';
import { ChangeRefused, versionRecords } from '@causeway/runtime/agreements/lifecycle';
import { type Codec, createCodec } from '@causeway/runtime/avro/codec';
import { topology } from '@causeway/runtime/bus/acls';
import { AGREEMENTS_TOPIC, ORGANISATIONS_TOPIC, type TopologySettings } from '@causeway/runtime/bus/topics';
import { isPermanent } from '@causeway/runtime/errors';
import type { KafkaRecord } from '@causeway/runtime/kafka/broker-client';
import { connectKafka, type Kafka, kafkaOptions } from '@causeway/runtime/kafka/connect';
import type { Reader } from '@causeway/runtime/kafka/reader';
import { openAuditLedger } from '@causeway/runtime/ledger/audit-ledger';
import type { Organisation } from '@causeway/runtime/reference-data/organisations';
import type { Config } from '@causeway/runtime/service/config';
import { createLogger, type Logger } from '@causeway/runtime/telemetry/log';
import { type Agreement, agreementDigest, canonicalJson } from '@causeway/schemas/agreements/agreement';
import { type AgreementRecord, applyRecord, versionKey } from '@causeway/schemas/agreements/log';
import type { EventType } from '@causeway/schemas/catalogue/catalogue';
import type { clusterSettings } from '../common/connections.ts';
import { principalSecret, type Secrets } from '../common/secrets.ts';
import { CannotStart } from '../common/settings.ts';
import { organisationsOnBus } from './partnership.ts';

type Deployment = {
  connections: Config<typeof clusterSettings> & { SCHEMA_REGISTRY_URL: string };
  /** Where the principals' passwords are; with them the step ends once the rights are in force. */
  secrets?: Secrets;
  /** Whether topics and rights are made here; an operator of the cluster may make them from the same declaration. */
  topics?: boolean;
  replication: TopologySettings;
  catalogue: readonly EventType[];
  organisations: Organisation[];
  agreements: Agreement[];
  /** Whom organisations know from the start, in the example partnership only. */
  interests?: KafkaRecord[];
  say: (line: string) => void;
  now?: () => Date;
};

const DEPLOYER = 'deployer';
const ATTEMPTS = 20;

/**
 * Brings the bus into the state that the repository declares: topics and rights, event schemas,
 * organisations, agreements. Doing it again changes nothing.
 * @throws CannotStart when an agreement or schema cannot be loaded
 */
export async function deploy(deployment: Deployment): Promise<void> {
  const { connections, replication, catalogue, organisations, say } = deployment;
  const ids = organisations.map(({ id }) => id);
  const log = createLogger(DEPLOYER, 'error');
  const kafka = connectKafka(kafkaOptions(connections, DEPLOYER), log);
  const codec = createCodec({ registryUrl: connections.SCHEMA_REGISTRY_URL }, log);
  try {
    const [schemaIds] = await Promise.all([
      registerSchemas(codec, catalogue),
      deployment.topics === false ? undefined : applyTopology(kafka, ids, replication),
    ]);
    await publish(kafka, await changedOrganisations(kafka, organisations));
    const loaded = await loadAgreements(kafka, deployment, schemaIds, log);
    if (loaded.length > 0) say(`agreements loaded: ${loaded.join(', ')}`);
    await publish(kafka, deployment.interests ?? []);
    await rightsInForce(deployment, ids, log);
  } finally {
    await kafka.close();
  }
}

/**
 * The controller has taken the rights before a broker goes by them, and on a new broker the topics are laid
 * out first. All of them come into force together, so the last principal's look at a topic answers for all.
 * @throws Error when they do not come into force
 */
async function rightsInForce({ connections, replication, secrets }: Deployment, ids: string[], log: Logger) {
  const principal = topology(ids, replication).principals.at(-1);
  if (!principal || !secrets) return;
  const logIn = { KAFKA_USERNAME: principal, KAFKA_PASSWORD: secrets.get(principalSecret(principal)) };
  const kafka = connectKafka(kafkaOptions({ ...connections, ...logIn }, DEPLOYER), log);
  const reader = kafka.reader();
  try {
    await patiently(
      () => reader.bounds(AGREEMENTS_TOPIC, [0]),
      () => true,
    );
  } finally {
    await reader.close();
    await kafka.close();
  }
}

async function applyTopology(
  kafka: Kafka,
  organisations: string[],
  replication: TopologySettings,
): Promise<void> {
  const { topics, acls } = topology(organisations, replication);
  const admin = await patiently(() => kafka.admin());
  try {
    await patiently(() => admin.createTopics(topics));
    await patiently(() => admin.createAcls(acls));
  } finally {
    await admin.close();
  }
}

async function registerSchemas(codec: Codec, catalogue: readonly EventType[]): Promise<Map<string, number>> {
  const ids = new Map<string, number>();
  for (const { type, schema } of catalogue) {
    ids.set(type, await patiently(() => codec.register(type, schema, 'FULL_TRANSITIVE')));
  }
  return ids;
}

/** A broker or registry that has only just begun to answer may say no a few times more. */
async function patiently<T>(
  work: () => Promise<T>,
  again: (error: unknown) => boolean = (error) => !isPermanent(error),
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!again(error) || attempt === ATTEMPTS) throw error;
      await delay(100 * Math.min(attempt, 10));
    }
  }
}

async function publish(kafka: Kafka, records: KafkaRecord[]): Promise<void> {
  if (records.length === 0) return;
  const producer = kafka.producer();
  try {
    await producer.send(records);
  } finally {
    await producer.close();
  }
}

async function readTopic<T>(kafka: Kafka, topic: string, read: (reader: Reader) => Promise<T>): Promise<T> {
  const reader = kafka.reader();
  try {
    return await patiently(() => read(reader));
  } catch (error) {
    throw new Error(`the topic ${topic} cannot be read`, { cause: error });
  } finally {
    await reader.close();
  }
}

async function changedOrganisations(
  kafka: Kafka,
  organisations: readonly Organisation[],
): Promise<KafkaRecord[]> {
  const known = await readTopic(kafka, ORGANISATIONS_TOPIC, organisationsOnBus);
  return organisations
    .map((organisation) => ({ id: organisation.id, text: canonicalJson(organisation) }))
    .filter(({ id, text }) => known.get(id) !== text)
    .map(({ id, text }) => ({ topic: ORGANISATIONS_TOPIC, partition: 0, key: id, value: Buffer.from(text) }));
}

/**
 * Loads the agreement files that are not there yet, with the status in the file. Other content under a known version is
 * refused before anything is written.
 */
async function loadAgreements(
  kafka: Kafka,
  { agreements, catalogue, organisations, now = () => new Date() }: Deployment,
  schemaIds: ReadonlyMap<string, number>,
  log: Logger,
): Promise<string[]> {
  const world = { catalogue, schemaIds, organisations: organisations.map(({ id }) => id) };
  const ledger = openAuditLedger(kafka, log);
  try {
    const { records } = await ledger.change((before) => {
      let state = before;
      const added: AgreementRecord[] = [];
      const problems: string[] = [];
      for (const agreement of agreements) {
        if (before.versions.get(versionKey(agreement))?.record.digest === agreementDigest(agreement))
          continue;
        try {
          const records = versionRecords(state, agreement, world, {
            by: DEPLOYER,
            reason: 'as its file says at first load',
            at: now().toISOString(),
          });
          for (const record of records) state = applyRecord(state, record);
          added.push(...records);
        } catch (error) {
          if (!(error instanceof ChangeRefused)) throw error;
          problems.push(...error.message.split('\n'));
        }
      }
      if (problems.length > 0)
        throw new CannotStart(`The agreements cannot be loaded:\n  ${problems.join('\n  ')}`);
      return added;
    });
    return [...new Set(records.map(versionKey))];
  } finally {
    await ledger.close();
  }
}

/** The nhs-mesh adapter: its settings, and how its parts are put together. */
import { followAgreements } from '@causeway/runtime/agreements';
import { createCodec } from '@causeway/runtime/avro';
import {
  type Config,
  databaseSettings,
  developmentDefault,
  inProduction,
  integer,
  kafkaSettings,
  list,
  partnershipSettings,
  registrySettings,
  text,
  url,
} from '@causeway/runtime/config';
import { connectDatabase } from '@causeway/runtime/database';
import { PermanentError, RetryableError } from '@causeway/runtime/errors';
import { connectKafka, kafkaOptions } from '@causeway/runtime/kafka';
import { contactOf, followOrganisations } from '@causeway/runtime/organisations';
import { followRedrives } from '@causeway/runtime/redriver';
import type { Context } from '@causeway/runtime/service';
import { createShielding } from '@causeway/runtime/shielding';
import { createSource } from '@causeway/runtime/source';
import { tokeniserOf } from '@causeway/runtime/tokens';
import { createMeshClient } from './client.ts';
import { createHttp } from './http.ts';
import { ADAPTER, createIntake } from './intake.ts';
import { emptyMailbox } from './mailbox.ts';
import { createRedrive } from './redrive.ts';
import { SANDBOX } from './sandbox-login.ts';

export const name = ADAPTER;

/** The workflows of NEMS and MNS that are about the national index (their ids are the publisher's). */
const WORKFLOWS = [
  ...['DEATHNOTIFICATION_1', 'CHANGEOFADDRESS_1', 'CHANGEOFGP_1', 'BIRTHNOTIFICATION_1'],
  ...['PDS_RECORD_CHANGE_1', 'PDSRECORDCHANGE_2'],
  ...['DEATHNOTIFICATION_2', 'CHANGEOFGP_2', 'NHSNUMBERCHANGE_2'],
];

/** NHS England gives these out: all that can be wrong with them is that they are not its own. */
function notOfTheSandbox(value: string): string | undefined {
  return [SANDBOX.password, SANDBOX.sharedKey].includes(value) ? 'is that of the sandbox' : undefined;
}

export const settings = {
  ...kafkaSettings,
  ...registrySettings,
  ...databaseSettings,
  NHS_MESH_DATABASE_SCHEMA: text('nhs_mesh'),
  ORGANISATION: text(),
  ...partnershipSettings,
  NHS_MESH_URL: inProduction(url(developmentDefault('http://127.0.0.1:8700')), (address) =>
    address.startsWith('https://') ? undefined : 'is not an https address',
  ),
  NHS_MESH_MAILBOX: text(developmentDefault(SANDBOX.mailbox)),
  NHS_MESH_PASSWORD: inProduction(text(developmentDefault(SANDBOX.password)), notOfTheSandbox),
  NHS_MESH_SHARED_KEY: inProduction(text(developmentDefault(SANDBOX.sharedKey)), notOfTheSandbox),
  NHS_MESH_CERTIFICATE: text().optional(),
  NHS_MESH_PRIVATE_KEY: text().optional(),
  NHS_MESH_AUTHORITY: text().optional(),
  NHS_MESH_WORKFLOWS: list(WORKFLOWS),
  NHS_MESH_POLL_MS: integer(developmentDefault(1_000), { min: 10, max: 86_400_000 }),
  NHS_MESH_CONNECTIONS: integer(16, { min: 1, max: 64 }),
  NHS_MESH_SILENCE_SECONDS: integer(30, { min: 1, max: 600 }),
  NHS_MESH_MAX_MESSAGE_BYTES: integer(1_000_000, { min: 10_000, max: 10_000_000 }),
};

const TYPES = [
  'uk.causeway.nhs.birth.notified.v1',
  'uk.causeway.nhs.change-of-address.notified.v1',
  'uk.causeway.nhs.death.notified.v1',
  'uk.causeway.nhs.demographics.amended.v1',
  'uk.causeway.nhs.identity.linked.v1',
] as const;

const FOLLOWING_MS = 5_000;

/** @throws PermanentError `configuration` */
export const start = async (context: Context<Config<typeof settings>>): Promise<void> => {
  const { config, log, metrics, onStop, readiness, signal } = context;
  const organisation = config.ORGANISATION;
  if (
    config.NHS_MESH_URL.startsWith('https:') &&
    !(config.NHS_MESH_CERTIFICATE && config.NHS_MESH_PRIVATE_KEY)
  )
    throw new PermanentError(
      'configuration',
      'MESH wants a client certificate: set NHS_MESH_CERTIFICATE_FILE and NHS_MESH_PRIVATE_KEY_FILE',
    );
  const database = connectDatabase({
    url: config.DATABASE_URL,
    schema: config.NHS_MESH_DATABASE_SCHEMA,
    log,
    metrics,
  });
  onStop('database', () => database.close());
  const kafka = connectKafka(kafkaOptions(config, `${organisation}.${ADAPTER}`), log);
  onStop('kafka', () => kafka.close());
  const agreements = followAgreements(kafka, log);
  onStop('agreements', () => agreements.close());
  const organisations = followOrganisations(kafka, log);
  onStop('organisations', () => organisations.close());
  const tokeniser = tokeniserOf(config);
  const producer = kafka.producer();
  const source = createSource({
    organisation,
    adapter: ADAPTER,
    types: TYPES,
    producer,
    codec: createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }, log),
    database,
    agreements,
    tokeniser,
    log,
    metrics,
  });
  onStop('source', () => source.close());
  readiness('source', () => source.ready());
  readiness('database', () => database.ping());
  readiness('kafka', async () => {
    if (!agreements.freshWithin(FOLLOWING_MS))
      throw new RetryableError('kafka-unavailable', 'Kafka has not answered for some seconds');
  });

  const intake = createIntake({
    source,
    workflows: new Set(config.NHS_MESH_WORKFLOWS),
    contact: () => contactOf(organisation, organisations.get(organisation)),
    shielding: createShielding({ organisation, adapter: ADAPTER, tokeniser }),
    now: () => new Date(),
    log,
    metrics,
  });
  const redriver = followRedrives({
    organisation,
    component: ADAPTER,
    reader: () => kafka.reader(),
    producer,
    database,
    log,
    redrive: createRedrive(intake),
  });
  onStop('redriver', () => redriver.close());

  const client = createMeshClient({
    http: createHttp({
      url: config.NHS_MESH_URL,
      connections: config.NHS_MESH_CONNECTIONS,
      silenceMs: config.NHS_MESH_SILENCE_SECONDS * 1_000,
      certificate: config.NHS_MESH_CERTIFICATE,
      privateKey: config.NHS_MESH_PRIVATE_KEY,
      authority: config.NHS_MESH_AUTHORITY,
    }),
    mailbox: config.NHS_MESH_MAILBOX,
    password: config.NHS_MESH_PASSWORD,
    sharedKey: config.NHS_MESH_SHARED_KEY,
    maxMessageBytes: config.NHS_MESH_MAX_MESSAGE_BYTES,
    calls: metrics.sourceCalls,
    adapter: ADAPTER,
    signal,
  });
  const mailbox = emptyMailbox({
    client,
    intake,
    source,
    pollMs: config.NHS_MESH_POLL_MS,
    concurrency: config.NHS_MESH_CONNECTIONS,
    signal,
    log,
    metrics,
  });
  onStop('mailbox', () => mailbox.close());
  readiness('mesh', () => mailbox.ready());
};

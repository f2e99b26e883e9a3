/** The nhs-mesh adapter: its settings, and how its parts are put together. */
import { adapterSettings, startAdapter } from '@causeway/runtime/adapter/adapter';
import { followRedrives } from '@causeway/runtime/delivery/redrive-worker';
import { PermanentError } from '@causeway/runtime/errors';
import {
  type Config,
  developmentDefault,
  inProduction,
  integer,
  list,
  text,
  url,
} from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import { createShielding } from '@causeway/runtime/source/shielding';
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
  ...adapterSettings,
  NHS_MESH_DATABASE_SCHEMA: text('nhs_mesh'),
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

/** @throws PermanentError `configuration` */
export const start = async (context: Context<Config<typeof settings>>): Promise<void> => {
  const { config, log, metrics, onStop, readiness, signal } = context;
  if (
    config.NHS_MESH_URL.startsWith('https:') &&
    !(config.NHS_MESH_CERTIFICATE && config.NHS_MESH_PRIVATE_KEY)
  )
    throw new PermanentError(
      'configuration',
      'MESH wants a client certificate: set NHS_MESH_CERTIFICATE_FILE and NHS_MESH_PRIVATE_KEY_FILE',
    );
  const parts = startAdapter(context, {
    adapter: ADAPTER,
    schema: config.NHS_MESH_DATABASE_SCHEMA,
    types: TYPES,
  });
  const intake = createIntake({
    source: parts.source,
    workflows: new Set(config.NHS_MESH_WORKFLOWS),
    contact: parts.contact,
    shielding: createShielding(parts),
    now: () => new Date(),
    log,
    metrics,
  });
  const redriver = followRedrives({
    ...parts,
    component: ADAPTER,
    reader: () => parts.kafka.reader(),
    log,
    metrics,
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
    source: parts.source,
    pollMs: config.NHS_MESH_POLL_MS,
    concurrency: config.NHS_MESH_CONNECTIONS,
    signal,
    log,
    metrics,
  });
  onStop('mailbox', () => mailbox.close());
  readiness('mesh', () => mailbox.ready());
};

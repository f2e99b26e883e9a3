/** The nhs-trust adapter: its settings, and how its parts are put together. */
import { adapterSettings, startAdapter, typesOf } from '@causeway/runtime/adapter/adapter';
import { PermanentError } from '@causeway/runtime/errors';
import { type Config, choice, integer, list, port, text } from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import { ADAPTER, createIntake, type IntakeOptions } from './intake.ts';
import { serveMllp } from './mllp/sender.ts';
import { createSafeguarding } from './safeguarding.ts';
import { sinkSettings, startSinkSide } from './sink/side.ts';
import { parseMark } from './translate/shielding.ts';

export const name = ADAPTER;

export const settings = {
  ...adapterSettings,
  NHS_TRUST_DATABASE_SCHEMA: text('nhs_trust'),
  NHS_TRUST_MLLP_HOST: text('127.0.0.1'),
  NHS_TRUST_MLLP_PORT: port(2575),
  NHS_TRUST_ACK_MODE: choice(['original', 'enhanced'], 'original'),
  NHS_TRUST_MAX_MESSAGE_BYTES: integer(1_000_000, { min: 10_000, max: 50_000_000 }),
  NHS_TRUST_IDLE_SECONDS: integer(30, { min: 1, max: 3_600 }),
  NHS_TRUST_MAX_CONNECTIONS: integer(64, { min: 1, max: 1_000 }),
  NHS_TRUST_PROCESSING_IDS: list(['P', 'T', 'D']),
  NHS_TRUST_NUMBER_WITHOUT_STATUS: choice(['verified', 'unverified'], 'verified'),
  NHS_TRUST_SHIELDING_MARK: text('ZU8-3'),
  ...sinkSettings,
};

/** What only the national index says. */
const NATIONAL = new Set<string>([
  'uk.causeway.nhs.birth.notified.v1',
  'uk.causeway.nhs.change-of-address.notified.v1',
]);

/** The event types that this adapter can publish: all of the hospital's. */
const TYPES = typesOf('nhs').filter((type) => !NATIONAL.has(type));

/** An engine waits 10 to 30 seconds for its answer; a database that hangs must not use that up. */
const STATEMENT_MS = 4_000;

/** Starts the adapter. @throws Error when the MLLP port cannot be listened on */
export const start = async (context: Context<Config<typeof settings>>): Promise<void> => {
  const { config, log, metrics, onStop } = context;
  const parts = startAdapter(context, {
    adapter: ADAPTER,
    schema: config.NHS_TRUST_DATABASE_SCHEMA,
    statementMs: STATEMENT_MS,
    types: TYPES,
  });

  const shieldingMark = parseMark(config.NHS_TRUST_SHIELDING_MARK);
  if (shieldingMark === undefined)
    throw new PermanentError(
      'configuration',
      'NHS_TRUST_SHIELDING_MARK is a segment and a field, such as ZU8-3',
    );
  const intake: IntakeOptions = {
    source: parts.source,
    ackMode: config.NHS_TRUST_ACK_MODE,
    nhsNumber: { withoutStatus: config.NHS_TRUST_NUMBER_WITHOUT_STATUS },
    processingIds: new Set(config.NHS_TRUST_PROCESSING_IDS),
    shieldingMark,
    safeguard: createSafeguarding(parts.organisation, parts.tokeniser),
    contact: parts.contact,
    now: () => new Date(),
    log,
    metrics,
  };
  startSinkSide(context, parts, intake);
  const server = await serveMllp({
    host: config.NHS_TRUST_MLLP_HOST,
    port: config.NHS_TRUST_MLLP_PORT,
    maxMessageBytes: config.NHS_TRUST_MAX_MESSAGE_BYTES,
    idleMs: config.NHS_TRUST_IDLE_SECONDS * 1_000,
    maxConnections: config.NHS_TRUST_MAX_CONNECTIONS,
    handle: createIntake(intake),
    turnedAway: () => {
      metrics.sourceMessages.inc({ adapter: ADAPTER, outcome: 'refused', reason: 'too-many-connections' });
      log.warn({ event: 'connection.refused' }, 'connection refused: too many are open');
    },
  });
  onStop('MLLP server', () => server.close());
  log.info({ event: 'server.listening', port: server.port }, 'listening for MLLP');
};

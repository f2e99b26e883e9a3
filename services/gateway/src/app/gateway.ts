import { setTimeout as delay } from 'node:timers/promises';
import { onceThere } from '@causeway/runtime/async/timeout';
import { createCodec } from '@causeway/runtime/avro/codec';
import { createDecoder, createWriterOf } from '@causeway/runtime/avro/schema-lookup';
import { tokeniserOf } from '@causeway/runtime/bus/pseudonyms';
import { RetryableError } from '@causeway/runtime/errors';
import type { FeedbackParts } from '@causeway/runtime/feedback/feedback';
import { createInboxes } from '@causeway/runtime/inbox/inbox';
import { connectKafka, kafkaOptions } from '@causeway/runtime/kafka/connect';
import { followAgreements } from '@causeway/runtime/reference-data/agreements';
import { followInterests } from '@causeway/runtime/reference-data/interests';
import { followOrganisations, type Organisations } from '@causeway/runtime/reference-data/organisations';
import { followSafeguards } from '@causeway/runtime/reference-data/safeguards';
import { createAccessVerifier } from '@causeway/runtime/service/access-token';
import {
  type Config,
  databaseSettings,
  flag,
  inProduction,
  integer,
  kafkaSettings,
  list,
  oidcSettings,
  partnershipSettings,
  port,
  registrySettings,
  secrets,
  text,
  url,
} from '@causeway/runtime/service/config';
import { listen } from '@causeway/runtime/service/http-server';
import type { Context } from '@causeway/runtime/service/service';
import { serverTls, tlsSettings, watchCertificate } from '@causeway/runtime/service/tls';
import { createFeedbackIndex } from '../feedback/feedback-index.ts';
import { createWatches } from '../feedback/watches.ts';
import { createGuard } from '../http/guard.ts';
import { createPublished } from '../publishing/published.ts';
import { createTypes } from '../publishing/types.ts';
import type { ReadingParts } from '../reading/current-page.ts';
import { createCursors } from '../reading/cursor.ts';
import { createReadReceipts } from '../reading/read-receipts.ts';
import { openStore } from '../store/store.ts';
import { systemResolve } from '../subscriptions/endpoint.ts';
import { createSecretEncryption } from '../subscriptions/secret-encryption.ts';
import { createSigner } from '../subscriptions/signing.ts';
import { holdsLoopback, rangesOf } from '../subscriptions/ssrf-policy.ts';
import { createWebhookClient } from '../subscriptions/webhook-client.ts';
import { createWebhooks } from '../subscriptions/webhooks.ts';
import { createApp } from './app.ts';

const AUDIENCE = 'causeway-gateway';
const READY_MS = 5_000;
/** A publisher is told that agreements are not known rather than kept waiting. */
const AGREEMENTS_MS = 3_000;
const START_PATIENCE_MS = 5_000;
const STREAM_PATIENCE_MS = 30_000;

const areRanges = (ranges: readonly string[]): boolean => {
  try {
    rangesOf(ranges);
    return true;
  } catch {
    return false;
  }
};

export const settings = {
  ...kafkaSettings,
  ...registrySettings,
  ...oidcSettings,
  ...tlsSettings,
  ...databaseSettings,
  ...partnershipSettings,
  GATEWAY_DATABASE_SCHEMA: text('gateway'),
  GATEWAY_HOST: text('127.0.0.1'),
  GATEWAY_PORT: port(8081),
  GATEWAY_URL: inProduction(url().optional(), (address) =>
    address?.startsWith('https://')
      ? undefined
      : 'is not set; set it to the https address by which partners reach the gateway',
  ),
  GATEWAY_REQUESTS_PER_SECOND: integer(2_000, { min: 1 }),
  GATEWAY_STREAMS_PER_CLIENT: integer(10, { min: 1 }),
  GATEWAY_STREAM_HEARTBEAT_SECONDS: integer(15, { min: 1, max: 300 }),
  GATEWAY_WATCHED: list(['all']),
  GATEWAY_NOT_WATCHED: list([]),
  GATEWAY_SLOW_SECONDS: integer(30, { min: 1, max: 600 }),
  CURSOR_KEY: secrets('signs'),
  WEBHOOK_KEY: secrets('encrypts'),
  GATEWAY_WEBHOOK_RANGES: inProduction(
    list([]).refine(areRanges).describe('ranges of addresses separated by commas, such as 10.20.0.0/16'),
    (ranges) =>
      holdsLoopback(ranges) ? 'holds loopback addresses; name only ranges where partners are' : undefined,
  ),
  GATEWAY_WEBHOOKS_TO_LOOPBACK: inProduction(flag(false), (here) =>
    here
      ? 'is true; endpoints are on the public internet and over https in production: leave it out'
      : undefined,
  ),
};

type Settings = Config<typeof settings>;

export const startGateway = async (context: Context<Settings>): Promise<void> => {
  const { config, log, metrics, signal, onStop, use, readiness } = context;
  const kafka = use('kafka', connectKafka(kafkaOptions(config, 'gateway'), log));
  const agreements = followAgreements(kafka, log);
  const organisations = followOrganisations(kafka, log);
  const interests = followInterests(kafka, organisations, log);
  const safeguards = followSafeguards(kafka, organisations, log);
  onStop('followers', async () => {
    await Promise.all([agreements, organisations, interests, safeguards].map((one) => one.close()));
  });
  readiness('agreements', async () => {
    if (!agreements.freshWithin(READY_MS))
      throw new RetryableError('agreements-not-current', 'agreements are not up to date');
    if (!organisations.freshWithin(READY_MS) || !safeguards.freshWithin(READY_MS))
      throw new RetryableError('safeguards-not-current', 'organisations and safeguards are not up to date');
  });
  // A short wait avoids refusing the first requests; while Kafka is unavailable they are refused with the reason.
  const caughtUp = Promise.all([agreements.caughtUp, organisations.caughtUp, safeguards.caughtUp]);
  await Promise.race([caughtUp, delay(START_PATIENCE_MS, undefined, { signal, ref: false })]).catch(() => {});
  const inboxes = use('inboxes', createInboxes(kafka, log));

  const producer = use('producer', kafka.producer());
  // Read receipts never delay publishing.
  const notes = use('notes', kafka.producer());
  // Neither do delivery records of webhooks.
  const deliveries = use('deliveries', kafka.producer());
  const store = use(
    'database',
    openStore({ url: config.DATABASE_URL, schema: config.GATEWAY_DATABASE_SCHEMA, log, metrics }, signal),
  );
  const published = use('published events', createPublished(store, log));

  const now = () => Date.now();
  const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }, log);
  const tokeniser = tokeniserOf(config);
  const types = createTypes(codec);
  const feedback = (organisation: string): FeedbackParts => ({
    organisation,
    component: 'gateway',
    codec,
    organisations,
    agreements,
  });
  const watches = use(
    'watches',
    createWatches(
      { database: store, inboxes, producer, log, metrics },
      feedback,
      watchedBy(config, organisations),
    ),
  );
  const reading: ReadingParts = {
    inboxes,
    cursors: createCursors(config.CURSOR_KEY),
    writerOf: createWriterOf(codec, now),
    agreements,
    organisations,
    safeguards,
    log,
    now,
  };
  const access = createAccessVerifier({ issuer: config.OIDC_ISSUER, audience: AUDIENCE });
  const webhookClient = createWebhookClient();
  const encryption = createSecretEncryption(config.WEBHOOK_KEY);
  const webhooks = createWebhooks({
    database: store,
    inboxes,
    reader: () => kafka.reader(),
    producer: deliveries,
    decode: createDecoder(codec, now),
    agreements,
    organisations,
    safeguards,
    log,
    metrics,
    watchOf: watches.of,
    encryption,
    sending: {
      webhookClient,
      resolve: systemResolve,
      policy: {
        ranges: rangesOf(config.GATEWAY_WEBHOOK_RANGES),
        loopback: config.GATEWAY_WEBHOOKS_TO_LOOPBACK,
      },
      signer: createSigner(encryption),
    },
  });
  onStop('webhooks', async () => {
    await webhooks.close();
    webhookClient.close();
  });
  const app = createApp({
    guard: createGuard(access, config.GATEWAY_REQUESTS_PER_SECOND),
    reading,
    readReceipts: createReadReceipts({ send: notes.send, watchOf: watches.of, now, log }),
    publishing: {
      agreements,
      ready: onceThere(AGREEMENTS_MS, 'agreements', agreements.caughtUp),
      codec,
      types,
      published,
      producer,
      tokeniser,
      metrics,
    },
    feedback: { feedback, producer, watches, now, index: createFeedbackIndex(store) },
    interests: { interests, producer, tokeniser, now },
    subscriptions: { webhooks, encryption, reading, catalogue: { agreements, types }, now },
    catalogue: { agreements, types, served: { url: urlOf(config), issuer: config.OIDC_ISSUER }, now },
    streams: {
      heartbeatMs: config.GATEWAY_STREAM_HEARTBEAT_SECONDS * 1_000,
      slowMs: config.GATEWAY_SLOW_SECONDS * 1_000,
      patienceMs: STREAM_PATIENCE_MS,
      perClient: config.GATEWAY_STREAMS_PER_CLIENT,
    },
    issuer: config.OIDC_ISSUER,
    log,
    metrics,
    stopping: signal,
  });
  const tls = serverTls(config);
  if (tls) watchCertificate(metrics, 'server', tls.read().cert);
  const server = use(
    'http',
    await listen(app, { host: config.GATEWAY_HOST, port: config.GATEWAY_PORT, tls }),
  );
  log.info({ event: 'server.listening', url: server.url }, 'listening');
};

/** How partners reach it, for documents that say so. */
const urlOf = ({ GATEWAY_URL, GATEWAY_HOST, GATEWAY_PORT }: Settings): string =>
  GATEWAY_URL ?? `http://${GATEWAY_HOST}:${GATEWAY_PORT}`;

/** The organisations whose events are checked for being overdue: all except those with an adapter, which checks its own. */
const watchedBy =
  (
    { GATEWAY_WATCHED: only, GATEWAY_NOT_WATCHED: not }: Settings,
    organisations: Pick<Organisations, 'all'>,
  ) =>
  (): string[] =>
    organisations
      .all()
      .map(({ id }) => id)
      .filter((id) => (only.includes('all') || only.includes(id)) && !not.includes(id));

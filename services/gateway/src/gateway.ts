import { readFileSync } from 'node:fs';
import { type AccessVerifier, createAccessVerifier } from '@causeway/runtime/access';
import { followAgreements } from '@causeway/runtime/agreements';
import { createCodec } from '@causeway/runtime/avro';
import {
  type Config,
  kafkaSettings,
  list,
  oidcSettings,
  port,
  registrySettings,
  text,
} from '@causeway/runtime/config';
import { createDecoder } from '@causeway/runtime/decoder';
import { RetryableError } from '@causeway/runtime/errors';
import { listen, notFound, problemHandler } from '@causeway/runtime/http';
import { createInboxes } from '@causeway/runtime/inbox';
import { connectKafka } from '@causeway/runtime/kafka';
import type { Logger } from '@causeway/runtime/log';
import type { Metrics } from '@causeway/runtime/metrics';
import type { Context } from '@causeway/runtime/service';
import express, { type Express } from 'express';
import helmet from 'helmet';
import { audited } from './audit.ts';
import { createCursors } from './cursor.ts';
import { allowing, limited } from './limits.ts';
import type { ReadingParts } from './reading.ts';
import { getEvents } from './routes/events.ts';
import { getOpenApi } from './routes/openapi.ts';

const AUDIENCE = 'causeway-gateway';
const MIN_KEY = 16;
const READY_MS = 5_000;

export const settings = {
  ...kafkaSettings,
  ...registrySettings,
  ...oidcSettings,
  GATEWAY_HOST: text('127.0.0.1'),
  GATEWAY_PORT: port(8081),
  CURSOR_KEY: list()
    .refine((keys) => keys.every((key) => key.length >= MIN_KEY))
    .describe(`one or more keys of at least ${MIN_KEY} characters separated by commas; the first one signs`),
};

type Settings = Config<typeof settings>;

export const startGateway = async (context: Context<Settings>): Promise<void> => {
  const { config, log, metrics, signal, onStop, readiness } = context;
  const kafka = connectKafka(kafkaOptions(config), log);
  onStop('kafka', () => kafka.close());
  const agreements = followAgreements(kafka, log);
  onStop('agreements', () => agreements.close());
  readiness('agreements', async () => {
    if (!agreements.freshWithin(READY_MS))
      throw new RetryableError('agreements-not-current', 'agreements are not followed');
  });
  const inboxes = createInboxes(kafka, log);
  onStop('inboxes', () => inboxes.close());

  const now = () => Date.now();
  const parts: ReadingParts = {
    inboxes,
    cursors: createCursors(config.CURSOR_KEY),
    decode: createDecoder(createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }, log), now),
    agreements,
    log,
    now,
  };
  const access = createAccessVerifier({ issuer: config.OIDC_ISSUER, audience: AUDIENCE });
  const app = createApp({ access, parts, issuer: config.OIDC_ISSUER, log, metrics, stopping: signal });
  const server = await listen(app, { host: config.GATEWAY_HOST, port: config.GATEWAY_PORT });
  onStop('http', () => server.close());
  log.info({ url: server.url }, 'listening');
};

export type AppParts = {
  access: AccessVerifier;
  parts: ReadingParts;
  issuer: string;
  log: Logger;
  metrics: Metrics;
  stopping: AbortSignal;
};

export const createApp = ({ access, parts, issuer, log, metrics, stopping }: AppParts): Express => {
  const app = express();
  app
    .set('etag', false)
    .set('query parser', false)
    .set('strict routing', true)
    .set('case sensitive routing', true);
  app.use(audited(log, metrics), helmet(), (_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });
  app.use(limited);
  app.get('/v1/events', getEvents(access, parts, stopping));
  app.all('/v1/events', allowing('GET', 'HEAD'));
  app.get('/v1/openapi.json', getOpenApi(issuer));
  app.all('/v1/openapi.json', allowing('GET', 'HEAD'));
  app.use(notFound(), problemHandler(log));
  return app;
};

const kafkaOptions = (config: Settings) => ({
  brokers: config.KAFKA_BROKERS,
  username: config.KAFKA_USERNAME,
  password: config.KAFKA_PASSWORD,
  clientId: 'gateway',
  ...(config.KAFKA_TLS
    ? { tls: config.KAFKA_CA_FILE ? { ca: readFileSync(config.KAFKA_CA_FILE, 'utf8') } : {} }
    : {}),
});

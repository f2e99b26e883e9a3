/** The police-records adapter: its settings, and how its parts are put together. */
import { adapterSettings, startAdapter, typesOf } from '@causeway/runtime/adapter/adapter';
import { runLoop } from '@causeway/runtime/async/run-loop';
import { RetryableError } from '@causeway/runtime/errors';
import { createAccessVerifier } from '@causeway/runtime/service/access-token';
import { type Config, integer, list, oidcSettings, port, text, url } from '@causeway/runtime/service/config';
import { listen } from '@causeway/runtime/service/http-server';
import type { Context } from '@causeway/runtime/service/service';
import { serverTls, tlsSettings, watchCertificate } from '@causeway/runtime/service/tls';
import { createIngress } from './client.ts';
import { ADAPTER, createIntake } from './intake.ts';
import { openApi } from './openapi.ts';
import { createDocumentReader } from './read-document.ts';
import { createReportStore } from './report-store.ts';
import { sinkSettings, startSinkSide } from './sink-side.ts';

export const name = ADAPTER;

export const settings = {
  ...adapterSettings,
  ...oidcSettings,
  ...tlsSettings,
  POLICE_RECORDS_DATABASE_SCHEMA: text('police_records'),
  POLICE_RECORDS_HOST: text('127.0.0.1'),
  POLICE_RECORDS_PORT: port(8084),
  POLICE_RECORDS_JWKS_URL: url().optional(),
  POLICE_RECORDS_AUDIENCES: list(['causeway-police-records', 'causeway-gateway']),
  POLICE_RECORDS_CLIENTS: list().optional(),
  POLICE_RECORDS_REQUESTS_PER_SECOND: integer(500, { min: 1, max: 100_000 }),
  POLICE_RECORDS_FORCE_IDENTIFIER: text('99'),
  ...sinkSettings,
};

const STATEMENT_MS = 4_000;
const RETRY_MS = 1_000;
const FORGET_MS = 3_600_000;

/** Starts the adapter. @throws PermanentError `port-in-use` */
export const start = async (context: Context<Config<typeof settings>>): Promise<void> => {
  const { config, log, metrics, onStop, readiness, signal } = context;
  const parts = startAdapter(context, {
    adapter: ADAPTER,
    schema: config.POLICE_RECORDS_DATABASE_SCHEMA,
    statementMs: STATEMENT_MS,
    types: typesOf('police'),
  });
  const { organisation } = parts;
  const reports = createReportStore(parts.database);
  let isPrepared = false;
  const keeping = runLoop({
    name: 'report-tables',
    signal,
    async step() {
      await reports.prepare();
      isPrepared = true;
      await reports.forget();
      return FORGET_MS;
    },
    retryMs: RETRY_MS,
    log,
    metrics,
  });
  onStop('reports', () => keeping);
  readiness('reports', async () => {
    if (!isPrepared) throw new RetryableError('starting', 'The tables are not there yet');
  });

  const intake = createIntake({
    ...parts,
    store: reports,
    read: createDocumentReader(config.POLICE_RECORDS_FORCE_IDENTIFIER),
    log,
    metrics,
  });
  startSinkSide(context, { ...parts, reports, intake });
  const audiences = config.POLICE_RECORDS_AUDIENCES;
  const access = createAccessVerifier({
    issuer: config.OIDC_ISSUER,
    audience: audiences,
    ...(config.POLICE_RECORDS_JWKS_URL && { jwksUri: config.POLICE_RECORDS_JWKS_URL }),
  });
  const ingress = createIngress({
    organisation,
    access,
    clients: config.POLICE_RECORDS_CLIENTS,
    requestsPerSecond: config.POLICE_RECORDS_REQUESTS_PER_SECOND,
    intake,
    openApi: openApi(config.OIDC_ISSUER, config.POLICE_RECORDS_FORCE_IDENTIFIER, audiences),
    log,
  });
  const tls = serverTls(config);
  if (tls) watchCertificate(metrics, 'server', tls.read().cert);
  const server = await listen(ingress, {
    host: config.POLICE_RECORDS_HOST,
    port: config.POLICE_RECORDS_PORT,
    tls,
  });
  onStop('http', () => server.close());
  log.info({ event: 'server.listening', url: server.url }, 'listening for documents');
};

/** The police-records adapter: its settings, and how its parts are put together. */
import { setTimeout as delay } from 'node:timers/promises';
import { adapterSettings, startAdapter } from '@causeway/runtime/adapter/adapter';
import { errorCode, RetryableError } from '@causeway/runtime/errors';
import { createAccessVerifier } from '@causeway/runtime/service/access-token';
import { type Config, integer, list, oidcSettings, port, text, url } from '@causeway/runtime/service/config';
import { listen } from '@causeway/runtime/service/http-server';
import type { Context } from '@causeway/runtime/service/service';
import { serverTls, tlsSettings, watchCertificate } from '@causeway/runtime/service/tls';
import type { Logger } from '@causeway/runtime/telemetry/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { EventData } from '@causeway/schemas/generated/types';
import { createDoor } from './client.ts';
import { ADAPTER, createIntake } from './intake.ts';
import { openApi } from './openapi.ts';
import { createDocumentReader } from './read-document.ts';
import { createReportStore, type ReportStore } from './report-store.ts';
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

/** The event types that this adapter can publish: all of the police's. */
const TYPES = loadCatalogue()
  .map(({ type }) => type as keyof EventData)
  .filter((type) => type.startsWith('uk.causeway.police.'));

const STATEMENT_MS = 4_000;
const RETRY_MS = 1_000;
const FORGET_MS = 3_600_000;

/** Starts the adapter. @throws PermanentError `port-in-use` */
export const start = async (context: Context<Config<typeof settings>>): Promise<void> => {
  const { config, log, metrics, onStop, readiness } = context;
  const parts = startAdapter(context, {
    adapter: ADAPTER,
    schema: config.POLICE_RECORDS_DATABASE_SCHEMA,
    statementMs: STATEMENT_MS,
    types: TYPES,
  });
  const { organisation } = parts;
  const reports = createReportStore(parts.database);
  const prepared = prepareReports(reports, log);
  onStop('reports', () => prepared.close());
  readiness('reports', async () => prepared.ready());

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
  const door = createDoor({
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
  const server = await listen(door, {
    host: config.POLICE_RECORDS_HOST,
    port: config.POLICE_RECORDS_PORT,
    tls,
  });
  onStop('http', () => server.close());
  log.info({ event: 'server.listening', url: server.url }, 'listening for documents');
};

/** Brings the tables up to date in the background, and removes what is old. */
const prepareReports = (reports: Pick<ReportStore, 'prepare' | 'forget'>, log: Logger) => {
  const closing = new AbortController();
  let isPrepared = false;
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted && !isPrepared) {
      try {
        await reports.prepare();
        isPrepared = true;
      } catch (error) {
        log.warn({ event: 'database.retrying', code: errorCode(error) }, 'migration failed; retrying');
        await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  };
  const running = run();
  const forgetting = setInterval(() => {
    reports
      .forget()
      .catch((error) =>
        log.warn({ event: 'cleanup.failed', code: errorCode(error) }, 'old answers could not be removed'),
      );
  }, FORGET_MS);
  return {
    ready() {
      if (!isPrepared) throw new RetryableError('starting', 'The tables are not there yet');
    },
    async close() {
      closing.abort();
      clearInterval(forgetting);
      await running;
    },
  };
};

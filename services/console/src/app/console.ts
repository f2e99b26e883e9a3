import { createCodec } from '@causeway/runtime/avro/codec';
import { tokeniserOf } from '@causeway/runtime/bus/pseudonyms';
import { IDENTITY_LINKS_TOPIC } from '@causeway/runtime/bus/topics';
import { connectKafka, kafkaOptions } from '@causeway/runtime/kafka/connect';
import { openAuditLedger } from '@causeway/runtime/ledger/audit-ledger';
import { createNoteSigner } from '@causeway/runtime/ledger/signed-note';
import { followAgreements } from '@causeway/runtime/reference-data/agreements';
import { createLinks } from '@causeway/runtime/reference-data/identity-links';
import { followOrganisations } from '@causeway/runtime/reference-data/organisations';
import { followTopics } from '@causeway/runtime/reference-data/topic-follower';
import { createAccessVerifier } from '@causeway/runtime/service/access-token';
import {
  type Config,
  databaseSettings,
  inProduction,
  integer,
  kafkaSettings,
  list,
  oidcSettings,
  partnershipSettings,
  port,
  registrySettings,
  secret,
  secrets,
  text,
  url,
} from '@causeway/runtime/service/config';
import { listen } from '@causeway/runtime/service/http-server';
import type { Context } from '@causeway/runtime/service/service';
import { serverTls, tlsSettings, watchCertificate } from '@causeway/runtime/service/tls';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { createAgreementService } from '../agreements/agreement-service.ts';
import { readableAgreements } from '../agreements/readable-agreements.ts';
import { DELIVER_WITHIN_SECONDS, lookForAttention } from '../alerts/attention.ts';
import { countInterests } from '../alerts/interests.ts';
import { startCheckpointer } from '../checkpoints/checkpointer.ts';
import { followDisclosures } from '../disclosures/follow.ts';
import { createDisclosures } from '../disclosures/search.ts';
import { sendRedrives } from '../failures/redrive.ts';
import { flowTotals } from '../flow/flow-totals.ts';
import { followJourneys } from '../journeys/follow.ts';
import { startLagSampler } from '../lag/sampler.ts';
import { startMeasurement } from '../measurement/measurement.ts';
import { parsePart, probeAddress, watchParts } from '../parts/parts.ts';
import { createIdentityProvider } from '../sign-in/identity-provider.ts';
import { poll } from '../store/poll.ts';
import { forPages, openStore, type Store } from '../store/store.ts';
import type { AppReaders } from './app.ts';
import { createApp } from './app.ts';
import { showGauges } from './gauges.ts';

const GAUGES_MS = 5_000;
const CLIENT_ID = 'causeway-console';

export const consoleSettings = {
  ...kafkaSettings,
  ...oidcSettings,
  ...databaseSettings,
  ...registrySettings,
  /** The services to keep an eye on: `name=admin address`, an adapter as `name@organisation=admin address`. */
  CAUSEWAY_PARTS: list([]),
  /** Only these organisations are measured and shown; all that there are by default. */
  CONSOLE_ORGANISATIONS: list([]),
  /** How long an immediate event may be on its way to its recipient before *Overview* says who to ring. */
  CONSOLE_DELIVER_WITHIN_SECONDS: integer(DELIVER_WITHIN_SECONDS, { min: 1 }),
  CONSOLE_DATABASE_SCHEMA: text('console'),
  ...tlsSettings,
  NODE_ENV: text('development'),
  CONSOLE_HOST: text('127.0.0.1'),
  CONSOLE_PORT: port(8080),
  /** The address that people type, which the OpenID provider sends them back to. */
  CONSOLE_URL: inProduction(url().optional(), (address) =>
    address?.startsWith('https://')
      ? undefined
      : 'is not set; set it to the https address that people type to reach the console',
  ),
  CONSOLE_CLIENT_SECRET: secret(),
  SESSION_KEY: secrets('encrypts'),
  /** Makes tokens of identifiers that are searched for. */
  ...partnershipSettings,
  CONSOLE_DISCLOSURES_SCHEMA: text('console_disclosures'),
  /** Sign checkpoints, all of them: each 32 random bytes in base64url. */
  CHECKPOINT_KEY: secrets('is the one that others learn'),
  CHECKPOINT_NAME: text('causeway'),
  /** Where checkpoints are kept outside the cluster. */
  CHECKPOINT_DIR: text(),
};

/** Starts the console: pages and API for the people who run the bus and answer for it. */
export async function startConsole(context: Context<Config<typeof consoleSettings>>): Promise<void> {
  const { config, log, metrics, signal, onStop, use, readiness } = context;
  const production = config.NODE_ENV === 'production';
  const configuredUrl = config.CONSOLE_URL === undefined ? undefined : new URL(config.CONSOLE_URL);

  const kafka = use('kafka', connectKafka(kafkaOptions(config, CLIENT_ID), log));
  const register = use('organisations', followOrganisations(kafka, log));
  const only = config.CONSOLE_ORGANISATIONS;
  const organisations = {
    all: () => register.all().filter(({ id }) => only.length === 0 || only.includes(id)),
  };
  const began = Date.now();
  const measurement = use('measurement', startMeasurement({ kafka, organisations, log, metrics }));

  const store = use(
    'database',
    openStore({ url: config.DATABASE_URL, schema: config.CONSOLE_DATABASE_SCHEMA, log, signal }),
  );
  use('journeys', followJourneys({ kafka, store, organisations, log, metrics }));
  const sampler = use('lag samples', startLagSampler({ store, measured: measurement.now, log, metrics }));
  const asking = { store, log, metrics };
  const attention = use(
    'attention',
    poll(
      'attention',
      5_000,
      () => lookForAttention(store.query, Date.now(), config.CONSOLE_DELIVER_WITHIN_SECONDS),
      asking,
    ),
  );
  const totals = use(
    'flow totals',
    poll('flow', 10_000, () => flowTotals(store.query), asking),
  );
  const agreements = use('agreements', followAgreements(kafka, log));
  const parts = use(
    'parts',
    watchParts(
      [
        ...config.CAUSEWAY_PARTS.map(parsePart),
        { name: 'database', probe: probeDatabase(store) },
        { name: 'registry', probe: () => probeAddress(`${config.SCHEMA_REGISTRY_URL}/subjects?limit=1`) },
        {
          name: 'log-in service',
          probe: () =>
            probeAddress(`${config.OIDC_ISSUER.replace(/\/$/, '')}/.well-known/openid-configuration`),
        },
      ],
      { log },
    ),
  );

  const showing = setInterval(() => showGauges(metrics, readers), GAUGES_MS);
  onStop('gauges', () => clearInterval(showing));

  const ledger = use('console ledger', openAuditLedger(kafka, log));
  const signer = createNoteSigner(config.CHECKPOINT_NAME, config.CHECKPOINT_KEY);
  const checkpointer = use(
    'checkpoints',
    startCheckpointer({
      kafka,
      signer,
      organisations: register,
      directory: config.CHECKPOINT_DIR,
      log,
      metrics,
      record: (keys) => ledger.record([{ kind: 'checkpoint-keys', by: 'console', keys }]),
    }),
  );
  const ids = () => organisations.all().map(({ id }) => id);
  const offsets = use('offsets', kafka.reader());
  const interests = use(
    'interests',
    poll('interests', 60_000, () => countInterests(offsets, ids(), Date.now()), asking),
  );
  const readers: AppReaders = {
    measured: measurement.now,
    lag: sampler.now,
    parts: parts.now,
    attention: attention.now,
    organisations: organisations.all,
    agreements: () => readableAgreements(agreements.state()),
    ledgers: () => ({ since: began, ...checkpointer.standing() }),
    interests: interests.now,
    store: forPages(store),
  };
  const links = createLinks();
  use(
    'identity links',
    followTopics(kafka, {
      name: 'identity-links',
      topics: () => [IDENTITY_LINKS_TOPIC],
      apply: (_, record) => links.apply(record),
      log,
    }),
  );
  const index = use(
    'index of disclosures',
    followDisclosures({
      kafka,
      databaseUrl: config.DATABASE_URL,
      schema: config.CONSOLE_DISCLOSURES_SCHEMA,
      organisations,
      log,
      metrics,
    }),
  );
  const tokeniser = tokeniserOf(config);
  const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }, log);

  const producer = use('producer', kafka.producer());

  use('redrives', sendRedrives({ store, producer, log, metrics }));

  let publicUrl = configuredUrl;
  const app = createApp({
    provider: createIdentityProvider({
      issuer: config.OIDC_ISSUER,
      clientId: CLIENT_ID,
      clientSecret: config.CONSOLE_CLIENT_SECRET,
    }),
    access: createAccessVerifier({ issuer: config.OIDC_ISSUER, audience: CLIENT_ID }),
    measurement,
    agreements: createAgreementService({
      agreements,
      ledger,
      organisations: register,
      codec,
      catalogue: loadCatalogue(),
    }),
    disclosures: createDisclosures({ index, links, tokeniser, ledger }),
    checkpoints: { sign: signer.sign, keys: checkpointer.keys, latest: checkpointer.latest },
    readers,
    failures: { codec, ledger, producer, reader: () => kafka.reader() },
    cases: { ledger },
    flowTotals: totals.now,
    sessionKeys: config.SESSION_KEY,
    publicUrl: () => publicUrl ?? new URL(server.url),
    secure: configuredUrl?.protocol === 'https:',
    production,
    log,
    clock: Date.now,
    signal,
  });
  const tls = serverTls(config);
  if (tls) watchCertificate(metrics, 'server', tls.read().cert);
  const server = await listen(app, { host: config.CONSOLE_HOST, port: config.CONSOLE_PORT, tls });
  publicUrl ??= new URL(server.url);
  onStop('http', () => server.close());
  // A broker that is away is something to show, not a reason to be taken out of service.
  readiness('http', async () => undefined);
}

function probeDatabase(store: Store) {
  return async () => {
    await store.ping();
    return { ok: true as const };
  };
}

import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { Contact, EventData } from '@causeway/schemas/generated/types';
import { type Codec, createCodec } from '../avro/codec.ts';
import { type Tokeniser, tokeniserOf } from '../bus/pseudonyms.ts';
import { RetryableError } from '../errors.ts';
import { connectKafka, type Kafka, kafkaOptions } from '../kafka/connect.ts';
import type { Producer } from '../kafka/producer.ts';
import { connectDatabase, type Database } from '../postgres/database.ts';
import { type Agreements, followAgreements } from '../reference-data/agreements.ts';
import { contactOf, followOrganisations, type Organisations } from '../reference-data/organisations.ts';
import {
  type Config,
  databaseSettings,
  kafkaSettings,
  partnershipSettings,
  registrySettings,
  text,
} from '../service/config.ts';
import type { Context } from '../service/service.ts';
import { createSource, type Source } from '../source/source.ts';

/** Of every adapter. */
export const adapterSettings = {
  ...kafkaSettings,
  ...registrySettings,
  ...databaseSettings,
  ...partnershipSettings,
  ORGANISATION: text(),
};

/** The event types of a domain, such as `police`, that an adapter can publish. */
export const typesOf = (domain: string): (keyof EventData)[] =>
  loadCatalogue()
    .map(({ type }) => type as keyof EventData)
    .filter((type) => type.startsWith(`uk.causeway.${domain}.`));

export type AdapterOptions = {
  /** The adapter's name: the second part of `ce_source`, and of the names of its consumers. */
  adapter: string;
  /** Of its own state in PostgreSQL. */
  schema: string;
  /** How long a statement may take, milliseconds; see `DatabaseOptions`. */
  statementMs?: number;
  /** The event types that it can publish. */
  types: readonly (keyof EventData)[];
};

/** What an adapter is put together from; also what `createSink` takes. */
export type AdapterParts = {
  organisation: string;
  adapter: string;
  database: Database;
  kafka: Kafka;
  producer: Producer;
  codec: Codec;
  agreements: Agreements;
  organisations: Organisations;
  tokeniser: Tokeniser;
  source: Source;
  /** Whom to ring about an event of the organisation. */
  contact(): Contact;
};

const FOLLOWING_MS = 5_000;

/**
 * The bus side of an adapter: everything that does not depend on the legacy system. It begins in the background and goes on through
 * outages; the service is ready once it can publish. Lets go of everything when the service stops.
 * @throws PermanentError `configuration`, `weak-key`
 */
export const startAdapter = (
  { config, log, metrics, use, readiness }: Context<Config<typeof adapterSettings>>,
  { adapter, schema, statementMs, types }: AdapterOptions,
): AdapterParts => {
  const organisation = config.ORGANISATION;
  const database = use(
    'database',
    connectDatabase({
      url: config.DATABASE_URL,
      schema,
      ...(statementMs !== undefined && { statementMs }),
      log,
      metrics,
    }),
  );
  const kafka = use('kafka', connectKafka(kafkaOptions(config, `${organisation}.${adapter}`), log));
  const agreements = use('agreements', followAgreements(kafka, log));
  const organisations = use('organisations', followOrganisations(kafka, log));
  const bus = {
    organisation,
    adapter,
    database,
    kafka,
    producer: kafka.producer(),
    codec: createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }, log),
    agreements,
    organisations,
    tokeniser: tokeniserOf(config),
  };
  const source = use('source', createSource({ ...bus, types, log, metrics }));
  readiness('source', () => source.ready());
  readiness('database', () => database.ping());
  readiness('kafka', async () => {
    if (!agreements.freshWithin(FOLLOWING_MS))
      throw new RetryableError('kafka-unavailable', 'Kafka has not answered for some seconds');
  });
  return { ...bus, source, contact: () => contactOf(organisation, organisations.get(organisation)) };
};

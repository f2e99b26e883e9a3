/** The council-social-care adapter: its settings, and how its sides are put together. */
import { followAgreements } from '@causeway/runtime/agreements';
import { createCodec } from '@causeway/runtime/avro';
import {
  type Config,
  databaseSettings,
  kafkaSettings,
  partnershipSettings,
  registrySettings,
  text,
} from '@causeway/runtime/config';
import { connectDatabase } from '@causeway/runtime/database';
import { connectKafka, kafkaOptions } from '@causeway/runtime/kafka';
import { contactOf, followOrganisations } from '@causeway/runtime/organisations';
import type { Context } from '@causeway/runtime/service';
import { createSource } from '@causeway/runtime/source';
import { tokeniserOf } from '@causeway/runtime/tokens';
import { loadCatalogue } from '@causeway/schemas/catalogue';
import type { EventData } from '@causeway/schemas/generated/types';
import { contactsSettings, startContacts } from './contacts/side.ts';
import { reportingSettings, startDatabase } from './database/side.ts';
import { ADAPTER, type Parts } from './parts.ts';
import { returnsSettings, startReturns } from './returns/side.ts';

export const name = ADAPTER;

export const settings = {
  ...kafkaSettings,
  ...registrySettings,
  ...databaseSettings,
  COUNCIL_SOCIAL_CARE_DATABASE_SCHEMA: text('council_social_care'),
  ORGANISATION: text(),
  ...partnershipSettings,
  ...reportingSettings,
  ...returnsSettings,
  ...contactsSettings,
};

const TYPES = loadCatalogue()
  .map(({ type }) => type as keyof EventData)
  .filter((type) => type.startsWith('uk.causeway.council.'));

/** Starts the adapter. */
export const start = async (context: Context<Config<typeof settings>>): Promise<void> => {
  const { config, log, metrics, onStop, readiness } = context;
  const organisation = config.ORGANISATION;
  const database = connectDatabase({
    url: config.DATABASE_URL,
    schema: config.COUNCIL_SOCIAL_CARE_DATABASE_SCHEMA,
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
  const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }, log);
  const tokeniser = tokeniserOf(config);
  const source = createSource({
    organisation,
    adapter: ADAPTER,
    types: TYPES,
    producer: kafka.producer(),
    codec,
    database,
    agreements,
    tokeniser,
    log,
    metrics,
  });
  onStop('source', () => source.close());
  readiness('source', () => source.ready());
  readiness('database', () => database.ping());

  const parts: Parts = {
    organisation,
    kafka,
    codec,
    database,
    agreements,
    organisations,
    tokeniser,
    source,
    contact: () => contactOf(organisation, organisations.get(organisation)),
    redriveSource: (letter) => reporting.redrive(letter),
  };
  const reporting = startDatabase(context, parts);
  startReturns(context, parts);
  startContacts(context, parts);
};

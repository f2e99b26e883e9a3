/** The adapter: its settings, and how its parts are put together. */
import { basename, join } from 'node:path';
import { followAgreements } from '@causeway/runtime/agreements';
import { createCodec } from '@causeway/runtime/avro';
import {
  type Config,
  databaseSettings,
  kafkaSettings,
  partnershipSettings,
  port,
  registrySettings,
  text,
} from '@causeway/runtime/config';
import { connectDatabase } from '@causeway/runtime/database';
import { listen } from '@causeway/runtime/http';
import { connectKafka, kafkaOptions } from '@causeway/runtime/kafka';
import { contactOf, followOrganisations } from '@causeway/runtime/organisations';
import type { Context } from '@causeway/runtime/service';
import { createSink } from '@causeway/runtime/sink';
import { createSource } from '@causeway/runtime/source';
import { tokeniserOf } from '@causeway/runtime/tokens';
import { caseDoor, sendNotice } from './client.ts';
import { noticeOf, TYPE, translateCase } from './translate.ts';

/** The folder's own name: the second part of `ce_source`, and the name of its tables. */
export const name = basename(join(import.meta.dirname, '..'));

export const settings = {
  ...kafkaSettings,
  ...registrySettings,
  ...databaseSettings,
  ORGANISATION: text(),
  ...partnershipSettings,
  HOUSING_CASES_HOST: text('127.0.0.1'),
  HOUSING_CASES_PORT: port(8085),
  HOUSING_SYSTEM_HOST: text('127.0.0.1'),
  HOUSING_SYSTEM_PORT: port(8086),
};

/** @throws PermanentError `port-in-use` */
export const start = async (context: Context<Config<typeof settings>>): Promise<void> => {
  const { config, log, metrics, onStop, readiness } = context;
  const organisation = config.ORGANISATION;
  const schema = name.replaceAll('-', '_');
  const database = connectDatabase({ url: config.DATABASE_URL, schema, log, metrics });
  onStop('database', () => database.close());
  const kafka = connectKafka(kafkaOptions(config, `${organisation}.${name}`), log);
  onStop('kafka', () => kafka.close());
  const agreements = followAgreements(kafka, log);
  onStop('agreements', () => agreements.close());
  const organisations = followOrganisations(kafka, log);
  onStop('organisations', () => organisations.close());
  const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }, log);

  const source = createSource({
    organisation,
    adapter: name,
    types: [TYPE],
    producer: kafka.producer(),
    codec,
    database,
    agreements,
    tokeniser: tokeniserOf(config),
    log,
    metrics,
  });
  onStop('source', () => source.close());
  readiness('source', () => source.ready());

  const contact = () => contactOf(organisation, organisations.get(organisation));
  const systemUrl = `http://${config.HOUSING_SYSTEM_HOST}:${config.HOUSING_SYSTEM_PORT}/notices`;
  const sink = createSink({
    organisation,
    adapter: name,
    kafka,
    codec,
    database,
    agreements,
    organisations,
    log,
    metrics,
    deliver: ({ event, data, signal }) => sendNotice(systemUrl, event.id, noticeOf(event, data), signal),
  });
  onStop('sink', () => sink.close());
  readiness('sink', () => sink.ready());

  const door = caseDoor(source, (raw) => translateCase(raw, contact()), log);
  const server = await listen(door, { host: config.HOUSING_CASES_HOST, port: config.HOUSING_CASES_PORT });
  onStop('http', () => server.close());
  log.info({ url: server.url }, 'listening for cases');
};

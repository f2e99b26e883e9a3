/** What partners send, put into the council's staging table: settings, and how its parts are put together. */
import { startSink } from '@causeway/runtime/adapter/sink';
import { runLoop } from '@causeway/runtime/async/run-loop';
import { RetryableError } from '@causeway/runtime/errors';
import { connectDatabase, type Database } from '@causeway/runtime/postgres/database';
import { type Config, flag, integer, optionalDatabaseUrl, text } from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import type { Parts } from '../parts.ts';
import { type LeftRows, passOnAnswers } from './answers.ts';
import { createDeliver } from './deliver.ts';
import { type ContactTable, createContactTable } from './table.ts';

const word = (fallback: string) => text(fallback).refine((value) => /^[a-z_][a-z0-9_]{0,62}$/.test(value));

export const contactsSettings = {
  /** The reporting database; the contacts may be elsewhere, for instance where that one is a replica. */
  COUNCIL_DATABASE_URL: optionalDatabaseUrl(),
  COUNCIL_SOCIAL_CARE_CONTACTS: flag(true),
  COUNCIL_SOCIAL_CARE_CONTACTS_URL: optionalDatabaseUrl(),
  COUNCIL_SOCIAL_CARE_CONTACTS_SCHEMA: word('public').describe(
    'the schema of the staging table, a lower-case word',
  ),
  COUNCIL_SOCIAL_CARE_CONTACTS_TABLE: word('inbound_contact').describe(
    'the staging table, a lower-case word',
  ),
  COUNCIL_SOCIAL_CARE_ANSWERS_SECONDS: integer(2, { min: 1, max: 3_600 }),
};

const STATEMENT_MS = 10_000;
/** Contacts of different people that are put in at one time; beside them the checks and the reading back. */
const CONCURRENCY = 4;
const CONNECTIONS = CONCURRENCY + 2;
const CHECK_MS = 5_000;
/** One instance reads back at a time, in a transaction that the server ends after 30 s. */
const TURN_MS = 10_000;

/** Begins in the background; what fails is tried again. */
export const startContacts = (context: Context<Config<typeof contactsSettings>>, parts: Parts): void => {
  const { config, log, metrics, onStop, readiness, signal } = context;
  const address = config.COUNCIL_SOCIAL_CARE_CONTACTS_URL ?? config.COUNCIL_DATABASE_URL;
  if (!config.COUNCIL_SOCIAL_CARE_CONTACTS) return;
  if (address === undefined) {
    log.warn({ event: 'sink.disabled' }, 'COUNCIL_DATABASE_URL is not set: nothing is delivered');
    return;
  }
  const council = connectDatabase({
    url: address,
    schema: config.COUNCIL_SOCIAL_CARE_CONTACTS_SCHEMA,
    connections: CONNECTIONS,
    statementMs: STATEMENT_MS,
    log,
    metrics,
  });
  onStop('contacts database', () => council.close());
  const table = createContactTable(council, {
    schema: config.COUNCIL_SOCIAL_CARE_CONTACTS_SCHEMA,
    table: config.COUNCIL_SOCIAL_CARE_CONTACTS_TABLE,
  });
  const sink = startSink(context, { ...parts, concurrency: CONCURRENCY, deliver: createDeliver(table) });
  readiness('contacts', checkedNowAndThen(table));

  const left: LeftRows = new Map();
  const turn = (): Promise<void> =>
    alone(parts.database, () => {
      const end = Date.now() + TURN_MS;
      const goOn = () => !signal.aborted && Date.now() < end;
      return passOnAnswers({ table, acknowledge: sink.acknowledge, log, goOn }, left);
    });
  const pauseMs = config.COUNCIL_SOCIAL_CARE_ANSWERS_SECONDS * 1_000;
  const reading = runLoop({
    name: 'contact-answers',
    signal,
    async step() {
      await turn();
      return pauseMs;
    },
    retryMs: pauseMs,
    log,
    metrics,
  });
  onStop('answers', () => reading);
};

/** @throws RetryableError, from the check, with everything that is wrong with the table */
const checkedNowAndThen = (table: ContactTable): (() => Promise<void>) => {
  let checked = { at: 0, problems: [] as string[] };
  return async () => {
    if (Date.now() - checked.at > CHECK_MS) checked = { at: Date.now(), problems: await table.problems() };
    if (checked.problems.length > 0) throw new RetryableError('contact-table', checked.problems.join('; '));
  };
};

/** Two instances would tell the same twice, and could tell the older word last. */
const alone = (database: Database, work: () => Promise<void>): Promise<void> =>
  database.transaction(async (query) => {
    const [mine] = await query<{ taken: boolean }>(
      "select pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' answers', 0)) as taken",
    );
    if (mine?.taken) await work();
  });

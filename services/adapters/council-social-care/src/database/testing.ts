/** For tests: a council's database, and the adapter that polls it, in this process or in one of its own. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeHeaders, type Envelope } from '@causeway/runtime/bus/envelope';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import { AGREEMENTS_TOPIC, topicsOf } from '@causeway/runtime/bus/topics';
import { RetryableError } from '@causeway/runtime/errors';
import { connectDatabase } from '@causeway/runtime/postgres/database';
import { followAgreements } from '@causeway/runtime/reference-data/agreements';
import { contactOf } from '@causeway/runtime/reference-data/organisations';
import { startService } from '@causeway/runtime/service/service';
import { createSource } from '@causeway/runtime/source/source';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createMetrics } from '@causeway/runtime/telemetry/metrics';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import type { AgreementRecord } from '@causeway/schemas/agreements/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { EventData, Person } from '@causeway/schemas/generated/types';
import { exampleChild } from '@causeway/schemas/identifiers/example-people';
import { type RunningAdapter, spawnAdapter } from '@causeway/testing/adapter-process';
import { type TestBus, testVariable } from '@causeway/testing/bus';
import pg from 'pg';
import { settings, start } from '../adapter.ts';
import { ADAPTER } from '../parts.ts';
import { prepareCouncilDatabase } from '../simulator/prepare.ts';
import { createPoll } from './poll.ts';
import { connectPostgres } from './postgres.ts';
import { loadQuery } from './queries.ts';
import { createStore } from './store.ts';
import { VIEWS } from './views.ts';

export type TestCouncil = {
  url: string;
  query(sql: string, params?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
};

export const createTestCouncil = async (): Promise<TestCouncil> => {
  const server = testVariable('DATABASE_URL');
  const name = `council_${randomBytes(5).toString('hex')}`;
  const administrator = new pg.Client({ connectionString: server });
  administrator.on('error', () => undefined);
  await administrator.connect();
  await administrator.query(`create database ${name}`);
  const address = new URL(server);
  address.pathname = `/${name}`;
  await prepareCouncilDatabase(address.href);
  const pool = new pg.Pool({ connectionString: address.href, max: 3 });
  pool.on('error', () => undefined);
  return {
    url: address.href,
    query: async (sql, params) => (await pool.query(sql, [...(params ?? [])])).rows,
    async drop() {
      await pool.end();
      await administrator.query(`drop database if exists ${name} with (force)`);
      await administrator.end();
    },
  };
};

/** An example child in the council's index. */
export const addChild = (council: TestCouncil, n: number, columns: Record<string, unknown> = {}) => {
  const child = exampleChild(n);
  const row = {
    person_id: child.councilId,
    family_name: child.familyName,
    given_names: child.givenName,
    date_of_birth: child.dateOfBirth,
    sex: child.sex === 'male' ? 'M' : 'F',
    nhs_number: child.nhsNumber,
    nhs_number_verified: 'Y',
    upn: child.upn,
    address_line_1: child.address.lines[0],
    postcode: child.address.postcode,
    ...columns,
  };
  const names = Object.keys(row);
  const places = names.map((_, index) => `$${index + 1}`);
  return council.query(
    `insert into casework.person (${names.join(', ')}) values (${places.join(', ')})`,
    Object.values(row),
  );
};

/** Everything that the council may publish, to somebody who does not matter here. */
export const shareEverything = async (bus: TestBus, organisation: string): Promise<void> => {
  const named = { id: organisation, version: 1, by: 'test', at: '2026-01-01T00:00:00Z' };
  const valid = { from: '2026-01-01', until: '2027-12-31' };
  const agreement = {
    from: organisation,
    to: ['a-recipient'],
    title: 'a test',
    valid,
  } as unknown as Agreement;
  const types = loadCatalogue().filter(({ type }) => type.startsWith('uk.causeway.council.'));
  const release = Object.fromEntries(
    types.map(({ type }) => [type, { schemaId: 1, leaves: [], generalise: {} }]),
  );
  const records: AgreementRecord[] = [
    { kind: 'version', ...named, agreement, release, digest: 'x' },
    { kind: 'status', ...named, status: 'active', reason: 'test' },
  ];
  await bus.producer.send(
    records.map((record) => ({
      topic: AGREEMENTS_TOPIC,
      partition: 0,
      value: Buffer.from(JSON.stringify(record)),
    })),
  );
};

export type TestAdapter = { organisation: string; schema: string; env: Record<string, string> };

/** The same names each time it is started, so that it goes on where it was. */
export const adapterOf = (bus: TestBus, organisation: string, council: TestCouncil): TestAdapter => {
  const schema = organisation.replaceAll('-', '_');
  return {
    organisation,
    schema,
    env: {
      ...bus.env,
      ORGANISATION: organisation,
      PARTNERSHIP_KEY: randomBytes(32).toString('base64url'),
      DATABASE_URL: testVariable('DATABASE_URL'),
      COUNCIL_SOCIAL_CARE_DATABASE_SCHEMA: schema,
      COUNCIL_DATABASE_URL: council.url,
      COUNCIL_SOCIAL_CARE_CONTACTS: 'false',
      COUNCIL_SOCIAL_CARE_POLL_SECONDS: '1',
      COUNCIL_SOCIAL_CARE_SWEEP_SECONDS: '1',
    },
  };
};

export const startAdapter = ({ env }: TestAdapter, more: Record<string, string> = {}) =>
  startService('council-social-care', settings, start, { ...env, ...more });

/** The database side of an adapter by itself, whose turns a test takes one by one. */
export type TestPoll = {
  /** Reads what changed. */
  changes(...views: string[]): Promise<void>;
  /** Reads views whole. */
  sweep(...views: string[]): Promise<void>;
  again(view: string, rowId: string): Promise<string | null>;
  close(): Promise<void>;
};

export const createTestPoll = async (
  bus: TestBus,
  { organisation, schema, env }: TestAdapter,
): Promise<TestPoll> => {
  const log = createLogger('test', 'fatal');
  const metrics = createMetrics('test');
  const database = connectDatabase({ url: env.DATABASE_URL ?? '', schema, log });
  const agreements = followAgreements(bus.kafka, log);
  const tokeniser = createTokeniser(Buffer.from(env.PARTNERSHIP_KEY ?? ''));
  const source = createSource({
    organisation,
    adapter: ADAPTER,
    types: loadCatalogue().flatMap(({ type }) =>
      type.startsWith('uk.causeway.council.') ? [type as keyof EventData] : [],
    ),
    producer: bus.producer,
    codec: bus.codec,
    database,
    agreements,
    tokeniser,
    log,
    metrics,
  });
  const reading = connectPostgres({ url: env.COUNCIL_DATABASE_URL ?? '', statementMs: 10_000, log });
  const store = createStore(database);
  await store.prepare();
  await until(
    () =>
      source.ready().then(
        () => true,
        () => false,
      ),
    Boolean,
  );
  const stop = new AbortController();
  const turn = (sweepMs: number) => {
    const poll = createPoll({
      organisation,
      reading,
      queryOf: (name) => loadQuery(name, undefined),
      store,
      source,
      tokeniser,
      contact: () => contactOf(organisation, undefined),
      metrics,
      overlapMs: 120_000,
      sweepMs,
      mayBeGone: 0.2,
      pageSize: 10,
      mayGoOn: () => stop.signal.throwIfAborted(),
    });
    const run = async (...views: string[]) => {
      await poll.send();
      for (const view of VIEWS) if (views.length === 0 || views.includes(view.name)) await poll.view(view);
      await poll.persons();
      await poll.renew();
    };
    return { run, again: poll.again };
  };
  return {
    changes: turn(3_600_000).run,
    sweep: turn(0).run,
    again: async (name, rowId) => {
      const view = VIEWS.find((one) => one.name === name);
      return view === undefined ? 'no such view' : turn(0).again(view, rowId);
    },
    async close() {
      stop.abort();
      await source.close();
      await agreements.close();
      await reading.close();
      await database.close();
    },
  };
};

export const councilProcess = ({ env }: TestAdapter, more: Record<string, string> = {}): RunningAdapter =>
  spawnAdapter(new URL('../..', import.meta.url), { ADMIN_PORT: '0', ...env, ...more });

export type Published = {
  event: Envelope;
  data: Record<string, unknown> & { person: Person; mother?: Person | null };
};

/** The events of the council's outbox, the oldest first in each partition. */
export const outboxOf = async (bus: TestBus, organisation: string): Promise<Published[]> => {
  const records = await bus.records(topicsOf(organisation).outbox);
  return Promise.all(
    records.map(async ({ headers, value }) => ({
      event: decodeHeaders(headers),
      // As plain data: what avsc makes has classes of its own.
      data: JSON.parse(JSON.stringify((await bus.codec.decode(value ?? Buffer.alloc(0))).data)),
    })),
  );
};

/** Waits until what is read passes; fails with what it was last. */
export const until = async <T>(
  read: () => Promise<T>,
  passes: (seen: T) => boolean,
  ms = 20_000,
  everyMs = 100,
): Promise<T> => {
  for (const deadline = Date.now() + ms; ; ) {
    const seen = await read().catch((error: unknown) => {
      if (!(error instanceof RetryableError) || Date.now() > deadline) throw error;
    });
    if (seen !== undefined && passes(seen)) return seen;
    if (Date.now() > deadline)
      throw new Error(`it did not come to pass; last: ${String(JSON.stringify(seen)).slice(0, 2_000)}`);
    await delay(everyMs);
  }
};

/** `uk.causeway.council.child-protection-plan.begun.v1` as `child-protection-plan.begun`. */
export const shortType = ({ event }: Published): string =>
  event.type.replace('uk.causeway.council.', '').replace('.v1', '');

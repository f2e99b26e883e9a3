/** For tests: a council's database, and the adapter that polls it, in this process or in one of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeHeaders, type Envelope } from '@causeway/runtime/event';
import { startService } from '@causeway/runtime/service';
import { type TestBus, testVariable } from '@causeway/runtime/test-bus';
import { AGREEMENTS_TOPIC, topicsOf } from '@causeway/runtime/topology';
import type { Agreement } from '@causeway/schemas/agreement';
import type { AgreementRecord } from '@causeway/schemas/agreement-log';
import { loadCatalogue } from '@causeway/schemas/catalogue';
import pg from 'pg';
import { settings, start } from '../adapter.ts';
import { prepareCouncilDatabase } from '../simulator/prepare.ts';

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

/** Everything that the council may publish, to somebody who does not matter here. */
export const shareEverything = async (bus: TestBus, organisation: string): Promise<void> => {
  const named = { id: organisation, version: 1, by: 'test', at: '2026-01-01T00:00:00Z' };
  const agreement = { from: organisation, to: ['somebody'] } as unknown as Agreement;
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

export type AdapterProcess = { kill(): Promise<void>; stop(): Promise<void>; running(): boolean };

export const spawnAdapter = ({ env }: TestAdapter, more: Record<string, string> = {}): AdapterProcess => {
  const child: ChildProcess = spawn(process.execPath, ['src/main.ts'], {
    cwd: new URL('../..', import.meta.url),
    stdio: ['ignore', process.env.LOG_LEVEL ? 'inherit' : 'ignore', 'inherit'],
    env: { PATH: process.env.PATH, ADMIN_PORT: '0', ...env, ...more },
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals) => {
    if (!running()) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return { kill: () => end('SIGKILL'), stop: () => end('SIGTERM'), running };
};

export type Published = {
  event: Envelope;
  data: Record<string, unknown> & { person: Record<string, unknown> };
};

/** The events of the council's outbox, the oldest first in each partition. */
export const outboxOf = async (bus: TestBus, organisation: string): Promise<Published[]> => {
  const records = await bus.records(topicsOf(organisation).outbox);
  return Promise.all(
    records.map(async ({ headers, value }) => ({
      event: decodeHeaders(headers),
      data: (await bus.codec.decode(value ?? Buffer.alloc(0))).data as Published['data'],
    })),
  );
};

/** Waits until what is read passes; fails with what it was last. */
export const until = async <T>(
  read: () => Promise<T>,
  passes: (seen: T) => boolean,
  ms = 20_000,
): Promise<T> => {
  for (const deadline = Date.now() + ms; ; ) {
    const seen = await read();
    if (passes(seen)) return seen;
    if (Date.now() > deadline)
      throw new Error(`it did not come to pass; last: ${JSON.stringify(seen).slice(0, 2_000)}`);
    await delay(100);
  }
};

/** `uk.causeway.council.child-protection-plan.begun.v1` as `child-protection-plan.begun`. */
export const shortType = ({ event }: Published): string =>
  event.type.replace('uk.causeway.council.', '').replace('.v1', '');

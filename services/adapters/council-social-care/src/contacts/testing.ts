/** For tests: the adapter as a process of its own, between a real bus and a council's database. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { encodeHeaders, eventId } from '@causeway/runtime/event';
import { type TestBus, testToken, testVariable } from '@causeway/runtime/test-bus';
import { topicsOf } from '@causeway/runtime/topology';
import { loadCatalogue } from '@causeway/schemas/catalogue';
import type { TestCouncil } from './council-database.ts';

export const TYPE = 'uk.causeway.police.missing-person.reported.v1';

export type RunningAdapter = {
  kill(): Promise<void>;
  stop(): Promise<void>;
  log(): string;
  /** Base URL of `/ready`, once it has said where. */
  admin(): string | undefined;
};

/** The same schema each time, so that it goes on where it was killed; two at once share the work. */
export const runAdapter = (
  bus: TestBus,
  organisation: string,
  council: TestCouncil,
  schema: string,
): RunningAdapter => {
  let log = '';
  const child: ChildProcess = spawn(process.execPath, ['src/main.ts'], {
    cwd: new URL('../..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      ...bus.env,
      LOG_LEVEL: 'info',
      ADMIN_PORT: '0',
      ORGANISATION: organisation,
      PARTNERSHIP_KEY: randomBytes(32).toString('base64url'),
      DATABASE_URL: testVariable('DATABASE_URL'),
      COUNCIL_SOCIAL_CARE_DATABASE_SCHEMA: schema,
      COUNCIL_SOCIAL_CARE_CONTACTS_URL: council.url,
      COUNCIL_SOCIAL_CARE_CONTACTS_SCHEMA: council.schema,
      COUNCIL_SOCIAL_CARE_ANSWERS_SECONDS: '1',
    },
  });
  child.stdout?.on('data', (chunk) => {
    log += chunk;
  });
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return {
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    log: () => log,
    admin: () => /"admin":"(http[^"]+)"/.exec(log)?.[1],
  };
};

/** An event as the exchange would have put it into the council's inbox. */
export const release = async (
  bus: TestBus,
  { from, to, agreement, person }: { from: string; to: string; agreement: string; person: string },
): Promise<string> => {
  const entry = loadCatalogue().find(({ type }) => type === TYPE);
  if (entry === undefined) throw new Error('the catalogue lacks the type');
  const value = await bus.codec.encode(await bus.codec.idOf(TYPE, entry.schema), entry.example.data);
  const id = eventId(['released'], randomBytes(8), 0);
  const subject = testToken(person);
  const headers = encodeHeaders(
    {
      id,
      source: `/${from}/test`,
      type: TYPE,
      time: '2026-10-05T14:20:00+01:00',
      subject,
      tokens: [],
      otherTokens: [],
      classification: 'OFFICIAL',
      handling: [],
      exclude: [],
      priority: 'routine',
      replay: false,
      agreement: [agreement],
    },
    'inbox',
  );
  await bus.producer.send([{ topic: topicsOf(to).inbox, key: subject, value, headers }]);
  return id;
};

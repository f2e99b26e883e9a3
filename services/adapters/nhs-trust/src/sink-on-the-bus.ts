/** For tests: the adapter as a process of its own, between a real bus and a simulated engine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { encodeHeaders, eventId, type Priority } from '@causeway/runtime/event';
import type { TestBus } from '@causeway/runtime/test-bus';
import { testToken, testVariable } from '@causeway/runtime/test-bus';
import { topicsOf } from '@causeway/runtime/topology';
import { loadCatalogue } from '@causeway/schemas/catalogue';

export const TYPE = 'uk.causeway.police.missing-person.reported.v1';

export type RunningAdapter = {
  kill(): Promise<void>;
  stop(): Promise<void>;
  log(): string;
};

/** Starts the adapter against the bus; the same schema each time, so that it goes on where it was killed. */
export const runAdapter = (
  bus: TestBus,
  organisation: string,
  enginePort: number,
  schema: string,
): RunningAdapter => {
  let log = '';
  const child: ChildProcess = spawn(process.execPath, ['src/main.ts'], {
    cwd: new URL('..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      ...bus.env,
      LOG_LEVEL: 'info',
      ADMIN_PORT: '0',
      ORGANISATION: organisation,
      PARTNERSHIP_KEY: randomBytes(32).toString('base64url'),
      DATABASE_URL: testVariable('DATABASE_URL'),
      NHS_TRUST_DATABASE_SCHEMA: schema,
      NHS_TRUST_MLLP_PORT: '0',
      NHS_TRUST_ENGINE_PORT: String(enginePort),
      NHS_TRUST_ENGINE_CONNECTIONS: '4',
      NHS_TRUST_ENGINE_ANSWER_SECONDS: '1',
      NHS_TRUST_ENGINE_RETRY_SECONDS: Array.from({ length: 40 }, () => '1').join(','),
      NHS_TRUST_ENGINE_AR: 'refuse',
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
  return { kill: () => end('SIGKILL'), stop: () => end('SIGTERM'), log: () => log };
};

/** An event as the exchange would have put it into the trust's inbox. */
export const release = async (
  bus: TestBus,
  { from, to, agreement, person, priority }: Released,
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
      recordedTime: undefined,
      sequence: undefined,
      classification: 'OFFICIAL',
      handling: [],
      exclude: [],
      priority,
      actBy: undefined,
      correlationId: undefined,
      inResponseTo: undefined,
      corrects: undefined,
      replay: false,
      agreement: [agreement],
      traceparent: undefined,
    },
    'inbox',
  );
  await bus.producer.send([{ topic: topicsOf(to).inbox, key: subject, value, headers }]);
  return id;
};

export type Released = {
  from: string;
  to: string;
  agreement: string;
  person: string;
  priority: Priority;
};

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Envelope, encodeHeaders, eventId } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { type TestBus, testToken, testVariable } from './bus.ts';

/** An adapter as a process of its own between a test bus and a simulated legacy system. */
export type RunningAdapter = {
  /** Dead at once, in whatever it was doing. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  running(): boolean;
  /** Its exit code once it has ended; null where a signal ended it. */
  ended(): Promise<number | null>;
  /** What it has said so far. */
  log(): string;
  /** Base URL of `/ready`, once it has said where. */
  admin(): string | undefined;
};

/** The same at each start, so that tokens are. */
const PARTNERSHIP_KEY = randomBytes(32).toString('base64url');

/** Starts the adapter in `folder` with these environment variables and PATH. */
export const spawnAdapter = (folder: URL, env: NodeJS.ProcessEnv): RunningAdapter => {
  const child: ChildProcess = spawn(process.execPath, ['src/main.ts'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      log += chunk;
    });
  const running = () => child.exitCode === null && child.signalCode === null;
  const ended = async () => {
    if (running()) await once(child, 'exit');
    return child.exitCode;
  };
  const end = async (signal: NodeJS.Signals) => {
    if (running()) child.kill(signal);
    await ended();
  };
  return {
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    running,
    ended,
    log: () => log,
    admin: () => /"admin":"(http[^"]+)"/.exec(log)?.[1],
  };
};

/**
 * The same for an organisation of a test bus. With the same settings it goes on where it was killed; two at once share the work.
 * @param settings as environment variables; they go before those that are made here
 */
export const runAdapter = (
  bus: TestBus,
  organisation: string,
  folder: URL,
  settings: Record<string, string>,
): RunningAdapter =>
  spawnAdapter(folder, {
    ...bus.env,
    LOG_LEVEL: 'info',
    ADMIN_PORT: '0',
    ORGANISATION: organisation,
    PARTNERSHIP_KEY,
    DATABASE_URL: testVariable('DATABASE_URL'),
    ...settings,
  });

type Released = {
  from: string;
  to: string;
  type: string;
  person?: string;
  /** The example of the catalogue, where nothing else is said. */
  data?: unknown;
  envelope?: Partial<Envelope>;
};

/** Puts an event into an inbox as the exchange would; resolves with its id. */
export const release = async (
  bus: TestBus,
  { from, to, type, person = 'somebody', data, envelope = {} }: Released,
): Promise<string> => {
  const entry = loadCatalogue().find((one) => one.type === type);
  if (entry === undefined) throw new Error('the catalogue lacks the type');
  const value = await bus.codec.encode(await bus.codec.idOf(type, entry.schema), data ?? entry.example.data);
  const event: Envelope = {
    id: eventId(['released'], randomBytes(8), 0),
    source: `/${from}/test`,
    type,
    time: '2026-10-05T14:20:00+01:00',
    subject: testToken(person),
    tokens: [],
    otherTokens: [],
    classification: 'OFFICIAL-SENSITIVE',
    handling: [],
    exclude: [],
    priority: 'routine',
    replay: false,
    agreement: [],
    ...envelope,
  };
  const headers = encodeHeaders(event, 'inbox');
  await bus.producer.send([{ topic: topicsOf(to).inbox, key: event.subject, value, headers }]);
  return event.id;
};

/**
 * A records management system that is told things: it opens a task for each event, files updates with its own records, and a desk
 * officer acts on each task after a while. `GET /tasks`, `/updates` and `/counts` show what it has. It can be told to misbehave.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  choice,
  integer,
  loadConfig,
  port,
  secret,
  serviceSettings,
  text,
} from '@causeway/runtime/service/config';
import { createLogger } from '@causeway/runtime/telemetry/log';

/** What the system does with a request that it could have carried out. `unauthorised`: it takes the token for withdrawn. */
export type Behaviour = 'well' | 'fail' | 'unauthorised' | 'busy' | 'refuse' | 'hang' | 'late';

type RmsTask = {
  id: string;
  /** What the sender calls it. */
  reference: string;
  status: 'open' | 'seen' | 'accepted' | 'not-ours' | 'unable';
  team: string | null;
  caseReference: string | null;
  changedAt: string;
  task: Record<string, unknown>;
};
type RmsUpdate = { record: string; update: Record<string, unknown> };

export type Rms = {
  port: number;
  tasks: RmsTask[];
  updates: RmsUpdate[];
  /** Idempotency keys of everything that came, each time it came. */
  came: string[];
  /** The desk officer acts. */
  act(task: RmsTask, status: RmsTask['status'], more?: Pick<RmsTask, 'team' | 'caseReference'>): void;
  close(): Promise<void>;
};

type RmsOptions = {
  port: number;
  host?: string;
  clientId: string;
  clientSecret: string;
  behave?(key: string): Behaviour;
  /** Seconds that a token lasts. */
  tokenSeconds?: number;
  lateMs?: number;
  opened?(task: RmsTask): void;
};

const LARGEST = 2_000_000;
/** Older ones are only counted. */
const KEPT = 10_000;
const PAGE = 100;

/** Listens until closed. */
export const runRms = async (options: RmsOptions): Promise<Rms> => {
  const { host = '127.0.0.1', behave = () => 'well' as const, tokenSeconds = 300, lateMs = 500 } = options;
  const tasks: RmsTask[] = [];
  const updates: RmsUpdate[] = [];
  const came: string[] = [];
  const changes: RmsTask[] = [];
  const tokens = new Map<string, number>();
  const done = new Map<string, { status: number; body: unknown }>();
  const counts = { tasks: 0, updates: 0 };

  const keep = <T>(list: T[], item: T): void => {
    list.push(item);
    if (list.length > KEPT) list.shift();
  };

  const act: Rms['act'] = (task, status, more) => {
    Object.assign(task, more, { status, changedAt: new Date().toISOString() });
    changes.push({ ...task });
  };

  const issue = (request: IncomingMessage, response: ServerResponse): void => {
    const wanted = `Basic ${Buffer.from(`${options.clientId}:${options.clientSecret}`).toString('base64')}`;
    const isKnown = same(request.headers.authorization ?? '', wanted);
    const token = randomBytes(24).toString('base64url');
    if (isKnown) tokens.set(token, Date.now() + tokenSeconds * 1_000);
    if (!isKnown) json(response, 401, { error: 'invalid_client' });
    else json(response, 200, { access_token: token, token_type: 'Bearer', expires_in: tokenSeconds });
  };

  const isLetIn = (request: IncomingMessage): boolean => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    return (tokens.get(token) ?? 0) > Date.now();
  };

  const carryOut = (path: string, key: string, body: Record<string, unknown>) => {
    const before = done.get(key);
    if (before !== undefined) return { ...before, status: 200 };
    const answer = path === '/tasks' ? openTask(body) : fileUpdate(path.split('/')[2] ?? '', body);
    done.set(key, answer);
    return answer;
  };

  const openTask = (body: Record<string, unknown>) => {
    counts.tasks += 1;
    const task: RmsTask = {
      id: `T-${String(counts.tasks).padStart(6, '0')}`,
      reference: String(body.reference),
      status: 'open',
      team: null,
      caseReference: null,
      changedAt: new Date().toISOString(),
      task: body,
    };
    keep(tasks, task);
    options.opened?.(task);
    return { status: 201, body: { id: task.id, status: task.status } };
  };

  const fileUpdate = (record: string, body: Record<string, unknown>) => {
    counts.updates += 1;
    keep(updates, { record: decodeURIComponent(record), update: body });
    return { status: 201, body: { filed: true } };
  };

  const page = (after: string | null) => {
    const from = Number(after ?? 0);
    const found = changes.slice(from, from + PAGE);
    const said = found.map(({ reference, status, team, caseReference, changedAt }) => ({
      reference,
      status,
      team,
      caseReference,
      changedAt,
    }));
    return { changes: said, next: String(from + found.length) };
  };

  const shown: Record<string, () => unknown> = {
    '/tasks': () => tasks,
    '/updates': () => updates,
    '/counts': () => ({
      ...counts,
      byStatus: Object.fromEntries(
        ['open', 'seen', 'accepted', 'not-ours', 'unable'].map((status) => [
          status,
          tasks.filter((task) => task.status === status).length,
        ]),
      ),
    }),
  };

  const post = async (request: IncomingMessage, response: ServerResponse, path: string): Promise<void> => {
    if (!isLetIn(request)) return json(response, 401, { error: 'invalid_token' });
    const key = String(request.headers['idempotency-key'] ?? '');
    const body = await bodyOf(request);
    if (body === undefined || key === '') return json(response, 400, { error: 'not a request of this API' });
    came.push(key);
    if (came.length > KEPT) came.shift();
    const behaviour = behave(key);
    switch (behaviour) {
      case 'fail':
        return json(response, 500, { error: 'simulated' });
      case 'busy':
        return json(response, 429, { error: 'simulated' }, { 'retry-after': '1' });
      case 'refuse':
        return json(response, 422, { error: 'simulated' });
      case 'unauthorised':
        tokens.clear();
        return json(response, 401, { error: 'invalid_token' });
      case 'hang':
        return;
      case 'late':
        await new Promise((resolve) => setTimeout(resolve, lateMs));
    }
    const answer = carryOut(path, key, body);
    json(response, answer.status, answer.body);
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://rms');
    if (request.method === 'POST' && pathname === '/oauth2/token') return issue(request, response);
    if (request.method === 'GET' && pathname === '/tasks/changes')
      return isLetIn(request)
        ? json(response, 200, page(searchParams.get('after')))
        : json(response, 401, { error: 'invalid_token' });
    const show = shown[pathname];
    if (request.method === 'GET' && show !== undefined) return json(response, 200, show());
    if (request.method === 'POST' && /^\/tasks$|^\/records\/[^/]+\/updates$/.test(pathname))
      return post(request, response, pathname).catch(() => response.destroy());
    json(response, 404, { error: 'nothing here' });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    tasks,
    updates,
    came,
    act,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const same = (given: string, wanted: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
};

const json = (response: ServerResponse, status: number, body: unknown, headers: object = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};

const bodyOf = async (request: IncomingMessage): Promise<Record<string, unknown> | undefined> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LARGEST) return undefined;
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

const settings = {
  ...serviceSettings,
  POLICE_RECORDS_RMS_HOST: text('127.0.0.1'),
  POLICE_RECORDS_RMS_PORT: port(8087),
  POLICE_RECORDS_RMS_CLIENT_ID: text('causeway'),
  POLICE_RECORDS_RMS_CLIENT_SECRET: secret(),
  POLICE_RECORDS_RMS_BEHAVIOUR: choice(
    ['well', 'fail', 'unauthorised', 'busy', 'refuse', 'hang', 'late', 'random'],
    'well',
  ),
  POLICE_RECORDS_RMS_OFFICER_SECONDS: integer(8, { min: 1, max: 3_600 }),
};

const ANY: readonly Behaviour[] = ['well', 'well', 'well', 'fail', 'unauthorised', 'busy', 'hang', 'late'];

/** Each request as the dice fall. */
export const randomBehaviour = (random: () => number = Math.random): Behaviour =>
  ANY[Math.floor(random() * ANY.length)] ?? 'well';

if (import.meta.main) {
  const config = loadConfig(settings);
  const log = createLogger('police-records-sink-simulator', config.LOG_LEVEL);
  const { POLICE_RECORDS_RMS_BEHAVIOUR: behaviour } = config;
  const actMs = config.POLICE_RECORDS_RMS_OFFICER_SECONDS * 1_000;
  let number = 0;
  const rms = await runRms({
    host: config.POLICE_RECORDS_RMS_HOST,
    port: config.POLICE_RECORDS_RMS_PORT,
    clientId: config.POLICE_RECORDS_RMS_CLIENT_ID,
    clientSecret: config.POLICE_RECORDS_RMS_CLIENT_SECRET,
    behave: () => (behaviour === 'random' ? randomBehaviour() : behaviour),
    opened(task) {
      number += 1;
      const turn = number;
      log.info({ event: 'simulator.received', task: task.id }, 'the simulated RMS opened a task');
      setTimeout(() => rms.act(task, 'seen', { team: 'Hub desk', caseReference: null }), actMs / 2);
      setTimeout(() => {
        const isOurs = turn % 6 !== 0;
        const caseReference = isOurs ? `WP-LNK-${String(turn).padStart(5, '0')}` : null;
        rms.act(task, isOurs ? 'accepted' : 'not-ours', { team: 'Hub desk', caseReference });
      }, actMs);
    },
  });
  log.info({ event: 'simulator.started', port: rms.port }, 'the simulated RMS is listening');
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => void rms.close().then(() => process.exit(0)));
}

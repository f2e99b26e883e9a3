import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type Service, startService } from '@causeway/runtime/service/service';
import { settings, startGateway } from '../app/gateway.ts';
import { type Issuer, startIssuer } from './issuer.ts';
import { createPartnership, freshSchema, type Partnership, testEnvironment } from './partnership.ts';

export const WEBHOOK_KEY = 'a key for the secrets of this test';
export const KEY = 'a key for the cursors of this test';

export type Event = { id: string; position: string; subject: string; agreement: string; data: unknown };
export type Page = { events: Event[]; next: string };
export type Answer = { status: number; headers: Headers; body: Page & Record<string, unknown> };
export type Gateway = { service: Service; url: string };

/** A gateway on the real bus with a partner that reads from it. */
export type World = {
  issuer: Issuer;
  partnership: Partnership;
  token: string;
  url: string;
  /** Another instance; what is not given is as for the first. */
  start(changes?: Record<string, string>): Promise<Gateway>;
  get(path: string, bearer?: string, base?: string): Promise<Answer>;
  /** GET /v1/events with the partner's token. */
  events(query?: string, base?: string): Promise<Answer>;
  /** Reads until an empty page, `limit` at a time. */
  readAll(after: string | undefined, limit?: number, filter?: string): Promise<Page>;
  /** A cursor behind everything that is there. */
  end(): Promise<string>;
  close(): Promise<void>;
};

export const startWorld = async (): Promise<World> => {
  const issuer = await startIssuer();
  const partnership = await createPartnership();
  await partnership.load(1);
  await partnership.status(1, 'active');
  const token = await issuer.token(partnership.recipient);
  const schema = freshSchema();

  const start = async (changes: Record<string, string> = {}): Promise<Gateway> => {
    const port = String(await freePort());
    const own = {
      GATEWAY_DATABASE_SCHEMA: schema.name,
      OIDC_ISSUER: issuer.url,
      GATEWAY_PORT: port,
      CURSOR_KEY: KEY,
      WEBHOOK_KEY,
    };
    const env = { ...testEnvironment(), ...own, ...changes };
    return {
      service: await startService('gateway', settings, startGateway, env),
      url: `http://127.0.0.1:${port}`,
    };
  };
  const gateway = await start();

  const get = async (path: string, bearer = token, base = gateway.url): Promise<Answer> => {
    const headers: Record<string, string> = bearer === '' ? {} : { authorization: `Bearer ${bearer}` };
    return answerOf(await fetch(`${base}${path}`, { headers, signal: AbortSignal.timeout(40_000) }));
  };
  const events = (query = '', base = gateway.url) => get(`/v1/events${query}`, token, base);
  const readAll = async (after: string | undefined, limit = 100, filter = ''): Promise<Page> => {
    const seen: Event[] = [];
    let next = after;
    for (;;) {
      const cursor = next === undefined ? '' : `&after=${next}`;
      // On a busy machine the agreements can be older than they may be for a moment.
      const ask = () => events(`?limit=${limit}${cursor}${filter}`);
      const { status, body } = await eventually(ask, (answer) => answer.status !== 503);
      assert.equal(status, 200);
      seen.push(...body.events);
      next = body.next;
      if (body.events.length === 0) return { events: seen, next };
    }
  };

  return {
    issuer,
    partnership,
    token,
    url: gateway.url,
    start,
    get,
    events,
    readAll,
    end: async () => (await readAll(undefined, 500)).next,
    close: async () => {
      await gateway.service.stop();
      await schema.drop();
      await partnership.close();
      await issuer.close();
    },
  };
};

export const answerOf = async (response: Response): Promise<Answer> => ({
  status: response.status,
  headers: response.headers,
  body: (await response.json()) as Answer['body'],
});

/** Status and problem type of a refusal, which must be problem details. */
export const problemOf = ({ status, headers, body }: Answer): string => {
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(body.status, status);
  assert.equal(typeof body.title, 'string');
  return `${status} ${String(body.type).replace('urn:causeway:problem:', '')}`;
};

/** Asks again until the answer is as wanted: a change of an agreement takes up to a second. */
export const eventually = async <T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> => {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (wanted(answer) || Date.now() > deadline) return answer;
  }
};

export const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

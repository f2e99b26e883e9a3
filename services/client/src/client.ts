import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { CausewayEvent } from './event.ts';

export type { CausewayEvent } from './event.ts';

/** Where a reader keeps how far he has come. */
export type Cursors = { load(): Promise<string | undefined>; save(cursor: string): Promise<void> };

export type ClientOptions = {
  /** Address of the gateway, such as `https://gateway.example.org`. */
  gateway: string;
  /** An access token for the audience `causeway-gateway`; asked for again, with `renew`, when one was refused. */
  token(how: { renew: boolean }): string | Promise<string>;
  /** For tests. */
  fetch?: typeof fetch;
};

export type EventsOptions = {
  cursors: Cursors;
  /** One event type; all without it. */
  type?: string;
  /** One person, as the source calls him. */
  subject?: string;
  /** Where to begin while there is no cursor yet; the oldest event that is kept without it. */
  from?: Date;
  /** Events of one page, 1 to 1000. */
  limit?: number;
  /** Ends the iteration. */
  signal?: AbortSignal;
  /** Events were deleted before they were read. Without it the iteration fails with that; with it, it goes on behind the gap. */
  missed?(): void | Promise<void>;
};

export type Acknowledgement = {
  state: 'seen' | 'accepted' | 'not-ours' | 'unable';
  team?: string;
  reference?: string;
};

export type CausewayClient = {
  /**
   * The events of your inbox, for as long as you ask. The cursor is saved when you ask for the event behind a page: break off or die
   * before that, and the page comes once more. Outages are waited for.
   * @throws CausewayError for what waiting does not mend
   */
  events<Data = Record<string, unknown>>(options: EventsOptions): AsyncGenerator<CausewayEvent<Data>, void>;
  /** Says what became of an event. @throws CausewayError */
  acknowledge(event: Pick<CausewayEvent, 'id' | 'position'>, said: Acknowledgement): Promise<void>;
};

/** A refusal of the gateway (RFC 9457). Branch on `type`. */
export class CausewayError extends Error {
  readonly status: number;
  /** `urn:causeway:problem:<word>` */
  readonly type: string;
  readonly problem: Record<string, unknown>;

  constructor(status: number, problem: Record<string, unknown>) {
    super(`${status} ${problem.title ?? 'refused'}${problem.detail ? `: ${problem.detail}` : ''}`);
    this.name = 'CausewayError';
    this.status = status;
    this.type = String(problem.type ?? 'about:blank');
    this.problem = problem;
  }
}

const WAIT_S = 30;
const ANSWER_MS = (WAIT_S + 15) * 1000;
const TRY_AGAIN_S = 5;
const LONGEST_S = 300;
const PASSING = [408, 429, 500, 502, 503, 504];
/** An acknowledgement is not worth waiting for for ever; a reader is. */
const ACKNOWLEDGE_TRIES = 6;

/** A client of one gateway for one organisation. Nothing is opened before it is used. */
export const createClient = (options: ClientOptions): CausewayClient => {
  const call = calling(options);
  return {
    events: (asked) => follow(call, asked),
    async acknowledge({ id, position }, said) {
      const body = JSON.stringify({ position, ...said });
      await call(`/v1/events/${encodeURIComponent(id)}/acknowledgements`, { body, tries: ACKNOWLEDGE_TRIES });
    },
  };
};

/** Keeps the cursor in a file, whole or not at all. */
export const fileCursors = (path: string): Cursors => ({
  load: () =>
    readFile(path, 'utf8').then(
      (text) => text || undefined,
      (error) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      },
    ),
  async save(cursor) {
    await writeFile(`${path}.new`, cursor);
    await rename(`${path}.new`, path);
  },
});

async function* follow<Data>(
  call: Call,
  { cursors, signal, missed, ...asked }: EventsOptions,
): AsyncGenerator<CausewayEvent<Data>, void> {
  let cursor = await cursors.load();
  while (!signal?.aborted) {
    const page = await pageAfter<Data>(call, cursor, asked, signal).catch(async (error) => {
      if (signal?.aborted) return undefined;
      if (!(error instanceof CausewayError) || error.status !== 410 || missed === undefined) throw error;
      await missed();
      return { events: [], next: String(error.problem.oldest) };
    });
    if (page === undefined) return;
    yield* page.events;
    // Here the reader has dealt with all of them, or he would not have asked on.
    if (page.next === cursor) continue;
    cursor = page.next;
    await cursors.save(cursor);
  }
}

type Page<Data> = { events: CausewayEvent<Data>[]; next: string };

const pageAfter = async <Data>(
  call: Call,
  cursor: string | undefined,
  { type, subject, from, limit }: Omit<EventsOptions, 'cursors'>,
  signal: AbortSignal | undefined,
): Promise<Page<Data>> => {
  const start = cursor === undefined ? { from: from?.toISOString() } : { after: cursor };
  const given = Object.entries({ ...start, type, subject, limit: limit?.toString(), wait: String(WAIT_S) });
  const query = new URLSearchParams();
  for (const [name, value] of given) if (value !== undefined) query.set(name, value);
  return (await call(`/v1/events?${query}`, { signal })) as Page<Data>;
};

type Request = { body?: string; tries?: number; signal?: AbortSignal | undefined };
type Call = (path: string, request: Request) => Promise<unknown>;

/** One request until it is answered: outages are waited for, a token that has run out is renewed once. */
const calling = ({ gateway, token, fetch: ask = fetch }: ClientOptions): Call => {
  const base = gateway.replace(/\/+$/, '');
  let bearer: string | undefined;
  const once = async (path: string, { body, signal }: Request): Promise<Response | undefined> => {
    bearer ??= await token({ renew: false });
    const late = AbortSignal.timeout(ANSWER_MS);
    return ask(`${base}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
      signal: signal === undefined ? late : AbortSignal.any([late, signal]),
      redirect: 'error',
    }).catch(() => undefined);
  };
  return async (path, request) => {
    const { tries = Number.POSITIVE_INFINITY, signal } = request;
    let renewed = false;
    for (let tried = 1; ; tried += 1) {
      signal?.throwIfAborted();
      const response = await once(path, request);
      const text = await response?.text().catch(() => undefined);
      if (response?.ok && text !== undefined) return JSON.parse(text);
      if (response?.status === 401 && !renewed) {
        renewed = true;
        bearer = await token({ renew: true });
        continue;
      }
      const passing = response === undefined || response.ok || PASSING.includes(response.status);
      if (!passing || tried >= tries) throw new CausewayError(response?.status ?? 0, problemIn(text));
      if (response?.ok === false) renewed = false;
      await delay(secondsOf(response) * 1000, undefined, signal === undefined ? {} : { signal });
    }
  };
};

const secondsOf = (response: Response | undefined): number => {
  const given = Number(response?.headers.get('retry-after') ?? TRY_AGAIN_S);
  return Number.isFinite(given) ? Math.min(Math.max(given, 0), LONGEST_S) : TRY_AGAIN_S;
};

const problemIn = (text: string | undefined): Record<string, unknown> => {
  try {
    const body: unknown = JSON.parse(text ?? '');
    return typeof body === 'object' && body !== null ? { ...body } : {};
  } catch {
    return { title: 'The gateway did not answer as expected' };
  }
};

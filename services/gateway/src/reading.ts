import { setTimeout as delay } from 'node:timers/promises';
import { type Agreements, FRESH_MS } from '@causeway/runtime/agreements';
import { endingAfter, within } from '@causeway/runtime/deadline';
import type { Decode } from '@causeway/runtime/decoder';
import { errorCode } from '@causeway/runtime/errors';
import { Problem } from '@causeway/runtime/http';
import type { Inbox, Inboxes } from '@causeway/runtime/inbox';
import type { Logger } from '@causeway/runtime/log';
import type { Cursors } from './cursor.ts';
import { createJudge, type Tally } from './judge.ts';
import { type Page, readPage } from './page.ts';
import type { EventQuery } from './query.ts';

/** What reading needs of the world. */
export type ReadingParts = {
  inboxes: Inboxes;
  cursors: Cursors;
  decode: Decode;
  agreements: Pick<Agreements, 'state' | 'offset' | 'freshWithin'>;
  log: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
};

export type Answer = Pick<Tally, 'withheld' | 'unreadable'> & {
  /** CloudEvents in structured JSON. */
  events: string[];
  next: string;
};

/** How long a request is kept waiting for the agreements. */
const AGREEMENTS_PATIENCE_MS = 1_500;
const ATTEMPTS = 3;
/** Beyond `wait`: how long to look on through what is not asked for, and when to give up altogether. */
const SCAN_MS = 2_000;
const DEADLINE_MS = 8_000;
const PAGE_BYTES = 4 * 1024 * 1024;

/** Kafka tells a principal that has no right to a topic less than one that has: both mean that there is no inbox. */
const NO_INBOX: readonly string[] = ['kafka-unknown-topic-or-partition', 'not-authorised'];

/** One request on its way. */
type Request = { parts: ReadingParts; inbox: Inbox; organisation: string; query: EventQuery };

/**
 * One page of an organisation's inbox, waiting for it as long as the query says; each of `signals` ends the wait.
 *
 * @throws Problem for a request that has to change; RetryableError for what may pass
 */
export const readEvents = async (
  parts: ReadingParts,
  organisation: string,
  query: EventQuery,
  ...signals: readonly AbortSignal[]
): Promise<Answer> => {
  const limit = query.waitMs + DEADLINE_MS;
  const ending = endingAfter(limit, ...signals);
  const work = parts.inboxes.use(organisation, (inbox) =>
    follow({ parts, inbox, organisation, query }, ending.signal),
  );
  try {
    return await within(limit, 'inbox', work);
  } catch (error) {
    const code = errorCode(error);
    if (!NO_INBOX.includes(code)) throw error;
    parts.log.warn(
      { organisation, code },
      'an organisation with an access token has no inbox that can be read',
    );
    throw noInbox();
  } finally {
    ending.end();
  }
};

const follow = async (request: Request, ended: AbortSignal): Promise<Answer> => {
  const { parts, inbox, organisation, query } = request;
  const begun = parts.now();
  const wait = endingAfter(query.waitMs, ended);
  const tally: Tally = { judged: 0, withheld: 0, unreadable: 0 };
  try {
    let positions = await startOf(request);
    for (;;) {
      const page = await currentPage(request, positions, tally);
      positions = page.positions;
      if (page.events.length === 0 && page.blocked !== undefined) throw page.blocked;
      const atEnd = page.ends.every((end, partition) => end <= (positions[partition] ?? 0));
      const mayWait = query.waitMs > 0 && !wait.signal.aborted;
      const mayScan = parts.now() - begun < query.waitMs + SCAN_MS && !ended.aborted;
      if (page.events.length > 0 || !(atEnd ? mayWait : mayScan)) {
        const { withheld, unreadable } = tally;
        return {
          events: page.events,
          next: parts.cursors.issue(organisation, positions),
          withheld,
          unreadable,
        };
      }
      if (atEnd) await inbox.beyond(page.ends, wait.signal);
    }
  } finally {
    wait.end();
  }
};

const startOf = async ({ parts, inbox, organisation, query }: Request): Promise<number[]> => {
  if (query.after === undefined) return inbox.oldest();
  const positions = parts.cursors.read(query.after, organisation);
  if (positions === undefined || positions.length !== (await inbox.partitions())) throw notACursor();
  return positions;
};

/** A page whose every event was checked against the agreements as they are now. */
const currentPage = async (request: Request, from: readonly number[], total: Tally): Promise<Page> => {
  const { parts, inbox, organisation, query } = request;
  const { agreements } = parts;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const offset = agreements.offset();
    const tally: Tally = { judged: 0, withheld: 0, unreadable: 0 };
    const judge = createJudge(parts, organisation, query, tally);
    const page = await readPage(inbox.read, from, { events: query.limit, bytes: PAGE_BYTES }, judge);
    if ('missed' in page) return afterGap(request, from, page.missed);
    const current = agreements.freshWithin(FRESH_MS) && agreements.offset() === offset;
    if (tally.judged === 0 || current) {
      total.withheld += tally.withheld;
      total.unreadable += tally.unreadable;
      return page;
    }
    await untilFresh(parts);
  }
  throw agreementsNotCurrent();
};

/** Who has no cursor has missed nothing: the log only lost its beginning between two looks at it. */
const afterGap = async (
  request: Request,
  from: readonly number[],
  missed: readonly number[],
): Promise<Page> => {
  const { parts, inbox, organisation, query } = request;
  const oldest = await inbox.oldest();
  const positions = from.map((at, partition) => (missed.includes(partition) ? (oldest[partition] ?? 0) : at));
  if (query.after !== undefined) throw gone(parts.cursors.issue(organisation, positions));
  return { events: [], positions, ends: positions.map((at) => at + 1), blocked: undefined };
};

const untilFresh = async ({ agreements, now }: ReadingParts): Promise<void> => {
  const begun = now();
  while (!agreements.freshWithin(FRESH_MS)) {
    if (now() - begun > AGREEMENTS_PATIENCE_MS) throw agreementsNotCurrent();
    await delay(25);
  }
};

const agreementsNotCurrent = () =>
  new Problem(
    503,
    'agreements-not-current',
    'The agreements cannot be followed now',
    'Nothing is handed over until it is known which agreements are in force. Try again.',
    {},
    { 'retry-after': '1' },
  );

const notACursor = () =>
  new Problem(
    400,
    'invalid-cursor',
    'Not a cursor of this inbox',
    'Give the member next of an answer to your own organisation, unchanged, or leave after out to start at the oldest event that is kept.',
  );

const gone = (oldest: string) =>
  new Problem(
    410,
    'events-missed',
    'Events were deleted before they were read',
    'What came next after this cursor is no longer kept. Go on with the cursor in the member oldest: it repeats nothing and leaves out only what is gone.',
    { oldest },
  );

const noInbox = () =>
  new Problem(
    403,
    'organisation-unknown',
    'This organisation has no inbox',
    'The organisation in the access token does not take part here. Ask the operator of this service to add it.',
  );

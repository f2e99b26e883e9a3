import { setTimeout as delay } from 'node:timers/promises';
import type { WriterOf } from '@causeway/runtime/avro/schema-lookup';
import {
  createPolicySnapshots,
  type PolicyInputs,
  type PolicySnapshots,
} from '@causeway/runtime/disclosure/policy-snapshot';
import { errorCode } from '@causeway/runtime/errors';
import type { Inbox, Inboxes } from '@causeway/runtime/inbox/inbox';
import type { Ends } from '@causeway/runtime/inbox/tail';
import { Problem } from '@causeway/runtime/service/http-server';
import type { Logger } from '@causeway/runtime/telemetry/log';
import { noTopics } from '../http/limits.ts';
import type { Filter, Start } from '../http/query.ts';
import { createAuthoriser, type ReadCounts } from './authorise.ts';
import type { Cursors } from './cursor.ts';
import { type Page, type PageLimits, readPage } from './page.ts';

/** What reading needs of the world. */
export type ReadingParts = PolicyInputs & {
  inboxes: Inboxes;
  cursors: Cursors;
  writerOf: WriterOf;
  log: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
};

/** One reader: what page and stream have in common. */
export type Reading = {
  parts: ReadingParts;
  inbox: Inbox;
  organisation: string;
  filter: Filter;
  /** Whether the reader has a cursor: then events that are no longer kept are reported as missed. */
  hasCursor: boolean;
};

export const hasCursor = (start: Start): boolean => typeof start === 'object' && 'after' in start;

/** How long a request is kept waiting for the agreements. */
const AGREEMENTS_PATIENCE_MS = 1_500;
const ATTEMPTS = 3;

/** Kafka tells a principal that has no right to a topic less than one that has: both mean that there is no inbox. */
const NO_INBOX: readonly string[] = ['kafka-unknown-topic-or-partition', 'not-authorised'];

/**
 * Runs `task` with the organisation's inbox.
 * @throws Problem 403 `organisation-unknown` where there is none
 */
export const withInbox = async <T>(
  parts: ReadingParts,
  organisation: string,
  task: (inbox: Inbox) => Promise<T>,
): Promise<T> => {
  try {
    return await parts.inboxes.use(organisation, task);
  } catch (error) {
    const code = errorCode(error);
    if (!NO_INBOX.includes(code)) throw error;
    parts.log.warn({ event: 'inbox.missing', organisation, code }, 'access token without a readable inbox');
    throw noTopics();
  }
};

/** The positions to start from. @throws Problem 400 `invalid-cursor` */
export const startOf = async ({ parts, inbox, organisation }: Reading, start: Start): Promise<number[]> => {
  if (start === 'oldest') return inbox.oldest();
  if ('from' in start) return inbox.since(start.from);
  const positions = parts.cursors.read(start.after, organisation);
  const partitions = await inbox.partitions();
  if (positions === undefined || positions.length > partitions) throw notACursor();
  // A cursor from before there were more lanes: of a lane that is new since nothing was read.
  return Array.from({ length: partitions }, (_, partition) => positions[partition] ?? 0);
};

export const noCounts = (): ReadCounts => ({ authorised: 0, withheld: 0, unreadable: 0 });

/**
 * A page whose every event was checked against the agreements and safeguards as they are now. What was not handed over is added to `total`.
 * @param ends where the inbox ends, as far as that is known now
 * @throws Problem 410 `events-missed`, 503 `agreements-not-current`
 */
export const currentPage = async (
  reading: Reading,
  from: readonly number[],
  limits: PageLimits,
  total: ReadCounts,
  ends: Ends = [],
): Promise<Page> => {
  const { parts, inbox, organisation, filter } = reading;
  const rulings = createPolicySnapshots(parts, parts.now);
  const filtered = filter.type !== undefined || filter.subject !== undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const ruling = rulings.current();
    const counts = noCounts();
    const authorise = createAuthoriser(parts, ruling, organisation, filter, counts);
    const wanted = filtered ? undefined : limits.events;
    const page = await readPage(inbox.read, from, limits, authorise, { wanted, ends });
    if ('missed' in page) return afterGap(reading, from, page.missed);
    if (counts.authorised === 0 || rulings.isCurrent(ruling)) {
      total.withheld += counts.withheld;
      total.unreadable += counts.unreadable;
      return page;
    }
    await untilFresh(rulings, parts.now);
  }
  throw agreementsNotCurrent();
};

/** Whether everything that was there is behind `positions`. */
export const isAtEnd = ({ ends }: Page, positions: readonly number[]): boolean =>
  ends.every((end, partition) => end <= (positions[partition] ?? 0));

/** Who has no cursor has missed nothing: the log only lost its beginning between two looks at it. */
const afterGap = async (
  reading: Reading,
  from: readonly number[],
  missed: readonly number[],
): Promise<Page> => {
  const { parts, inbox, organisation } = reading;
  const oldest = await inbox.oldest();
  const positions = from.map((at, partition) => (missed.includes(partition) ? (oldest[partition] ?? 0) : at));
  if (reading.hasCursor) throw gone(parts.cursors.issue(organisation, positions));
  return { events: [], positions, ends: positions.map((at) => at + 1), blocked: undefined };
};

const untilFresh = async (rulings: PolicySnapshots, now: () => number): Promise<void> => {
  const begun = now();
  while (!rulings.isFresh()) {
    if (now() - begun > AGREEMENTS_PATIENCE_MS) throw agreementsNotCurrent();
    await delay(25);
  }
};

const agreementsNotCurrent = () =>
  new Problem(
    503,
    'agreements-not-current',
    'The agreements are not up to date',
    'No events are released until the agreements in force are known. Try again.',
    {},
    { 'retry-after': '1' },
  );

const notACursor = () =>
  new Problem(
    400,
    'invalid-cursor',
    'The cursor does not belong to this inbox',
    'Give the member `next` of a page for your own organisation, unchanged, or omit `after` to start at the oldest event kept.',
  );

const gone = (oldest: string) =>
  new Problem(
    410,
    'events-missed',
    'Events were deleted before they were read',
    'The next events after this cursor are no longer kept. Continue with the cursor in the member `oldest`: it repeats nothing and skips only the deleted events.',
    { oldest },
  );

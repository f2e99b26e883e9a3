import { endingAfter, withTimeout } from '@causeway/runtime/async/timeout';
import type { Ends } from '@causeway/runtime/inbox/tail';
import type { EventQuery } from '../http/query.ts';
import type { ReadCounts } from './authorise.ts';
import {
  currentPage,
  hasCursor,
  isAtEnd,
  noCounts,
  type Reading,
  type ReadingParts,
  startOf,
  withInbox,
} from './current-page.ts';
import type { PageEvent } from './page.ts';

export type EventPage = Pick<ReadCounts, 'withheld' | 'unreadable'> & {
  events: PageEvent[];
  next: string;
};

/** Beyond `wait`: how long to look on through what is not asked for, and when to give up altogether. */
const SCAN_MS = 2_000;
const DEADLINE_MS = 8_000;
const PAGE_BYTES = 4 * 1024 * 1024;

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
): Promise<EventPage> => {
  const limit = query.waitMs + DEADLINE_MS;
  const ending = endingAfter(limit, ...signals);
  const work = withInbox(parts, organisation, (inbox) =>
    follow(
      { parts, inbox, organisation, filter: query, hasCursor: hasCursor(query.start) },
      query,
      ending.signal,
    ),
  );
  try {
    return await withTimeout(limit, 'inbox', work);
  } finally {
    ending.end();
  }
};

const follow = async (reading: Reading, query: EventQuery, ended: AbortSignal): Promise<EventPage> => {
  const { parts, inbox, organisation } = reading;
  const begun = parts.now();
  const wait = endingAfter(query.waitMs, ended);
  const counts = noCounts();
  const limits = { events: query.limit, bytes: PAGE_BYTES };
  try {
    let positions = await startOf(reading, query.start);
    let ends: Ends = [];
    for (;;) {
      const page = await currentPage(reading, positions, limits, counts, ends);
      positions = page.positions;
      if (page.events.length === 0 && page.blocked !== undefined) throw page.blocked;
      const atEnd = isAtEnd(page, positions);
      const mayWait = query.waitMs > 0 && !wait.signal.aborted;
      const mayScan = parts.now() - begun < query.waitMs + SCAN_MS && !ended.aborted;
      if (page.events.length > 0 || !(atEnd ? mayWait : mayScan)) {
        const { withheld, unreadable } = counts;
        const { events } = page;
        return { events, next: parts.cursors.issue(organisation, positions), withheld, unreadable };
      }
      ends = atEnd ? await inbox.beyond(page.ends, wait.signal) : [];
    }
  } finally {
    wait.end();
  }
};

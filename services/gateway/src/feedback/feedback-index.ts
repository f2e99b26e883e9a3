import { RetryableError } from '@causeway/runtime/errors';
import type { Inbox } from '@causeway/runtime/inbox/inbox';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { isFeedback } from '@causeway/schemas/catalogue/event-type';
import type { Store } from '../store/store.ts';

export type Place = { partition: number; offset: number };

/** The positions in an inbox of the feedback on each event, brought up to date on request. */
export type FeedbackIndex = {
  /** @throws RetryableError `reading-on` where that takes longer than a request may; the next request continues from there */
  catchUp(organisation: string, inbox: Inbox): Promise<void>;
  /** In the order of the inbox: all feedback on one event is in one partition. */
  places(organisation: string, eventId: string): Promise<Place[]>;
};

const BUDGET_MS = 3_000;

const ADD = `
  insert into feedback_position (organisation, partition, position, event_id)
  select $1, * from unnest($2::int[], $3::bigint[], $4::text[]) on conflict do nothing`;
const MOVE = `
  insert into feedback_head (organisation, partition, head)
  select $1, ordinality - 1, head from unnest($2::bigint[]) with ordinality as seen (head, ordinality)
  on conflict (organisation, partition) do update set head = greatest(feedback_head.head, excluded.head)`;

/** What the record answers: `/<organisation>/<event id>`. */
export const responseOf = ({ headers }: FetchedRecord): string | undefined =>
  headers.ce_inresponseto?.toString('utf8');

type Found = Place & { eventId: string };

export const createFeedbackIndex = (store: Store): FeedbackIndex => {
  const heads = async (organisation: string, inbox: Inbox): Promise<number[]> => {
    const rows = await store.query<{ head: number }>(
      'select head from feedback_head where organisation = $1 order by partition',
      [organisation],
    );
    const partitions = await inbox.partitions();
    // A lane that came later has no head yet.
    return rows.length === partitions
      ? rows.map(({ head }) => head)
      : (await inbox.oldest()).map((oldest, partition) => rows[partition]?.head ?? oldest);
  };

  const keep = (organisation: string, found: readonly Found[], positions: readonly number[]) =>
    store.transaction(async (query) => {
      const columns = [
        found.map(({ partition }) => partition),
        found.map(({ offset }) => offset),
        found.map(({ eventId }) => eventId),
      ];
      if (found.length > 0) await query(ADD, [organisation, ...columns]);
      await query(MOVE, [organisation, positions]);
    });

  return {
    catchUp: async (organisation, inbox) => {
      const begun = performance.now();
      const positions = await heads(organisation, inbox);
      for (;;) {
        const { found, moved, atEnd } = await readOn(inbox, positions);
        if (moved) await keep(organisation, found, positions);
        if (atEnd) return;
        if (performance.now() - begun > BUDGET_MS)
          throw new RetryableError('reading-on', 'The inbox is still being read for feedback');
      }
    },
    places: (organisation, eventId) =>
      store.query<Place>(
        `select partition, position as "offset" from feedback_position
         where organisation = $1 and event_id = $2 order by partition, position`,
        [organisation, eventId],
      ),
  };
};

/** One look at the inbox; `positions` are moved. */
const readOn = async (inbox: Inbox, positions: number[]) => {
  const fetched = await inbox.read(positions.map((offset, partition) => ({ partition, offset })));
  const oldest = fetched.some(({ outOfRange }) => outOfRange) ? await inbox.oldest() : [];
  const found: Found[] = [];
  let moved = false;
  let atEnd = true;
  for (const { partition, records, next, endOffset, outOfRange } of fetched) {
    const to = outOfRange ? (oldest[partition] ?? next) : next;
    moved ||= to !== positions[partition];
    atEnd &&= !outOfRange && to >= endOffset;
    positions[partition] = to;
    for (const record of records) {
      const eventId = responseOf(record)?.split('/')[2];
      if (eventId !== undefined && isFeedback(record.headers.ce_type?.toString('utf8') ?? ''))
        found.push({ partition, offset: record.offset, eventId });
    }
  }
  return { found, moved, atEnd };
};

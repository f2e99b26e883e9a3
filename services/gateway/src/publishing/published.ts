import { batched } from '@causeway/runtime/async/batcher';
import { errorCode } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Store } from '../store/store.ts';

/** What was published before, by event id. Two instances and two requests at once see the same. */
export type PublishedEvents = {
  /**
   * Claims the ids for these contents, in one statement for everybody who asks at that moment. `send`: not known to be on
   * the bus; `duplicate`: it is; `conflict`: the id stands for other content.
   */
  claim(events: readonly Claim[]): Promise<('send' | 'duplicate' | 'conflict')[]>;
  /** Notes that the bus has acknowledged them. Where that fails they are sent again on a repeat, and the exchange knows them. */
  confirm(events: readonly Claim[]): void;
  close(): Promise<void>;
};

export type Claim = { organisation: string; id: string; digest: string };

type Row = { organisation: string; event_id: string; digest: string; confirmed: boolean };

// Losing the last moments of this in a crash of the database server costs a record that the exchange knows for a repeat:
// not worth a disk flush before every acknowledgement. Sorted, so that two instances never wait for each other.
const CLAIM = `
  with setting as materialized (select set_config('synchronous_commit', 'off', true)),
  given as materialized (
    select distinct on (organisation, event_id) organisation, event_id, digest
    from setting, unnest($1::text[], $2::text[], $3::text[]) as given (organisation, event_id, digest)
    order by organisation, event_id
  ),
  added as (
    insert into published_event (organisation, event_id, digest)
    select organisation, event_id, digest from given
    on conflict (organisation, event_id) do nothing
    returning organisation, event_id, digest, confirmed
  )
  select organisation, event_id, digest, confirmed from added
  union all
  select known.organisation, known.event_id, known.digest, known.confirmed
  from published_event known join given using (organisation, event_id)`;

const CONFIRM = `
  with setting as materialized (select set_config('synchronous_commit', 'off', true)),
  given as (select organisation, event_id from setting, unnest($1::text[], $2::text[]) as given (organisation, event_id))
  update published_event known set confirmed = true from given
  where known.organisation = given.organisation and known.event_id = given.event_id`;

const FORGET = "delete from published_event where published_at < now() - interval '90 days'";
const FORGET_MS = 3_600_000;
const MOST = 2_000;

/** How long confirmations are batched before they are written down, milliseconds. */
const NOTE_MS = 250;

export const createPublished = (store: Store, log: Logger): PublishedEvents => {
  /** What the bus has acknowledged here and is not written down yet. */
  const confirmed = new Set<string>();

  const claim = batched(async (events: readonly Claim[]) => {
    const first = await look(store, events);
    // Added by another instance between the two halves of the statement: now it is visible.
    const unseen = events.filter((event) => !first.has(keyOf(event)));
    const second = unseen.length > 0 ? await look(store, unseen) : first;
    return events.map((event) => {
      const row = first.get(keyOf(event)) ?? second.get(keyOf(event));
      if (row === undefined || row.digest !== event.digest) return 'conflict' as const;
      return row.confirmed || confirmed.has(keyOf(event)) ? ('duplicate' as const) : ('send' as const);
    });
  }, MOST);
  const noted = batched(
    async (events: readonly Claim[]) => {
      await store.query(CONFIRM, [
        events.map(({ organisation }) => organisation),
        events.map(({ id }) => id),
      ]);
      return events.map(() => undefined);
    },
    MOST,
    NOTE_MS,
  );
  const open = new Set<Promise<unknown>>();
  const forgetting = setInterval(() => {
    store
      .query(FORGET)
      .catch((error) =>
        log.warn({ event: 'cleanup.failed', code: errorCode(error) }, 'old event ids could not be removed'),
      );
  }, FORGET_MS).unref();
  return {
    claim,
    confirm: (events) => {
      for (const event of events) confirmed.add(keyOf(event));
      const noting = noted(events)
        .catch((error) =>
          log.warn({ event: 'publishing.not_recorded', code: errorCode(error) }, 'events not confirmed'),
        )
        .finally(() => {
          for (const event of events) confirmed.delete(keyOf(event));
          open.delete(noting);
        });
      open.add(noting);
    },
    close: async () => {
      clearInterval(forgetting);
      await Promise.all(open);
    },
  };
};

const look = async (store: Store, events: readonly Claim[]): Promise<ReadonlyMap<string, Row>> => {
  const rows = await store.query<Row>(CLAIM, [
    events.map(({ organisation }) => organisation),
    events.map(({ id }) => id),
    events.map(({ digest }) => digest),
  ]);
  return new Map(rows.map((row) => [keyOf({ organisation: row.organisation, id: row.event_id }), row]));
};

const keyOf = ({ organisation, id }: Pick<Claim, 'organisation' | 'id'>): string => `${organisation} ${id}`;

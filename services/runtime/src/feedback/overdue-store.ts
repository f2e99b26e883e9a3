import type { Envelope, Priority } from '../bus/envelope.ts';
import type { Database } from '../postgres/database.ts';
import type { Answered } from './feedback.ts';

/** An event in an inbox that must be delivered or acknowledged in time. */
export type Watched = {
  partition: number;
  position: number;
  event: Answered & { priority: Priority };
  deliverBy: number | null;
  acknowledgeBy: number | null;
};

export type Overdue = Watched & {
  reason: 'not_delivered' | 'not_acknowledged';
  dueAt: Date;
  noticedAt: Date;
};

/** What was acknowledged elsewhere, and up to where it was read (index = partition). */
export type Heard = { events: { partition: number; position: number }[]; heads: number[] };

/** How long an immediate event may take to be delivered, milliseconds. */
const IMMEDIATE_MS = 300_000;

/** What is watched of an event: nothing where it may take its time, or is history. `since` is its append time in the inbox. */
export const watchedOf = (
  event: Envelope,
  { partition, offset, since }: { partition: number; offset: number; since: number },
): Watched | undefined => {
  const priority = event.priority ?? 'routine';
  const deliverBy = priority === 'immediate' ? since + IMMEDIATE_MS : null;
  const acknowledgeBy = event.actBy === undefined ? null : Date.parse(event.actBy);
  if (event.replay || (deliverBy === null && acknowledgeBy === null)) return undefined;
  return { partition, position: offset, event: { ...event, priority }, deliverBy, acknowledgeBy };
};

export type OverdueStore = {
  /** Whether this instance is the one that watches; prolongs its lease. */
  lead(leaseMs: number): Promise<boolean>;
  heads(): Promise<number[]>;
  /** Writes down what was found up to these heads (index = partition). */
  found(events: readonly Watched[], heads: readonly number[]): Promise<void>;
  delivered(events: readonly Watched[], at: number): Promise<void>;
  acknowledged(events: readonly Watched[], at: number): Promise<void>;
  /** Up to where acknowledgements given elsewhere were heard (index = partition of `deliveries`). */
  heard(): Promise<number[]>;
  /** Notes what was acknowledged elsewhere of what is watched, and that it was heard up to these heads. */
  hear(heard: Heard, at: number): Promise<void>;
  /** Marks what has become overdue, and gives that and what was marked before and not yet told. */
  overdue(now: number): Promise<Overdue[]>;
  told(events: readonly Overdue[]): Promise<void>;
  forget(): Promise<void>;
};

/** Makes or updates the tables of this room. @throws RetryableError, PermanentError of the database */
export const migrateFeedback = (database: Pick<Database, 'migrate'>): Promise<void> =>
  database.migrate(new URL('migrations', import.meta.url), 'migrations_feedback');

/** In one order, so that two of them at one time cannot wait for each other. */
const INSERT = `
  insert into overdue_event (organisation, partition, position, event_id, source, event_type, subject, priority,
    agreement, correlation_id, deliver_by, acknowledge_by, delivered_at, acknowledged_at)
  select $1, item.* from jsonb_to_recordset($2::jsonb) as item (partition int, position bigint, event_id text,
    source text, event_type text, subject text, priority text, agreement text, correlation_id text,
    deliver_by timestamptz, acknowledge_by timestamptz, delivered_at timestamptz, acknowledged_at timestamptz)
  order by item.partition, item.position
  on conflict (organisation, partition, position) do update set
    delivered_at = coalesce(overdue_event.delivered_at, excluded.delivered_at),
    acknowledged_at = coalesce(overdue_event.acknowledged_at, excluded.acknowledged_at)`;

const ACKNOWLEDGE = `
  update overdue_event watched set delivered_at = coalesce(delivered_at, $4), acknowledged_at = coalesce(acknowledged_at, $4)
  from unnest($2::int[], $3::bigint[]) as said (partition, position)
  where watched.organisation = $1 and watched.partition = said.partition and watched.position = said.position`;

const MARK = `
  update overdue_event set noticed_at = $2,
    reason = case when delivered_at is null then 'not_delivered' else 'not_acknowledged' end,
    due_at = case when delivered_at is null then least(deliver_by, acknowledge_by) else acknowledge_by end
  where organisation = $1 and not told and noticed_at is null and acknowledged_at is null
    and ((deliver_by <= $2 and delivered_at is null) or acknowledge_by <= $2)`;

const UNTOLD = `
  select partition, position, event_id, source, event_type, subject, priority, agreement, correlation_id, reason,
    due_at, noticed_at from overdue_event
  where organisation = $1 and noticed_at is not null and not told order by noticed_at limit 500`;

const TOLD = `
  update overdue_event watched set told = true
  from unnest($2::int[], $3::bigint[]) as said (partition, position)
  where watched.organisation = $1 and watched.partition = said.partition and watched.position = said.position`;

const FORGET = `
  delete from overdue_event watched using overdue_head seen
  where watched.organisation = $1 and seen.organisation = $1 and seen.partition = watched.partition
    and watched.position < seen.head
    and (told or acknowledged_at is not null or (delivered_at is not null and acknowledge_by is null))`;

type Row = {
  partition: number;
  position: number;
  event_id: string;
  source: string;
  event_type: string;
  subject: string;
  priority: string;
  agreement: string;
  correlation_id: string | null;
  reason: Overdue['reason'];
  due_at: Date;
  noticed_at: Date;
};

const instant = (ms: number | null | undefined): string | null =>
  ms == null ? null : new Date(ms).toISOString();

const rowOf = (watched: Watched, deliveredAt?: number, acknowledgedAt?: number) => ({
  partition: watched.partition,
  position: watched.position,
  event_id: watched.event.id,
  source: watched.event.source,
  event_type: watched.event.type,
  subject: watched.event.subject,
  priority: watched.event.priority,
  agreement: watched.event.agreement.join(' '),
  correlation_id: watched.event.correlationId ?? null,
  deliver_by: instant(watched.deliverBy),
  acknowledge_by: instant(watched.acknowledgeBy),
  delivered_at: instant(deliveredAt),
  acknowledged_at: instant(acknowledgedAt),
});

const overdueOf = (row: Row): Overdue => ({
  partition: row.partition,
  position: row.position,
  event: {
    id: row.event_id,
    source: row.source,
    type: row.event_type,
    subject: row.subject,
    priority: row.priority as Priority,
    agreement: row.agreement.split(' ').filter(Boolean),
    ...(row.correlation_id !== null && { correlationId: row.correlation_id }),
  },
  deliverBy: null,
  acknowledgeBy: null,
  reason: row.reason,
  dueAt: row.due_at,
  noticedAt: row.noticed_at,
});

/** The tables of `delivery/migrations/002_overdue.sql`, for one organisation. */
export const createOverdueStore = (
  { query, transaction }: Pick<Database, 'query' | 'transaction'>,
  organisation: string,
  instance: string,
): OverdueStore => {
  const write = async (events: readonly Watched[], delivered?: number, acknowledged?: number) => {
    if (events.length === 0) return;
    const rows = events.map((event) => rowOf(event, delivered, acknowledged));
    await query(INSERT, [organisation, JSON.stringify(rows)]);
  };
  return {
    async lead(leaseMs) {
      const rows = await query(
        `insert into overdue_watcher (organisation, holder, lease_until)
         values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
         on conflict (organisation) do update set holder = excluded.holder, lease_until = excluded.lease_until
         where overdue_watcher.holder = $2 or overdue_watcher.lease_until < clock_timestamp() returning 1`,
        [organisation, instance, leaseMs],
      );
      return rows.length > 0;
    },
    async heads() {
      const rows = await query<{ partition: number; head: number }>(
        'select partition, head from overdue_head where organisation = $1 order by partition',
        [organisation],
      );
      return rows.map(({ head }) => head);
    },
    found: (events, heads) =>
      transaction(async (run) => {
        if (events.length > 0)
          await run(INSERT, [organisation, JSON.stringify(events.map((event) => rowOf(event)))]);
        await run(
          `insert into overdue_head (organisation, partition, head)
           select $1, ordinality - 1, head from unnest($2::bigint[]) with ordinality as seen (head, ordinality)
           on conflict (organisation, partition) do update set head = greatest(overdue_head.head, excluded.head)`,
          [organisation, heads],
        );
      }),
    delivered: (events, at) => write(events, at),
    acknowledged: (events, at) => write(events, at, at),
    async heard() {
      const rows = await query<{ head: number }>(
        'select head from overdue_heard where organisation = $1 order by partition',
        [organisation],
      );
      return rows.map(({ head }) => head);
    },
    hear: ({ events, heads }, at) =>
      transaction(async (run) => {
        if (events.length > 0)
          await run(ACKNOWLEDGE, [
            organisation,
            events.map(({ partition }) => partition),
            events.map(({ position }) => position),
            instant(at),
          ]);
        await run(
          `insert into overdue_heard (organisation, partition, head)
           select $1, ordinality - 1, head from unnest($2::bigint[]) with ordinality as seen (head, ordinality)
           on conflict (organisation, partition) do update set head = greatest(overdue_heard.head, excluded.head)`,
          [organisation, heads],
        );
      }),
    async overdue(now) {
      await query(MARK, [organisation, new Date(now)]);
      return (await query<Row>(UNTOLD, [organisation])).map(overdueOf);
    },
    async told(events) {
      await query(TOLD, [
        organisation,
        events.map(({ partition }) => partition),
        events.map(({ position }) => position),
      ]);
    },
    async forget() {
      await query(FORGET, [organisation]);
    },
  };
};

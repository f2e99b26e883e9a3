import { batched } from '../async/batcher.ts';
import type { Priority } from '../bus/envelope.ts';
import { isPermanent, RetryableError } from '../errors.ts';
import type { Database } from '../postgres/database.ts';
import type { CircuitState } from './circuit-breaker.ts';
import type { Item } from './queue.ts';

/** One partition of one subscription, held under a lease. */
export type Held = { subscription: string; partition: number; epoch: number; head: number };

/** What one save changes, all of it or nothing. */
export type Change = { head: number; keep: readonly Item[]; remove: readonly number[] };

export type RedriveOrder = {
  subscription: string;
  partition: number;
  position: number;
  letter: number;
  request: string;
};

export type DeliveryStore = {
  /** Rows for partitions that have none yet. `heads`: index = partition. */
  begin(subscription: string, heads: readonly number[]): Promise<void>;
  known(subscription: string): Promise<boolean>;
  /** Says that this instance works; gives all that said so lately. */
  seen(leaseMs: number): Promise<string[]>;
  /** Prolongs what this instance holds and gives it; what it does not give is lost. */
  renew(leaseMs: number): Promise<Held[]>;
  /** Takes up to `count` that nobody holds, or whose holder is silent or one of `dead`. */
  claim(
    subscriptions: readonly string[],
    count: number,
    leaseMs: number,
    dead: readonly string[],
  ): Promise<Held[]>;
  holders(): Promise<string[]>;
  release(held: Held): Promise<void>;
  parked(held: Held): Promise<Item[]>;
  /** @throws RetryableError `lease-lost` when somebody else has taken over */
  save(held: Held, change: Change): Promise<void>;
  /** How many rows of these subscriptions there are to be worked, by all instances. */
  partitions(subscriptions: readonly string[]): Promise<number>;
  parkedCounts(subscriptions: readonly string[]): Promise<ReadonlyMap<string, number>>;
  circuit(subscription: string): Promise<CircuitState>;
  saveCircuit(subscription: string, state: CircuitState): Promise<void>;
  /** Moves the heads, whoever holds the partitions: their leases end. What is parked stays. */
  move(subscription: string, heads: readonly number[]): Promise<void>;
  forget(subscription: string): Promise<void>;
  orderRedrive(order: RedriveOrder): Promise<void>;
  redriveOrders(subscriptions: readonly string[]): Promise<RedriveOrder[]>;
  doneRedrive(orders: readonly RedriveOrder[]): Promise<void>;
};

/** Makes or updates the tables of this room. @throws RetryableError, PermanentError of the database */
export const migrateDelivery = (database: Pick<Database, 'migrate'>): Promise<void> =>
  database.migrate(new URL('migrations', import.meta.url), 'migrations_delivery');

const HELD = 'subscription, partition, epoch, head';

const CLAIM = `
  update delivery_head set holder = $1, epoch = epoch + 1,
    lease_until = clock_timestamp() + $2 * interval '1 millisecond'
  where (subscription, partition) in (
    select subscription, partition from delivery_head
    where subscription = any($3) and (holder is null or lease_until < clock_timestamp() or holder = any($5))
    order by lease_until, subscription, partition limit $4 for update skip locked)
  returning ${HELD}`;

/**
 * One statement is one transaction, and nothing is changed where the epoch is not ours any more. Rows are locked in one order by
 * whoever changes several, so that nobody waits in a circle.
 */
const SAVE = `
  with given as materialized (
    select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) as given (subscription, partition, epoch, head)
  ), ours as materialized (
    select subscription, partition, given.head from delivery_head row join given using (subscription, partition, epoch)
    order by subscription, partition for update of row
  ), held as (
    update delivery_head row set head = ours.head from ours
    where row.subscription = ours.subscription and row.partition = ours.partition
    returning row.subscription, row.partition, row.epoch
  ), removed as (
    delete from delivery_parked parked using held
      join unnest($5::text[], $6::int[], $7::bigint[], $8::bigint[]) as gone (subscription, partition, epoch, position)
        using (subscription, partition, epoch)
    where parked.subscription = held.subscription and parked.partition = held.partition
      and parked.position = gone.position
  ), kept as (
    insert into delivery_parked (subscription, partition, position, event_id, event_type, subject, priority,
      corrects, since, tries, first_try, due, letter, redrive)
    select held.subscription, held.partition, position, event_id, event_type, subject, priority,
      corrects, since, tries, first_try, due, letter, redrive
    from held join jsonb_to_recordset($9::jsonb) as item
      (subscription text, partition int, epoch bigint, position bigint, event_id text, event_type text, subject text,
       priority text, corrects text, since timestamptz, tries int, first_try timestamptz, due timestamptz,
       letter bigint, redrive text)
      using (subscription, partition, epoch)
    on conflict (subscription, partition, position) do update set tries = excluded.tries,
      first_try = excluded.first_try, due = excluded.due, letter = excluded.letter, redrive = excluded.redrive
  )
  select subscription, partition, epoch from held`;

const MOST_SAVED = 1_000;

type Saving = { held: Held; change: Change };

/** Whether each partition was held still. */
const saveAll = async (query: Database['query'], savings: readonly Saving[]): Promise<boolean[]> => {
  const removed = savings.flatMap(({ held, change }) =>
    change.remove.map((position) => ({ ...held, position })),
  );
  const kept = savings.flatMap(({ held: { subscription, partition, epoch }, change }) =>
    change.keep.map((item) => ({ subscription, partition, epoch, ...rowOf(item) })),
  );
  const rows = await query<Omit<Held, 'head'>>(SAVE, [
    savings.map(({ held }) => held.subscription),
    savings.map(({ held }) => held.partition),
    savings.map(({ held }) => held.epoch),
    savings.map(({ change }) => change.head),
    removed.map(({ subscription }) => subscription),
    removed.map(({ partition }) => partition),
    removed.map(({ epoch }) => epoch),
    removed.map(({ position }) => position),
    JSON.stringify(kept),
  ]);
  const ours = new Set(rows.map(nameOf));
  return savings.map(({ held }) => ours.has(nameOf(held)));
};

const nameOf = ({ subscription, partition, epoch }: Omit<Held, 'head'>): string =>
  `${subscription} ${partition} ${epoch}`;

/** What the database will never take of one must not keep the others from being written down. */
const saveApart = (query: Database['query'], savings: readonly Saving[]): Promise<(boolean | Error)[]> =>
  Promise.all(
    savings.map((saving) =>
      saveAll(query, [saving]).then(
        ([isOurs = false]) => isOurs,
        (error: Error) => error,
      ),
    ),
  );

const PARKED = `
  select position, event_id, event_type, subject, priority, corrects, since, tries, first_try, due, letter, redrive
  from delivery_parked where subscription = $1 and partition = $2 order by position`;

type Row = {
  position: number;
  event_id: string;
  event_type: string;
  subject: string;
  priority: string;
  corrects: string | null;
  since: Date;
  tries: number;
  first_try: Date | null;
  due: Date | null;
  letter: number | null;
  redrive: string | null;
};

const itemOf = (row: Row): Item => ({
  position: row.position,
  event: {
    id: row.event_id,
    type: row.event_type,
    subject: row.subject,
    priority: row.priority as Priority,
    corrects: row.corrects,
  },
  since: row.since.getTime(),
  parked: true,
  tries: row.tries,
  firstTry: row.first_try?.getTime() ?? null,
  due: row.due?.getTime() ?? 0,
  deadLetter: row.letter,
  redrive: row.redrive,
});

const instant = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

const rowOf = ({ position, event, since, tries, firstTry, due, deadLetter, redrive }: Item) => ({
  position,
  event_id: event.id,
  event_type: event.type,
  subject: event.subject,
  priority: event.priority,
  corrects: event.corrects,
  since: instant(since),
  tries,
  first_try: instant(firstTry),
  due: due === 0 ? null : instant(due),
  letter: deadLetter,
  redrive,
});

/** The tables of `migrations/001_delivery.sql`; `instance` is who writes. Leases go by the database's own clock. */
export const createDeliveryStore = ({ query }: Pick<Database, 'query'>, instance: string): DeliveryStore => {
  const saved = batched<Saving, boolean | Error>(
    (savings) =>
      saveAll(query, savings).catch((error) => {
        if (!isPermanent(error)) throw error;
        return saveApart(query, savings);
      }),
    MOST_SAVED,
  );
  return {
    async begin(subscription, heads) {
      await query(
        `insert into delivery_head (subscription, partition, head)
       select $1, ordinality - 1, head from unnest($2::bigint[]) with ordinality as first (head, ordinality)
       on conflict do nothing`,
        [subscription, heads],
      );
    },
    known: async (subscription) =>
      (await query('select 1 from delivery_head where subscription = $1 limit 1', [subscription])).length > 0,
    async seen(leaseMs) {
      await query(
        `insert into delivery_instance (instance, seen_at) values ($1, clock_timestamp())
       on conflict (instance) do update set seen_at = excluded.seen_at`,
        [instance],
      );
      const rows = await query<{ instance: string }>(
        `with gone as (delete from delivery_instance where seen_at < now() - interval '1 day')
       select instance from delivery_instance
       where seen_at > clock_timestamp() - $1 * interval '1 millisecond'`,
        [leaseMs],
      );
      return rows.map((row) => row.instance);
    },
    renew: (leaseMs) =>
      query<Held>(
        `with ours as materialized (
         select subscription, partition from delivery_head where holder = $1
         order by subscription, partition for update)
       update delivery_head row set lease_until = clock_timestamp() + $2 * interval '1 millisecond' from ours
       where row.subscription = ours.subscription and row.partition = ours.partition
       returning row.subscription, row.partition, row.epoch, row.head`,
        [instance, leaseMs],
      ),
    claim: (subscriptions, count, leaseMs, dead) =>
      query<Held>(CLAIM, [instance, leaseMs, subscriptions, count, dead]),
    async holders() {
      const rows = await query<{ holder: string }>(
        'select distinct holder from delivery_head where holder is not null and holder <> $1',
        [instance],
      );
      return rows.map(({ holder }) => holder);
    },
    async release({ subscription, partition, epoch }) {
      await query(
        `update delivery_head set holder = null, lease_until = '-infinity'
       where subscription = $1 and partition = $2 and epoch = $3`,
        [subscription, partition, epoch],
      );
    },
    parked: async ({ subscription, partition }) =>
      (await query<Row>(PARKED, [subscription, partition])).map(itemOf),
    async save(held, change) {
      const [isOurs] = await saved([{ held, change }]);
      if (isOurs instanceof Error) throw isOurs;
      if (!isOurs)
        throw new RetryableError('lease-lost', `Another instance works partition ${held.partition} now`);
    },
    async partitions(subscriptions) {
      const sql = 'select count(*)::int as count from delivery_head where subscription = any($1)';
      return (await query<{ count: number }>(sql, [subscriptions]))[0]?.count ?? 0;
    },
    async parkedCounts(subscriptions) {
      const rows = await query<{ subscription: string; count: number }>(
        `select subscription, count(*)::int as count from delivery_parked where subscription = any($1)
       group by subscription`,
        [subscriptions],
      );
      return new Map(rows.map(({ subscription, count }) => [subscription, count]));
    },
    async circuit(subscription) {
      const sql = 'select open_until, opens from delivery_circuit where subscription = $1';
      const [row] = await query<{ open_until: Date | null; opens: number }>(sql, [subscription]);
      return { openUntil: row?.open_until?.getTime() ?? null, opens: row?.opens ?? 0 };
    },
    async saveCircuit(subscription, { openUntil, opens }) {
      await query(
        `insert into delivery_circuit (subscription, open_until, opens) values ($1, $2, $3)
       on conflict (subscription) do update set open_until = excluded.open_until, opens = excluded.opens`,
        [subscription, instant(openUntil), opens],
      );
    },
    async move(subscription, heads) {
      await query(
        `with moved as materialized (
         select partition, target.head from delivery_head row
           join unnest($2::bigint[]) with ordinality as target (head, ordinality) on row.partition = ordinality - 1
         where subscription = $1 order by partition for update of row)
       update delivery_head row set head = moved.head, epoch = epoch + 1, holder = null, lease_until = '-infinity'
       from moved where row.subscription = $1 and row.partition = moved.partition`,
        [subscription, heads],
      );
    },
    async forget(subscription) {
      for (const table of ['delivery_head', 'delivery_parked', 'delivery_redrive', 'delivery_circuit'])
        await query(`delete from ${table} where subscription = $1`, [subscription]);
    },
    async orderRedrive({ subscription, partition, position, letter, request }) {
      await query(
        `insert into delivery_redrive (subscription, partition, position, letter, request)
       values ($1, $2, $3, $4, $5)
       on conflict (subscription, partition, position) do update
         set letter = excluded.letter, request = excluded.request`,
        [subscription, partition, position, letter, request],
      );
    },
    redriveOrders: (subscriptions) =>
      query<RedriveOrder>(
        `select subscription, partition, position, letter, request from delivery_redrive
       where subscription = any($1) order by position limit 1000`,
        [subscriptions],
      ),
    async doneRedrive(orders) {
      for (const { subscription, partition, position, letter } of orders)
        await query(
          `delete from delivery_redrive
         where subscription = $1 and partition = $2 and position = $3 and letter = $4`,
          [subscription, partition, position, letter],
        );
    },
  };
};

import type { Database } from '../database.ts';
import { RetryableError } from '../errors.ts';
import type { Priority } from '../event.ts';
import type { CircuitState } from './circuit.ts';
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

const HELD = 'subscription, partition, epoch, head';

const CLAIM = `
  update delivery_head set holder = $1, epoch = epoch + 1,
    lease_until = clock_timestamp() + $2 * interval '1 millisecond'
  where (subscription, partition) in (
    select subscription, partition from delivery_head
    where subscription = any($3) and (holder is null or lease_until < clock_timestamp() or holder = any($5))
    order by lease_until, subscription, partition limit $4 for update skip locked)
  returning ${HELD}`;

/** One statement is one transaction, and nothing is changed where the epoch is not ours any more. */
const SAVE = `
  with held as (
    update delivery_head set head = $4 where subscription = $1 and partition = $2 and epoch = $3
    returning subscription, partition
  ), removed as (
    delete from delivery_parked parked using held
    where parked.subscription = held.subscription and parked.partition = held.partition
      and parked.position = any($5::bigint[])
  ), kept as (
    insert into delivery_parked (subscription, partition, position, event_id, event_type, subject, priority,
      corrects, since, tries, first_try, due, letter, redrive)
    select held.subscription, held.partition, item.* from held, jsonb_to_recordset($6::jsonb) as item
      (position bigint, event_id text, event_type text, subject text, priority text, corrects text,
       since timestamptz, tries int, first_try timestamptz, due timestamptz, letter bigint, redrive text)
    on conflict (subscription, partition, position) do update set tries = excluded.tries,
      first_try = excluded.first_try, due = excluded.due, letter = excluded.letter, redrive = excluded.redrive
  )
  select count(*)::int as held from held`;

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
  letter: row.letter,
  redrive: row.redrive,
});

const instant = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

const rowOf = ({ position, event, since, tries, firstTry, due, letter, redrive }: Item) => ({
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
  letter,
  redrive,
});

/** The tables of `migrations/001_delivery.sql`; `instance` is who writes. Leases go by the database's own clock. */
export const createDeliveryStore = ({ query }: Pick<Database, 'query'>, instance: string): DeliveryStore => ({
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
      `update delivery_head set lease_until = clock_timestamp() + $2 * interval '1 millisecond'
       where holder = $1 returning ${HELD}`,
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
  async save({ subscription, partition, epoch }, { head, keep, remove }) {
    const params = [subscription, partition, epoch, head, remove, JSON.stringify(keep.map(rowOf))];
    const [row] = await query<{ held: number }>(SAVE, params);
    if (row?.held !== 1)
      throw new RetryableError('lease-lost', `Another instance works partition ${partition} now`);
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
      `update delivery_head set head = target.head, epoch = epoch + 1, holder = null, lease_until = '-infinity'
       from unnest($2::bigint[]) with ordinality as target (head, ordinality)
       where subscription = $1 and partition = ordinality - 1`,
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
});

import type { Query } from '@causeway/runtime/postgres/database';

/** How far a subscription, a sink or a pulling client is behind. */
export type ReaderLag = {
  organisation: string;
  name: string;
  pulls: boolean;
  events: number;
  seconds: number;
  retrying: number;
  lastAt: number;
  lastCode: string;
};
/** Events of a type that were released to an organisation and that nobody there has yet. */
type InboxLag = { organisation: string; type: string; events: number; seconds: number };
export type LagLook = { at: number; readers: ReaderLag[]; inboxes: InboxLag[] };

/** What the database says of deliveries now. */
export async function lookAtDeliveries(query: Query, now: number): Promise<LagLook> {
  const [readers, inboxes] = await Promise.all([
    query<Omit<ReaderLag, 'seconds' | 'lastAt'> & { oldest: Date | null; last: Date }>(READERS),
    query<{ organisation: string; type: string; events: number; oldest: Date }>(INBOXES),
  ]);
  const age = (oldest: Date | null) => (oldest === null ? 0 : Math.max(0, (now - oldest.getTime()) / 1000));
  return {
    at: now,
    readers: readers.map(({ oldest, last, ...reader }) => ({
      ...reader,
      seconds: age(oldest),
      lastAt: last.getTime(),
    })),
    inboxes: inboxes.map(({ oldest, ...inbox }) => ({ ...inbox, seconds: age(oldest) })),
  };
}

/**
 * Behind are the events released after the newest one that it has had, in each partition and of the types that it takes, and those
 * that are being tried again. A partition that it has not had anything of yet counts from where it is in the others.
 */
const READERS = `
with each as (
  select organisation, name, bool_or(pulls) as pulls, min(through) as earliest, max(last_at) as last,
    (array_agg(last_code order by last_at desc))[1] as code
  from reader group by 1, 2 having max(last_at) > now() - interval '30 days'
)
select e.organisation, e.name, e.pulls, e.last, e.code as "lastCode",
  (tail.events + open.events)::int as events, open.events::int as retrying, least(tail.oldest, open.oldest) as oldest
from each e
cross join lateral (
  select coalesce(sum(w.events), 0) as events, min(w.oldest) as oldest
  from generate_series(0, 5) as p(partition)
  left join reader r on r.organisation = e.organisation and r.name = e.name and r.partition = p.partition
  cross join lateral (
    select count(*) as events, min(j.released_at) as oldest from journey j
    where j.recipient = e.organisation and j.partition = p.partition and j.ended is null
      and j.released_at > coalesce(r.through, e.earliest)
      and (e.pulls or j.type in (select t.type from reader_type t where t.organisation = e.organisation and t.name = e.name))
  ) w
) tail
cross join lateral (
  select count(*) as events, min(coalesce(j.released_at, o.since)) as oldest from open_delivery o
  left join journey j on j.source = o.source and j.event_id = o.event_id and j.recipient = o.organisation
  where o.organisation = e.organisation and o.name = e.name
) open
order by 1, 2`;

const INBOXES = `
select recipient as organisation, type, count(*)::int as events, min(released_at) as oldest
from journey where delivered_at is null and ended is null group by 1, 2 order by 1, 2`;

export type LagSampleRow = {
  organisation: string;
  kind: 'exchange' | 'inbox' | 'reader' | 'type';
  name: string;
  events: number;
  seconds: number;
};

/** Keeps one look for the history; two instances that look at the same time write it once. */
export async function keepSamples(query: Query, at: number, rows: readonly LagSampleRow[]): Promise<void> {
  await query(
    `insert into lag_sample (at, organisation, kind, name, events, seconds)
     select $2, organisation, kind, name, events, seconds
     from jsonb_to_recordset($1) as g(organisation text, kind text, name text, events bigint, seconds float8)
     on conflict do nothing`,
    [JSON.stringify(rows), new Date(at)],
  );
}

/** Older figures are kept in larger steps: ten seconds for an hour, a minute for a day, ten minutes for seven days. */
export async function thin(query: Query): Promise<void> {
  for (const { older, step } of [
    { older: '1 hour', step: '1 minute' },
    { older: '1 day', step: '10 minutes' },
  ]) {
    const slot = `date_bin('${step}', at, 'epoch')`;
    const old = `at < date_bin('${step}', now() - interval '${older}', 'epoch') and at <> ${slot}`;
    await query(
      `with old as (delete from lag_sample where ${old} returning *)
       insert into lag_sample (at, organisation, kind, name, events, seconds)
       select ${slot}, organisation, kind, name, max(events), max(seconds) from old group by 1, 2, 3, 4
       on conflict (kind, organisation, name, at) do update
         set events = greatest(lag_sample.events, excluded.events), seconds = greatest(lag_sample.seconds, excluded.seconds)`,
    );
    await query(
      `with old as (delete from flow where ${old} returning *)
       insert into flow (at, source, system, recipient, type, outcome, events)
       select ${slot}, source, system, recipient, type, outcome, sum(events) from old group by 1, 2, 3, 4, 5, 6
       on conflict (at, source, system, recipient, type, outcome) do update set events = flow.events + excluded.events`,
    );
  }
}

/** Forgets what the topics have forgotten as well, and figures after their time. */
export async function forget(query: Query): Promise<void> {
  for (const statement of [
    "delete from lag_sample where at < now() - interval '7 days'",
    "delete from flow where at < now() - interval '7 days'",
    "delete from journey where released_at < now() - interval '90 days'",
    "delete from outcome where at < now() - interval '7 days'",
    "delete from open_delivery where since < now() - interval '30 days'",
    "delete from dead_letter where at < now() - interval '90 days'",
    "delete from redrive where asked_at < now() - interval '90 days'",
    "delete from reader where last_at < now() - interval '90 days'",
    "delete from duration_day where day < now() - interval '400 days'",
  ])
    await query(statement);
}

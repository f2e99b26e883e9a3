import { RetryableError } from '@causeway/runtime/errors';
import type { TopicPartition } from '@causeway/runtime/kafka/broker-client';
import type { Query } from '@causeway/runtime/postgres/database';
import { applyCases, type CaseRows } from './case-rows.ts';
import type { DeadLetterRow } from './dead-letter-rows.ts';
import type { DeliveryRows, RedriveRow } from './delivery-rows.ts';
import type { LedgerRows, OutcomeRow } from './ledger-rows.ts';

/** A pulling client has everything released up to `through` in this partition of its inbox. */
export type ReadRow = { organisation: string; name: string; partition: number; through: string; at: string };
export type Taken = {
  ledger: LedgerRows;
  deliveries: Omit<DeliveryRows, 'pages'>;
  reads: ReadRow[];
  deadLetters: DeadLetterRow[];
  cases: CaseRows;
  /** `from` is where it was read from. */
  positions: (TopicPartition & { from: number; next: number })[];
};

/**
 * Writes what was taken from the topics, and how far, in the transaction of `query`.
 *
 * @throws RetryableError `taken-by-another` where somebody else is further: nothing may count twice
 */
export async function applyTaken(query: Query, taken: Taken): Promise<void> {
  const { ledger, deliveries } = taken;
  const [other] = await query(TAKEN_BY_ANOTHER, [JSON.stringify(taken.positions)]);
  if (other) throw new RetryableError('taken-by-another', 'another instance has taken these records in');
  if (ledger.journeys.length > 0) await insertJourneys(query, ledger.journeys);
  if (ledger.flow.length > 0) await query(FLOW, [JSON.stringify(ledger.flow)]);
  const outcomes = firstOfEach([...ledger.outcomes, ...deliveries.outcomes]);
  if (outcomes.length > 0) await query(OUTCOMES, [JSON.stringify(outcomes)]);
  await applyDeadLetters(query, taken);
  if (deliveries.attempts.length > 0) await applyAttempts(query, deliveries.attempts);
  if (taken.reads.length > 0) await query(READS, [JSON.stringify(taken.reads)]);
  await applyCases(query, taken.cases);
  await query(POSITIONS, [JSON.stringify(taken.positions)]);
}

/** Joins deliveries and acknowledgements with the journeys they belong to, in whatever order the two were read. */
export async function settle(query: Query): Promise<void> {
  await query(SETTLE_OUTCOMES);
  await query(SETTLE_READS);
}

function firstOfEach(rows: OutcomeRow[]): OutcomeRow[] {
  const first = new Map<string, OutcomeRow>();
  for (const row of rows) {
    const key = [row.source, row.event_id, row.recipient, row.leg].join(' ');
    if (!first.has(key)) first.set(key, row);
  }
  return [...first.values()];
}

/** A dead letter and the result of its redrive are in different topics, which are read in any order: both change its state. */
async function applyDeadLetters(query: Query, { deadLetters, deliveries }: Taken): Promise<void> {
  const { redrives } = deliveries;
  if (deadLetters.length > 0) await query(DEAD_LETTERS, [JSON.stringify(deadLetters)]);
  if (redrives.length > 0) {
    await query(ASKED_ELSEWHERE, [JSON.stringify(redrives)]);
    await query(REDRIVES, [JSON.stringify(lastOfEach(redrives))]);
  }
  if (deadLetters.length + redrives.length > 0)
    await query(STATES, [JSON.stringify(deadLetters), redrives.map(({ id }) => id)]);
}

/** `queued` and its result are in different partitions, which are read in any order: what is final counts. */
function lastOfEach(rows: readonly RedriveRow[]): RedriveRow[] {
  const last = new Map<string, RedriveRow>();
  for (const row of rows) if (row.outcome !== 'queued' || !last.has(row.id)) last.set(row.id, row);
  return [...last.values()];
}

async function insertJourneys(query: Query, journeys: LedgerRows['journeys']): Promise<void> {
  await query(
    `with given as (
       select * from jsonb_to_recordset($1) as g(source text, event_id text, recipient text, type text, partition int,
         agreements text[], priority text, act_by timestamptz, occurred_at timestamptz, released_at timestamptz)
     ), made as (
       insert into journey (source, event_id, recipient, type, partition, agreements, priority, act_by, occurred_at, released_at)
       select source, event_id, recipient, type, partition, agreements, priority, act_by, occurred_at, released_at from given
       on conflict do nothing
       returning agreements, released_at
     )
     insert into release_month (agreement, month, events)
     select split_part(agreement, '/', 1), date_trunc('month', released_at at time zone 'Europe/London')::date, count(*)
     from made, unnest(agreements) as agreement group by 1, 2
     on conflict (agreement, month) do update set events = release_month.events + excluded.events`,
    [JSON.stringify(journeys)],
  );
}

async function applyAttempts(query: Query, attempts: DeliveryRows['attempts']): Promise<void> {
  const given = JSON.stringify(attempts);
  await query(READERS, [given]);
  await query(READER_TYPES, [given]);
  // The last record of a position says whether it is still being tried.
  const latest = [
    ...new Map(attempts.map((row) => [`${row.organisation} ${row.name} ${row.position}`, row])).values(),
  ];
  await query(OPENED, [JSON.stringify(latest.filter(({ open }) => open))]);
  await query(CLOSED, [JSON.stringify(latest.filter(({ open }) => !open))]);
}

const FLOW = `
insert into flow (at, source, system, recipient, type, outcome, events)
select at, source, system, recipient, type, outcome, events
from jsonb_to_recordset($1) as g(at timestamptz, source text, system text, recipient text, type text, outcome text, events int)
on conflict (at, source, system, recipient, type, outcome) do update set events = flow.events + excluded.events`;

const OUTCOMES = `
insert into outcome (source, event_id, recipient, leg, at)
select source, event_id, recipient, leg, at
from jsonb_to_recordset($1) as g(source text, event_id text, recipient text, leg text, at timestamptz)
on conflict do nothing`;

const DEAD_LETTERS = `
insert into dead_letter (organisation, "offset", at, component, reason, origin, attempts, content_type, type, source, bytes)
select organisation, "offset", at, component, reason, origin, attempts, content_type, type, source, bytes
from jsonb_to_recordset($1) as g(organisation text, "offset" bigint, at timestamptz, component text, reason text,
  origin text, attempts int, content_type text, type text, source text, bytes int)
on conflict do nothing`;

const ATTEMPT = `jsonb_to_recordset($1) as g(organisation text, name text, partition int, position text, source text,
  event_id text, type text, at timestamptz, code text, attempts int)`;

const READERS = `
insert into reader (organisation, name, partition, pulls, through, last_at, last_code)
select distinct on (g.organisation, g.name, g.partition) g.organisation, g.name, g.partition, false,
  max(coalesce(j.released_at, g.at)) over w, g.at, g.code
from ${ATTEMPT}
left join journey j on j.source = g.source and j.event_id = g.event_id and j.recipient = g.organisation
window w as (partition by g.organisation, g.name, g.partition)
order by g.organisation, g.name, g.partition, g.at desc
on conflict (organisation, name, partition) do update set
  through = greatest(reader.through, excluded.through), last_at = excluded.last_at, last_code = excluded.last_code`;

const READER_TYPES = `
insert into reader_type (organisation, name, type)
select distinct organisation, name, type from ${ATTEMPT} where type is not null
on conflict do nothing`;

const OPENED = `
insert into open_delivery (organisation, name, position, source, event_id, type, since, attempts, code)
select organisation, name, position, source, event_id, type, at, attempts, code from ${ATTEMPT}
on conflict (organisation, name, position) do update set attempts = excluded.attempts, code = excluded.code`;

const CLOSED = `
delete from open_delivery o using ${ATTEMPT}
where o.organisation = g.organisation and o.name = g.name and o.position = g.position`;

const READS = `
insert into reader (organisation, name, partition, pulls, through, last_at, last_code)
select organisation, name, partition, true, through, at, 'ok'
from jsonb_to_recordset($1) as g(organisation text, name text, partition int, through timestamptz, at timestamptz)
on conflict (organisation, name, partition) do update set
  through = greatest(reader.through, excluded.through), last_at = excluded.last_at, last_code = excluded.last_code`;

/** A subscriber asks the gateway; a console whose database was lost has forgotten what it asked for. */
const ASKED_ELSEWHERE = `
insert into redrive (id, organisation, dead_letter, batch, asked_by, reason, asked_at, sent_at)
select id, organisation, min(dead_letter), id, coalesce(min("by"), 'unknown'),
  case when min("by") is null then 'what was typed is not known here' else 'asked for by the receiver at the gateway' end, min(at), min(at)
from jsonb_to_recordset($1) as g(organisation text, id text, dead_letter bigint, "by" text, at timestamptz)
where dead_letter is not null group by id, organisation
on conflict (id) do update set asked_by = excluded.asked_by, reason = excluded.reason
where redrive.asked_by = 'unknown' and redrive.organisation = excluded.organisation`;

/** `queued` comes before its result; a result that is final stays. */
const REDRIVES = `
update redrive r set outcome = g.outcome, code = g.code, settled_at = g.at
from jsonb_to_recordset($1) as g(organisation text, id text, outcome text, code text, at timestamptz)
where r.id = g.id and r.organisation = g.organisation and (r.outcome is null or r.outcome = 'queued')`;

/** The last redrive of a dead letter determines its state. */
const STATES = `
with touched as (
  select organisation, "offset" from jsonb_to_recordset($1) as g(organisation text, "offset" bigint)
  union select organisation, dead_letter from redrive where id = any($2)
), latest as (
  select distinct on (r.organisation, r.dead_letter) r.organisation, r.dead_letter, r.outcome
  from redrive r join touched t on t.organisation = r.organisation and t."offset" = r.dead_letter
  order by r.organisation, r.dead_letter, r.asked_at desc
)
update dead_letter d set state = case
    when l.outcome is null or l.outcome = 'queued' then 'asked'
    when l.outcome in ('published', 'duplicate', 'delivered') then 'done'
    when l.outcome in ('not-shared', 'withheld') then 'withheld'
    else 'failed' end
from latest l where d.organisation = l.organisation and d."offset" = l.dead_letter`;

const TAKEN_BY_ANOTHER = `
select 1 from followed f join jsonb_to_recordset($1) as g(topic text, partition int, "from" bigint) using (topic, partition)
where f.next > g."from" for update of f`;

const POSITIONS = `
insert into followed (topic, partition, next)
select topic, partition, next from jsonb_to_recordset($1) as g(topic text, partition int, next bigint)
on conflict (topic, partition) do update set next = excluded.next`;

/**
 * Buckets of a quarter of a power of two seconds: a median read from them is right to a fifth. Feedback is left out, and
 * what was a month old when it was released: that is history, not delay.
 */
const DURATIONS = `
insert into duration_day (agreement, day, leg, bucket, events)
select split_part(agreement, '/', 1), (at at time zone 'Europe/London')::date, leg,
  floor(4 * log(2, greatest(1, extract(epoch from at - occurred_at))))::int, count(*)
from legs, unnest(agreements) as agreement
where at is not null and occurred_at > released_at - interval '30 days' and type not like 'uk.causeway.exchange.%'
group by 1, 2, 3, 4
on conflict (agreement, day, leg, bucket) do update set events = duration_day.events + excluded.events`;

const SETTLE_OUTCOMES = `
with matched as (
  delete from outcome o using journey j
  where j.source = o.source and j.event_id = o.event_id and j.recipient = o.recipient
  returning o.source, o.event_id, o.recipient, o.leg, o.at
), what as (
  select source, event_id, recipient,
    min(at) filter (where leg = 'delivered') as delivered_at,
    min(at) filter (where leg = 'acknowledged') as acknowledged_at,
    min(at) filter (where leg = 'overdue') as overdue_told_at,
    min(leg) filter (where leg in ('withheld', 'dead-letter', 'lost')) as ended
  from matched group by 1, 2, 3
), changed as (
  update journey j set
    delivered_at = coalesce(j.delivered_at, w.delivered_at, w.acknowledged_at),
    acknowledged_at = coalesce(j.acknowledged_at, w.acknowledged_at),
    overdue_told_at = coalesce(j.overdue_told_at, w.overdue_told_at),
    ended = coalesce(j.ended, w.ended)
  from what w join journey before using (source, event_id, recipient)
  where j.source = w.source and j.event_id = w.event_id and j.recipient = w.recipient
  returning j.agreements, j.type, j.occurred_at, j.released_at,
    case when before.delivered_at is null then j.delivered_at end as delivered_at,
    case when before.acknowledged_at is null then j.acknowledged_at end as acknowledged_at
), legs as (
  select agreements, type, occurred_at, released_at, 'delivered' as leg, delivered_at as at from changed
  union all
  select agreements, type, occurred_at, released_at, 'acknowledged', acknowledged_at from changed
)
${DURATIONS}`;

const SETTLE_READS = `
with legs as (
  update journey j set delivered_at = greatest(r.last_at, j.released_at) from reader r
  where r.pulls and j.recipient = r.organisation and j.partition = r.partition
    and j.released_at <= r.through and j.delivered_at is null and j.ended is null
  returning j.agreements, j.type, j.occurred_at, j.released_at, 'delivered' as leg, j.delivered_at as at
)
${DURATIONS}`;

import type { Query } from '@causeway/runtime/postgres/database';

/** An event that should have been received or acknowledged by now. */
export type Pressing = {
  source: string;
  eventId: string;
  recipient: string;
  type: string;
  agreements: string[];
  priority: string | null;
  releasedAt: Date;
  actBy: Date | null;
  deliveredAt: Date | null;
  failed: boolean;
};
/** A system of an organisation that has been silent for longer than it usually is; both in seconds. */
type Silent = { organisation: string; system: string; seconds: number; usually: number };
/** Dead letters of an organisation, by who gave them up. */
type Failing = { organisation: string; component: string; waiting: number; today: number };

/** What may need attention, read from the database at `at`. */
export type Attention = {
  at: number;
  pressing: Pressing[];
  onTheirWay: number;
  silent: Silent[];
  failing: Failing[];
};

export const DELIVER_WITHIN_SECONDS = 300;

/** @param withinSeconds how long an immediate event may be on its way before the page asks for a phone call */
export async function lookForAttention(
  query: Query,
  now: number,
  withinSeconds = DELIVER_WITHIN_SECONDS,
): Promise<Attention> {
  const [pressing, way, silent, failing] = await Promise.all([
    query<Pressing>(PRESSING, [withinSeconds]),
    query<{ n: number }>(ON_THEIR_WAY, [withinSeconds]),
    query<Silent>(SILENT),
    query<Failing>(FAILING),
  ]);
  return { at: now, pressing, onTheirWay: way[0]?.n ?? 0, silent, failing };
}

const NOT_FEEDBACK = "type not like 'uk.causeway.exchange.%'";

const PRESSING = `
select source, event_id as "eventId", recipient, type, agreements, priority, released_at as "releasedAt", act_by as "actBy",
  delivered_at as "deliveredAt", (ended = 'dead-letter') is true as failed
from journey
where acknowledged_at is null and (priority = 'immediate' or act_by is not null)
  and released_at > now() - interval '7 days' and ended is distinct from 'withheld' and ${NOT_FEEDBACK}
  and (
    (priority = 'immediate' and delivered_at is null and released_at < now() - make_interval(secs => $1))
    or (ended = 'dead-letter' and delivered_at is null)
    or act_by < now()
  )
order by (priority = 'immediate') desc nulls last, coalesce(act_by, released_at) limit 200`;

const ON_THEIR_WAY = `
select count(*)::int as n from journey
where acknowledged_at is null and priority = 'immediate' and delivered_at is null and ended is null
  and released_at >= now() - make_interval(secs => $1) and ${NOT_FEEDBACK}`;

/** Longer than three times the gap that only one in a hundred of its gaps is longer than, and than a quarter of an hour. */
const SILENT = `
with slots as (
  select distinct source, system, at from flow where recipient = '' and ${NOT_FEEDBACK}
), gaps as (
  select source, system, at, extract(epoch from at - lag(at) over (partition by source, system order by at)) as gap from slots
), usual as (
  select source, system, max(at) as last, percentile_cont(0.99) within group (order by gap) as gap, count(gap) as gaps
  from gaps group by 1, 2
)
select source as organisation, system, extract(epoch from now() - last)::float8 as seconds, gap::float8 as usually from usual
where gaps >= 20 and now() - last > greatest(interval '15 minutes', make_interval(secs => 3 * gap))`;

const FAILING = `
select organisation, component, count(*) filter (where state = 'waiting')::int as waiting,
  count(*) filter (where at > now() - interval '1 day')::int as today
from dead_letter group by 1, 2 order by 1, 2`;

import type { Query } from '@causeway/runtime/postgres/database';

export const RANGES = {
  hour: { title: 'Last hour', ms: 3_600_000, stepMs: 10_000 },
  day: { title: 'Last 24 hours', ms: 86_400_000, stepMs: 300_000 },
  week: { title: 'Last 7 days', ms: 604_800_000, stepMs: 1_800_000 },
} as const;
export type Range = keyof typeof RANGES;

/** Whose lag: the exchange's over outboxes, that of inboxes, or one subscription's. */
export type LagOf = { kind: 'exchange' | 'inbox' | 'reader'; organisations: readonly string[]; name: string };
/** Worst of each step; null where nobody looked, which a chart draws as a gap. */
export type LagPoint = { at: number; events: number | null; seconds: number | null };

export async function lagHistory(query: Query, of: LagOf, range: Range, now: number): Promise<LagPoint[]> {
  const { ms, stepMs } = RANGES[range];
  const rows = await query<{ slot: Date; events: number; seconds: number }>(
    `with looks as (
       select at, sum(events) as events, max(seconds) as seconds from lag_sample
       where kind = $1 and organisation = any($2) and name = $3 and at > $4 group by at
     )
     select date_bin(make_interval(secs => $5), at, 'epoch') as slot, max(events)::float8 as events, max(seconds) as seconds
     from looks group by 1 order by 1`,
    [of.kind, of.organisations, of.name, new Date(now - ms), stepMs / 1000],
  );
  const known = new Map(rows.map((row) => [row.slot.getTime(), row]));
  const last = Math.floor(now / stepMs) * stepMs;
  const count = Math.floor(ms / stepMs);
  return Array.from({ length: count }, (_, i) => {
    const at = last - (count - 1 - i) * stepMs;
    const row = known.get(at);
    return { at, events: row?.events ?? null, seconds: row?.seconds ?? null };
  });
}

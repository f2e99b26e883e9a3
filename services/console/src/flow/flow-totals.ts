import type { Query } from '@causeway/runtime/postgres/database';

/** Events of one type from one organisation to another, by what was decided, over some time. */
export type FlowTotal = {
  source: string;
  /** Which of the source's systems sent them. */
  system: string;
  recipient: string;
  type: string;
  outcome: string;
  hour: number;
  day: number;
};

export async function flowTotals(query: Query): Promise<FlowTotal[]> {
  return await query<FlowTotal>(
    `select source, system, recipient, type, outcome,
       coalesce(sum(events) filter (where at > now() - interval '1 hour'), 0)::int as hour, sum(events)::int as day
     from flow where recipient <> '' and at > now() - interval '1 day'
     group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5`,
  );
}

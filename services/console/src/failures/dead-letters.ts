import type { Query } from '@causeway/runtime/postgres/database';

/** Which dead letters are meant. Viewers see their own side only: `organisations` comes from their role, never from their request. */
export type Filter = {
  organisation?: string;
  component?: string;
  reason?: string;
  type?: string;
  state?: State;
  /** These very ones, as `<organisation>/<offset>`. */
  picked?: readonly string[];
};
export const STATES = ['waiting', 'asked', 'done', 'withheld', 'failed'] as const;
export type State = (typeof STATES)[number];

export type DeadLetter = {
  organisation: string;
  offset: number;
  at: Date;
  component: string;
  reason: string;
  origin: string;
  attempts: number;
  contentType: string | null;
  type: string | null;
  source: string | null;
  bytes: number;
  state: State;
};
export type Group = {
  organisation: string;
  component: string;
  reason: string;
  count: number;
  oldest: Date;
  newest: Date;
};

const COLUMNS = `organisation, "offset", at, component, reason, origin, attempts, content_type as "contentType", type, source, bytes, state`;
const MATCHES = `organisation = any($1) and ($2::text is null or organisation = $2) and ($3::text is null or component = $3)
  and ($4::text is null or reason = $4) and ($5::text is null or type = $5) and ($6::text is null or state = $6)
  and ($7::text[] is null or organisation || '/' || "offset" = any($7))`;

function params(
  own: readonly string[],
  { organisation, component, reason, type, state, picked }: Filter,
): unknown[] {
  return [
    own,
    organisation ?? null,
    component ?? null,
    reason ?? null,
    type ?? null,
    state ?? null,
    picked ?? null,
  ];
}

const MOST_GROUPS = 100;

export async function deadLetterGroups(
  query: Query,
  own: readonly string[],
  filter: Filter,
): Promise<Group[]> {
  return await query<Group>(
    `select organisation, component, reason, count(*)::int as count, min(at) as oldest, max(at) as newest
     from dead_letter where ${MATCHES} group by 1, 2, 3 order by count desc, newest desc limit ${MOST_GROUPS}`,
    params(own, filter),
  );
}

/** Newest first; `after` is the last one of the page before. */
export async function listDeadLetters(
  query: Query,
  own: readonly string[],
  filter: Filter,
  { limit, after }: { limit: number; after?: { at: Date; organisation: string; offset: number } | undefined },
): Promise<DeadLetter[]> {
  return await query<DeadLetter>(
    `select ${COLUMNS} from dead_letter where ${MATCHES}
       and ($8::timestamptz is null or (at, organisation, "offset") < ($8, $9, $10))
     order by at desc, organisation desc, "offset" desc limit $11`,
    [...params(own, filter), after?.at ?? null, after?.organisation ?? null, after?.offset ?? null, limit],
  );
}

/** Counted by its groups where these are all of them: ten thousand are not gone through twice for a page. */
export async function deadLetterTotals(
  query: Query,
  own: readonly string[],
  filter: Filter,
): Promise<{ groups: Group[]; count: number }> {
  const groups = await deadLetterGroups(query, own, filter);
  const all = groups.length < MOST_GROUPS;
  return {
    groups,
    count: all
      ? groups.reduce((sum, { count }) => sum + count, 0)
      : await countDeadLetters(query, own, filter),
  };
}

export async function countDeadLetters(
  query: Query,
  own: readonly string[],
  filter: Filter,
): Promise<number> {
  const [row] = await query<{ n: number }>(
    `select count(*)::int as n from dead_letter where ${MATCHES}`,
    params(own, filter),
  );
  return row?.n ?? 0;
}

/**
 * Marks those of a filter as asked for, newest first and at most so many, and gives what was marked: of two who ask at the same time
 * only one gets a record. Those that are being tried already, or that are done, are left out.
 */
export async function askFor(
  query: Query,
  own: readonly string[],
  filter: Filter,
  most: number,
): Promise<{ organisation: string; offset: number }[]> {
  return await query<{ organisation: string; offset: number }>(
    `with chosen as (
       select organisation, "offset" from dead_letter where ${MATCHES} and state not in ('asked', 'done')
       order by at desc, organisation desc, "offset" desc limit $8 for update
     )
     update dead_letter d set state = 'asked' from chosen c
     where d.organisation = c.organisation and d."offset" = c."offset" returning d.organisation, d."offset"`,
    [...params(own, filter), most],
  );
}

export async function oneDeadLetter(
  query: Query,
  own: readonly string[],
  organisation: string,
  offset: number,
): Promise<DeadLetter | undefined> {
  const [found] = await query<DeadLetter>(
    `select ${COLUMNS} from dead_letter where organisation = any($1) and organisation = $2 and "offset" = $3`,
    [own, organisation, offset],
  );
  return found;
}

import type { Query } from '@causeway/runtime/postgres/database';
import { isWord, timeOf } from '../journeys/checks.ts';

/** Which cases are meant; `organisations` comes from the viewer and never from the request. */
export type CaseFilter = {
  organisation?: string;
  kind?: Kind;
  reason?: string;
  writer?: string;
  /** The whole reference, as the case is called where it is kept. */
  reference?: string;
};
export const KINDS = ['interest', 'safeguard'] as const;
export type Kind = (typeof KINDS)[number];

/** Dates are `YYYY-MM-DD`. */
export type Case = {
  organisation: string;
  kind: Kind;
  key: string;
  writer: string;
  reference: string;
  reason: string;
  since: string;
  until: string | null;
  ends: string;
  publishedAt: Date;
};
export type CaseGroup = { organisation: string; kind: Kind; reason: string; count: number; today: number };

/** Where a page of the list ended. */
export type CaseAfter = { at: Date; key: string };

const MATCHES = `organisation = any($1) and ($2::text is null or organisation = $2) and ($3::text is null or kind = $3)
  and ($4::text is null or reason = $4) and ($5::text is null or writer = $5) and ($6::text is null or reference = $6)`;

const params = (own: readonly string[], { organisation, kind, reason, writer, reference }: CaseFilter) => [
  own,
  organisation ?? null,
  kind ?? null,
  reason ?? null,
  writer ?? null,
  reference ?? null,
];

/** How many there are, by what they say; `today` were published in the last 24 hours. */
export async function caseGroups(
  query: Query,
  own: readonly string[],
  filter: CaseFilter,
): Promise<CaseGroup[]> {
  return await query<CaseGroup>(
    `select organisation, kind, reason, count(*)::int as count,
       count(*) filter (where published_at > now() - interval '1 day')::int as today
     from person_case where ${MATCHES} group by 1, 2, 3 order by 2, 4 desc, 3, 1`,
    params(own, filter),
  );
}

/** Newest first. */
export async function listCases(
  query: Query,
  own: readonly string[],
  filter: CaseFilter,
  { limit, after }: { limit: number; after?: CaseAfter | undefined },
): Promise<Case[]> {
  return await query<Case>(
    `select organisation, kind, key, writer, reference, reason, since, until, ends, published_at as "publishedAt"
     from person_case where ${MATCHES} and ($7::timestamptz is null or (published_at, key) < ($7, $8))
     order by published_at desc, key desc limit $9`,
    [...params(own, filter), after?.at ?? null, after?.key ?? null, limit],
  );
}

/** The filter of an address, a form or an API request; what is not a word is left out. */
export function caseFilterIn(given: Record<string, unknown>): CaseFilter {
  const word = (name: string) => {
    const text = typeof given[name] === 'string' ? given[name].trim() : '';
    return isWord(text) ? { [name]: text } : {};
  };
  const kind = KINDS.find((known) => known === given.kind);
  return {
    ...word('organisation'),
    ...word('reason'),
    ...word('writer'),
    ...word('reference'),
    ...(kind ? { kind } : {}),
  };
}

/** `<time>/<key>` */
export function caseAfterIn({ after }: Record<string, unknown>): CaseAfter | undefined {
  const [time = '', key] = typeof after === 'string' ? after.split('/') : [];
  const at = timeOf(time);
  return at === undefined || !isWord(key) ? undefined : { at: new Date(at), key };
}

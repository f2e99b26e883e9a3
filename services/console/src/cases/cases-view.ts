import { CODE_LISTS, type Code } from '@causeway/schemas/agreements/code-lists';
import { CASES_PAGE } from '../web/navigation.ts';
import { codeInWords, countInWords, dayInWords, momentInWords } from '../web/wording.ts';
import type { Case, CaseFilter, CaseGroup, Kind } from './cases.ts';

const CODES: Record<Kind, readonly Code[]> = {
  interest: CODE_LISTS.interests.codes,
  safeguard: CODE_LISTS.safeguards.codes,
};
const KIND_WORDS: Record<Kind, string> = { interest: 'Interests', safeguard: 'Safeguards' };

const reasonInWords = (kind: Kind, reason: string): string =>
  CODES[kind].find(({ code }) => code === reason)?.title ?? codeInWords(reason);

/** The filter as the query of an address. A reference names a case: it goes into no address. */
function hrefFor(
  { organisation, kind, reason, writer }: { [name in keyof CaseFilter]?: string | undefined },
  more: Record<string, string> = {},
): string {
  const entries = Object.entries({ organisation, kind, reason, writer, ...more });
  const query = new URLSearchParams(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  ).toString();
  return query ? `${CASES_PAGE}?${query}` : CASES_PAGE;
}

export function casesView(given: {
  groups: CaseGroup[];
  cases: Case[];
  filter: CaseFilter;
  pageSize: number;
  nameOf: (id: string) => string;
  now: number;
}) {
  const { groups, cases, filter, pageSize, nameOf, now } = given;
  const shown = cases.slice(0, pageSize);
  const last = shown.at(-1);
  return {
    total: countInWords(groups.reduce((sum, { count }) => sum + count, 0)),
    narrowed: Object.keys(filter).length > 0,
    filter,
    kinds: [undefined, 'interest' as const, 'safeguard' as const].map((kind) => ({
      text: kind ? KIND_WORDS[kind] : 'All',
      href: hrefFor({ ...filter, kind, reason: undefined }),
      current: filter.kind === kind,
    })),
    groups: groups.map(({ organisation, kind, reason, count, today }) => ({
      title: reasonInWords(kind, reason),
      kind: KIND_WORDS[kind].replace(/s$/, ''),
      organisation: nameOf(organisation),
      count: countInWords(count),
      today: countInWords(today),
      href: `${hrefFor({ organisation, kind, reason })}#cases`,
    })),
    rows: shown.map((one) => ({
      reference: one.reference,
      writer: one.writer,
      organisation: nameOf(one.organisation),
      kind: KIND_WORDS[one.kind].replace(/s$/, ''),
      reason: reasonInWords(one.kind, one.reason),
      since: dayInWords(one.since),
      ends: dayInWords(one.until ?? one.ends),
      tag: standingOf(one, new Date(now).toISOString().slice(0, 10)),
      published: momentInWords(one.publishedAt.getTime(), now),
    })),
    next:
      cases.length > pageSize && last
        ? `${hrefFor(filter, { after: `${last.publishedAt.toISOString()}/${last.key}` })}#cases`
        : '',
  };
}

function standingOf({ kind, since, until, ends }: Case, today: string) {
  if (kind === 'safeguard')
    return ends < today
      ? { text: 'Review is due', tag: 'orange' }
      : { text: `Review by ${dayInWords(ends)}`, tag: 'green' };
  if (since > today) return { text: 'Not yet', tag: 'grey' };
  if (until !== null && until < today) return { text: 'Ended', tag: 'grey' };
  return ends < today ? { text: 'Expired', tag: 'orange' } : { text: 'Counts', tag: 'green' };
}

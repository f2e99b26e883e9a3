import { eventTitle } from '../web/event-titles.ts';
import { codeInWords, countInWords, momentInWords } from '../web/wording.ts';
import type { DeadLetter, Filter, Group, State } from './dead-letters.ts';
import { queryOf } from './filter.ts';
import type { Inspected } from './inspect.ts';
import { reasonWords } from './reasons.ts';
import type { BatchSummary, RedriveRow } from './redrive.ts';

type NameOf = (id: string) => string;

const STATE_TAGS: Record<State, { text: string; tag: string }> = {
  waiting: { text: 'Waiting', tag: 'orange' },
  asked: { text: 'Being redriven', tag: 'blue' },
  done: { text: 'Done', tag: 'green' },
  withheld: { text: 'Withheld now', tag: 'grey' },
  failed: { text: 'Failed again', tag: 'red' },
};

export function failuresView(given: {
  groups: Group[];
  deadLetters: DeadLetter[];
  count: number;
  filter: Filter;
  pageSize: number;
  nameOf: NameOf;
  now: number;
}) {
  const { groups, deadLetters, count, filter, pageSize, nameOf, now } = given;
  const shown = deadLetters.slice(0, pageSize);
  const last = shown.at(-1);
  const more = deadLetters.length > pageSize && last;
  const query = queryOf(filter);
  return {
    count: countInWords(count),
    one: count === 1,
    nothing: count === 0,
    filter,
    narrowed: Object.keys(filter).some((name) => name !== 'state'),
    groups: groups.map((group) => ({
      ...reasonWords(group.reason),
      reason: group.reason,
      component: group.component,
      organisation: nameOf(group.organisation),
      count: countInWords(group.count),
      oldest: momentInWords(group.oldest.getTime(), now),
      newest: momentInWords(group.newest.getTime(), now),
      href: `/failures?${queryOf({ ...filter, organisation: group.organisation, component: group.component, reason: group.reason })}#records`,
    })),
    deadLetters: shown.map((deadLetter) => rowOf(deadLetter, nameOf, now)),
    states: Object.entries(STATE_TAGS).map(([id, { text }]) => ({
      id,
      text,
      href: `/failures?${queryOf({ ...filter, state: id as State })}`,
      current: filter.state === id,
    })),
    next: more
      ? `/failures?${query}&after=${encodeURIComponent(`${last.at.toISOString()}/${last.organisation}/${last.offset}`)}#records`
      : '',
  };
}

const CONTENTS: [form: RegExp, words: string][] = [
  [/hl7/i, 'HL7 v2 message'],
  [/fhir/i, 'FHIR message'],
  [/cloudevents|json/i, 'JSON message'],
  [/xml/i, 'XML message'],
  [/csv/i, 'CSV file'],
];

/** What a legacy system sent, before anybody knew what it says. */
function contentInWords(contentType: string | null): string {
  if (contentType === null) return 'Unknown content';
  return CONTENTS.find(([form]) => form.test(contentType))?.[1] ?? contentType;
}

function rowOf(deadLetter: DeadLetter, nameOf: NameOf, now: number) {
  return {
    pick: `${deadLetter.organisation}/${deadLetter.offset}`,
    href: `/failures/${deadLetter.organisation}/${deadLetter.offset}`,
    at: momentInWords(deadLetter.at.getTime(), now),
    organisation: nameOf(deadLetter.organisation),
    component: deadLetter.component,
    reason: reasonWords(deadLetter.reason).title,
    what: deadLetter.type ? eventTitle(deadLetter.type) : contentInWords(deadLetter.contentType),
    tag: STATE_TAGS[deadLetter.state],
    number: deadLetter.offset,
  };
}

export function detailView(
  deadLetter: DeadLetter,
  seen: Inspected,
  redrives: RedriveRow[],
  nameOf: NameOf,
  now: number,
) {
  const row = rowOf(deadLetter, nameOf, now);
  return {
    ...row,
    todo: reasonWords(deadLetter.reason).todo,
    facts: [
      { label: 'Dead letter of', value: row.organisation },
      { label: 'Given up by', value: deadLetter.component },
      { label: 'When', value: row.at },
      { label: 'Attempts', value: countInWords(deadLetter.attempts) },
      { label: 'Original position', value: deadLetter.origin },
      { label: 'Size', value: `${countInWords(deadLetter.bytes)} bytes` },
    ],
    headers: seen.headers,
    content: seen.content,
    hidden: seen.hidden,
    redrives: redrives.map((one) => ({
      when: momentInWords(one.askedAt.getTime(), now),
      by: one.askedBy,
      reason: one.reason,
      outcome: outcomeWords(one),
      code: one.code ?? '',
    })),
  };
}

const OUTCOMES: Record<string, { text: string; tag: string }> = {
  queued: { text: 'Being delivered', tag: 'blue' },
  published: { text: 'Published', tag: 'green' },
  delivered: { text: 'Delivered', tag: 'green' },
  duplicate: { text: 'Was there already', tag: 'green' },
  'not-shared': { text: 'No agreement asks for it', tag: 'grey' },
  withheld: { text: 'Withheld now', tag: 'grey' },
  refused: { text: 'Refused again', tag: 'red' },
  'gave-up': { text: 'Failed again', tag: 'red' },
  'not-found': { text: 'Kept no longer', tag: 'red' },
};

function outcomeWords({ outcome, sentAt }: Pick<RedriveRow, 'outcome' | 'sentAt'>) {
  if (outcome === null)
    return sentAt ? { text: 'Asked', tag: 'yellow' } : { text: 'Waits for Kafka', tag: 'orange' };
  return OUTCOMES[outcome] ?? { text: codeInWords(outcome), tag: 'grey' };
}

export function batchView(
  found: { summary: BatchSummary[]; rows: RedriveRow[] },
  nameOf: NameOf,
  now: number,
) {
  const total = found.summary.reduce((sum, { count }) => sum + count, 0);
  const open = found.summary.filter(({ outcome }) => outcome === null || outcome === 'queued');
  const [first] = found.rows;
  return {
    total,
    totalText: countInWords(total),
    waiting: countInWords(open.reduce((sum, { count }) => sum + count, 0)),
    finished: open.length === 0,
    reason: first?.reason ?? '',
    by: first?.askedBy ?? '',
    at: first ? momentInWords(first.askedAt.getTime(), now) : '',
    summary: found.summary.map(({ outcome, sentAt, count }) => ({
      ...outcomeWords({ outcome, sentAt }),
      count: countInWords(count),
    })),
    rows: found.rows.map((row) => ({
      organisation: nameOf(row.organisation),
      number: row.deadLetter,
      href: `/failures/${row.organisation}/${row.deadLetter}`,
      outcome: outcomeWords(row),
      code: row.code ?? '',
      settled: row.settledAt ? momentInWords(row.settledAt.getTime(), now) : '–',
    })),
    more: total > found.rows.length,
  };
}

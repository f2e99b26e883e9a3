import { type AgreementsState, type VersionState, versionKey } from '@causeway/schemas/agreement-log';
import { meetsWhere } from '@causeway/schemas/conditions';
import type { Envelope } from './event.ts';
import type { Organisation } from './organisations.ts';

/** Why an event was withheld from an organisation that an agreement names. */
export type WithheldReason =
  | 'not-active'
  | 'expired'
  | 'review-overdue'
  | 'source-restricted'
  | 'above-ceiling'
  | 'handling-not-accepted'
  | 'history-not-agreed'
  | 'condition-not-met'
  | 'no-inbox';

export type Decision =
  | { recipient: string; outcome: 'released'; versions: VersionState[] }
  | { recipient: string; outcome: 'withheld'; reason: WithheldReason; versions: VersionState[] };

/** Which agreement versions name which recipients, by source and type. Anything not in it is withheld by default. */
export type Rulebook = ReadonlyMap<string, ReadonlyMap<string, VersionState[]>>;

/** `<id>/<version>`, as headers and the ledger name an agreement. */
export const reference = ({ record }: VersionState): string => versionKey(record);

export const ruleKey = (source: string, type: string): string => `${source} ${type}`;

/**
 * One version of each agreement counts: the highest active one, or where none is active the highest that ever was, so that its
 * refusals are on record. Drafts name nobody.
 */
export const rulebookOf = (state: AgreementsState): Rulebook => {
  const counting = new Map<string, VersionState>();
  for (const version of state.versions.values()) {
    if (version.status === 'draft') continue;
    const best = counting.get(version.record.id);
    if (!best || rank(version) > rank(best)) counting.set(version.record.id, version);
  }
  const rules = new Map<string, Map<string, VersionState[]>>();
  for (const version of counting.values()) {
    const { from, to } = version.record.agreement;
    for (const type of Object.keys(version.record.release)) {
      const key = ruleKey(from, type);
      const recipients = rules.get(key) ?? new Map<string, VersionState[]>();
      for (const recipient of to) recipients.set(recipient, [...(recipients.get(recipient) ?? []), version]);
      rules.set(key, recipients);
    }
  }
  return rules;
};

const rank = ({ status, record }: VersionState): number => (status === 'active' ? 1e9 : 0) + record.version;

/** Whether some recipient's agreement has a condition on the data, so that it must be decoded before deciding. */
export const needsData = (rules: Rulebook, source: string, type: string): boolean =>
  [...(rules.get(ruleKey(source, type))?.values() ?? [])]
    .flat()
    .some(({ record }) => Object.keys(record.agreement.where ?? {}).length > 0);

export type Question = {
  rules: Rulebook;
  /** The organisation whose outbox the event came from. */
  source: string;
  event: Envelope;
  /** Decoded with the writer's schema; only looked at where `needsData` says so. */
  data: unknown;
  organisation(id: string): Organisation | undefined;
  /** Civil date in the United Kingdom, `YYYY-MM-DD`. */
  today: string;
};

/**
 * Decides one event for every organisation that some agreement names for its source and type; everybody else
 * is withheld by default and has no entry. Pure: the same question always has the same answer.
 */
export const decide = (question: Question): Decision[] => {
  const { rules, source, event } = question;
  const recipients = rules.get(ruleKey(source, event.type)) ?? new Map<string, VersionState[]>();
  return [...recipients].map(([recipient, versions]) => decideFor(question, recipient, versions));
};

const decideFor = (question: Question, recipient: string, versions: VersionState[]): Decision => {
  const organisation = question.organisation(recipient);
  if (!organisation) return { recipient, outcome: 'withheld', reason: 'no-inbox', versions };
  const refusals = versions.map((version) => refusalOf(question, organisation, version));
  const passing = versions.filter((_, index) => refusals[index] === null);
  if (passing.length > 0) return { recipient, outcome: 'released', versions: passing };
  // Of several agreements the one that came furthest has the reason worth knowing.
  const reason = GATES.findLast(([gate]) => refusals.includes(gate))?.[0] ?? 'not-active';
  return { recipient, outcome: 'withheld', reason, versions };
};

type Gate = (question: Question, organisation: Organisation, version: VersionState) => boolean;

/** The gates that look at the agreement alone: why a version releases nothing at all on that day, or null. */
export const termRefusal = (
  { status, record: { agreement } }: VersionState,
  today: string,
): 'not-active' | 'expired' | 'review-overdue' | null => {
  const { from, until, review, graceDays } = agreement.valid;
  if (status !== 'active' || from > today) return 'not-active';
  if (until < today) return 'expired';
  return review !== undefined && addDays(review, graceDays ?? 0) < today ? 'review-overdue' : null;
};

/** In this order; each answers whether the event is refused. */
const GATES: readonly (readonly [WithheldReason, Gate])[] = [
  ['not-active', ({ today }, _, version) => termRefusal(version, today) === 'not-active'],
  ['expired', ({ today }, _, version) => termRefusal(version, today) === 'expired'],
  ['review-overdue', ({ today }, _, version) => termRefusal(version, today) === 'review-overdue'],
  ['source-restricted', ({ event }, { id }) => event.exclude.includes('all') || event.exclude.includes(id)],
  [
    'above-ceiling',
    ({ event }, _, { record }) =>
      event.classification === 'OFFICIAL-SENSITIVE' && record.agreement.marking.ceiling === 'OFFICIAL',
  ],
  [
    'handling-not-accepted',
    ({ event }, { handlingAccepted }, { record }) =>
      !event.handling.every(
        (code) => handlingAccepted.includes(code) && record.agreement.marking.handling.includes(code),
      ),
  ],
  ['history-not-agreed', ({ event }, _, { record }) => event.replay && record.agreement.history !== true],
  ['condition-not-met', ({ data }, _, { record }) => !meetsWhere(record.agreement.where ?? {}, data)],
];

const refusalOf = (question: Question, organisation: Organisation, version: VersionState) =>
  GATES.find(([, refused]) => refused(question, organisation, version))?.[0] ?? null;

const sums = new Map<string, string>();

/** Asked for each release of each event; agreements have few different dates. */
const addDays = (date: string, days: number): string => {
  const key = `${date}+${days}`;
  const known = sums.get(key);
  if (known) return known;
  const sum = new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
  if (sums.size < 1_000) sums.set(key, sum);
  return sum;
};

const LONDON = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/London', dateStyle: 'short' });

/** Civil date in the United Kingdom, where an agreement's days begin and end. */
export const ukDate = (now: Date): string => LONDON.format(now);

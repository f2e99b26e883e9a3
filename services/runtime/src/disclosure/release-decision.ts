import { type AgreementsState, type VersionState, versionKey } from '@causeway/schemas/agreements/log';
import { isFeedback, isIdentityLinked } from '@causeway/schemas/catalogue/event-type';
import type { Envelope } from '../bus/envelope.ts';
import type { Organisation } from '../reference-data/organisations.ts';
import type { People } from '../reference-data/people.ts';
import type { Match } from '../reference-data/person-index.ts';
import type { SafeguardKind } from '../reference-data/safeguards.ts';
import { GATES, type GateQuestion, isExcluded, type WithheldReason } from './gates.ts';

export type Decision =
  | {
      recipient: string;
      outcome: 'released';
      /** The agreements that release it; none for feedback. */
      versions: VersionState[];
      /** How certain it is that the recipient knows the person, where an agreement asks for that. */
      match?: Match;
      /** Nobody may learn where the person is: no location is released. */
      shielded: boolean;
    }
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
  const known = built.get(state);
  if (known) return known;
  const rules = buildRulebook(state);
  built.set(state, rules);
  return rules;
};

/** A state never changes: it has one rulebook. */
const built = new WeakMap<AgreementsState, Rulebook>();

const buildRulebook = (state: AgreementsState): Rulebook => {
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
  people: People;
  /** Civil date in the United Kingdom, `YYYY-MM-DD`. */
  today: string;
};

/**
 * Decides one event for every organisation that some agreement names for its source and type; everybody else
 * is withheld by default and has no entry. Feedback needs no agreement and goes to the organisation that it answers; links
 * between identities go to nobody. Pure: the same question always has the same answer.
 */
export const decideReleases = (question: Question): Decision[] => {
  const { rules, source, event } = question;
  if (isIdentityLinked(event.type)) return [];
  if (isFeedback(event.type)) return feedback(question);
  const recipients = rules.get(ruleKey(source, event.type));
  if (recipients === undefined) return [];
  const kinds = protectingKinds(question);
  return [...recipients].map(([recipient, versions]) => decideFor(question, kinds, recipient, versions));
};

/** Organisation that an event answers, or null. */
export const answeredBy = ({ inResponseTo }: Pick<Envelope, 'inResponseTo'>): string | null =>
  inResponseTo?.split('/')[1] ?? null;

const feedback = ({ source, event, organisation }: Question): Decision[] => {
  const recipient = answeredBy(event);
  if (recipient === null || recipient === source) return [];
  const refused = (reason: WithheldReason): Decision[] => [
    { recipient, outcome: 'withheld', reason, versions: [] },
  ];
  if (organisation(recipient) === undefined) return refused('no-inbox');
  if (isExcluded(event, recipient)) return refused('source-restricted');
  return [{ recipient, outcome: 'released', versions: [], shielded: false }];
};

/**
 * What protects the person, by whatever organisation. That somebody else in the event is shielded counts as well: their
 * place can be the person's own.
 */
const protectingKinds = ({ event, people }: Question): ReadonlySet<SafeguardKind> => {
  const { safeguards, links } = people;
  const kinds = safeguards.protecting([event.subject, ...event.tokens], links).map(({ kind }) => kind);
  const around = event.otherTokens.length > 0 ? safeguards.protecting(event.otherTokens, links) : [];
  return new Set([...kinds, ...around.map(({ kind }) => kind).filter((kind) => kind === 'shielded')]);
};

const decideFor = (
  question: Question,
  safeguards: ReadonlySet<SafeguardKind>,
  recipient: string,
  versions: VersionState[],
): Decision => {
  const organisation = question.organisation(recipient);
  if (!organisation) return { recipient, outcome: 'withheld', reason: 'no-inbox', versions };
  const asked = versions.map((version) => ({
    version,
    ...outcomeOf(question, safeguards, organisation, version),
  }));
  const passing = asked.filter(({ reason }) => reason === null);
  if (passing.length > 0) {
    const match = surest(passing.map((passed) => passed.match));
    return {
      recipient,
      outcome: 'released',
      versions: passing.map(({ version }) => version),
      ...(match && { match }),
      shielded: safeguards.has('shielded'),
    };
  }
  // Of several agreements the one that came furthest has the reason worth knowing.
  const reasons = asked.map(({ reason }) => reason);
  const reason = GATES.findLast(([gate]) => reasons.includes(gate))?.[0] ?? 'not-active';
  return { recipient, outcome: 'withheld', reason, versions };
};

const surest = (matches: readonly (Match | undefined)[]): Match | undefined =>
  matches.includes('verified') ? 'verified' : matches.find((match) => match !== undefined);

const outcomeOf = (
  { event, data, people, today }: Question,
  safeguards: ReadonlySet<SafeguardKind>,
  organisation: Organisation,
  version: VersionState,
): { reason: WithheldReason | null; match?: Match } => {
  const { record } = version;
  const sibling = record.release[event.type]?.sibling;
  const known = { match: undefined as Match | undefined };
  const passed: GateQuestion = {
    event,
    organisation,
    version,
    safeguards,
    today,
    where: sibling?.where ?? record.agreement.where ?? {},
    data,
    isSibling: sibling !== undefined,
    known: (reasons) => {
      const match = people.interests.known({
        organisation: organisation.id,
        tokens: [event.subject, ...event.tokens],
        reasons,
        links: people.links,
        today,
        // What corrects an event goes to whoever can have got it, also after the case was closed.
        everSince: sibling !== undefined,
      });
      known.match = match ?? undefined;
      return match;
    },
  };
  const reason = GATES.find(([, refuses]) => refuses(passed))?.[0] ?? null;
  return { reason, ...(known.match && { match: known.match }) };
};

/**
 * What an organisation may be told of why something was withheld: that a source has restricted an event is for the
 * source alone.
 */
export const reasonSeenBy = (reader: string, source: string, reason: string): string | null =>
  reason === 'source-restricted' && reader !== source ? null : reason;

const LONDON = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/London', dateStyle: 'short' });

/** Civil date in the United Kingdom, where an agreement's days begin and end. */
export const ukDate = (now: Date): string => LONDON.format(now);

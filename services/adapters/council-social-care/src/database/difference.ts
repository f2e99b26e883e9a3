/** From what was said of a row, and what it states now, to what is to be said. Pure. */

import { PermanentError } from '@causeway/runtime/errors';
import type { Fact } from '@causeway/runtime/source/fact';
import type { Contact } from '@causeway/schemas/generated/types';
import { categoryAt, type KnownPerson, localOf } from './person.ts';
import type { FactKind, Stated, StatedFact, Values, View } from './stated.ts';

/** What has been said of a row: enough to notice that it was wrong, and to withdraw it. Nobody's name, and no free text. */
export type StatedBefore = {
  personId: string;
  caseReference: string;
  facts: readonly SaidFact[];
};

type SaidFact = Pick<StatedFact, 'name' | 'essential' | 'withdrawal' | 'inResponseTo'> & {
  /** Id of the event that says it; that of its correction once there was one. */
  event: string;
};

export type Circumstances = {
  rowId: string;
  /** When the adapter noticed, in RFC 3339. */
  noticedAt: string;
  /** When the council's system wrote the row, where it says so. */
  recordedAt?: string;
  /** It was there before the adapter was. */
  replay: boolean;
  contact: Contact;
  /** By person id; everybody the two versions name who is known. */
  people: ReadonlyMap<string, KnownPerson>;
  /** The pseudonym of the chain of cases that the row is in. */
  correlationOf(chain: string): string;
};

/** An event to publish, and the fact of the row that it says from then on, if it does not withdraw one. */
type Telling = { fact: Fact; says?: string };

/** What is told of one person, in order. */
type ToldOf = { personId: string; tellings: Telling[] };

/**
 * What is to be said, person by person. `after` is undefined for a row that is gone.
 * @throws PermanentError `no-person` where the index does not know somebody whom the row is about
 */
export const differences = (
  view: View,
  before: StatedBefore | undefined,
  after: Stated | undefined,
  circumstances: Circumstances,
): ToldOf[] => {
  const moved = before !== undefined && after !== undefined && before.personId !== after.personId;
  if (moved)
    return [
      ...differences(view, before, undefined, circumstances).map((told) => asWrongPerson(told)),
      ...differences(view, undefined, after, circumstances),
    ];
  const personId = after?.personId ?? before?.personId;
  if (personId === undefined) return [];
  const { corrected, withdrawn, said } = sorted(view, before?.facts ?? [], after?.facts ?? []);
  const tellings: Telling[] = [
    ...withdrawn
      .toReversed()
      .map((fact) => ({ fact: withdrawalOf(view, fact, before as StatedBefore, circumstances) })),
    ...corrected.map((correction) => ({
      fact: correctionOf(view, correction, after as Stated, circumstances),
      says: correction.name,
    })),
    ...said.map((fact) => ({
      fact: statementOf(view, fact, after as Stated, circumstances),
      says: fact.name,
    })),
  ];
  return tellings.length === 0 ? [] : [{ personId, tellings }];
};

/** The state to keep once it is said. `events` has the ids of what is said now, by the name of the fact. */
export const saidOf = (
  { personId, caseReference, facts }: Stated,
  before: StatedBefore | undefined,
  events: ReadonlyMap<string, string>,
): StatedBefore => ({
  personId,
  caseReference,
  facts: facts.map(({ name, essential, withdrawal, inResponseTo }) => ({
    name,
    essential,
    withdrawal,
    event: events.get(name) ?? before?.facts.find((fact) => fact.name === name)?.event ?? '',
    ...(inResponseTo !== undefined && { inResponseTo }),
  })),
});

/** The one fact that is a decision of its own and no part of how a case stands. */
const OUTCOME = 'outcome';

const kindOf = (view: View, name: string): FactKind => {
  const kind = view.facts[name];
  if (kind === undefined) throw new PermanentError('unknown-fact', `${view.name} has no fact ${name}`);
  return kind;
};

/** What only one of them knows, such as a member that a newer version of the adapter looks at, is no difference. */
const isSame = (before: Values, after: Values): boolean =>
  Object.entries(after).every(([name, value]) => !Object.hasOwn(before, name) || before[name] === value);

/** The first fact of a case that was said wrongly, with the rest of the case as it stands now. */
type Correction = { name: string; wrong: string; facts: StatedFact[] };

const sorted = (view: View, before: readonly SaidFact[], after: readonly StatedFact[]) => {
  const corrected: Correction[] = [];
  const withdrawn: SaidFact[] = [];
  const said: StatedFact[] = [];
  for (const [name, kind] of Object.entries(view.facts)) {
    const old = before.find((fact) => fact.name === name);
    const now = after.find((fact) => fact.name === name);
    if (old !== undefined && now === undefined) withdrawn.push(old);
    if (old === undefined && now !== undefined) said.push(now);
    if (old === undefined || now === undefined || isSame(old.essential, now.essential)) continue;
    const ofThisCase = (fact: StatedFact) => kindOf(view, fact.name).corrected === kind.corrected;
    if (!corrected.some(({ facts }) => facts.includes(now)))
      corrected.push({ name, wrong: old.event, facts: after.filter(ofThisCase) });
  }
  return { corrected, withdrawn, said };
};

const visitOf = (view: View, { rowId }: Circumstances): string => `${view.name}:${rowId}`;

/** What every fact about a person has. */
const about = (known: KnownPerson, at: string, { contact }: Circumstances) => ({
  attributes: {
    classification: 'OFFICIAL-SENSITIVE' as const,
    subject: [localOf(known.personId)],
    verified: known.verified,
    person: known.person,
  },
  data: { person: known.person, personCategory: categoryAt(known, at), contact },
});

export const noPerson = (): PermanentError =>
  new PermanentError('no-person', 'the query persons does not know the person of the row');

const personOf = (personId: string, { people }: Circumstances): KnownPerson => {
  const known = people.get(personId);
  if (known === undefined) throw noPerson();
  return known;
};

/** The exact shape of each type is checked when it is encoded; a fact that does not fit is kept as a dead letter. */
const asFact = (fact: Record<string, unknown>): Fact => fact as unknown as Fact;

const statementOf = (view: View, fact: StatedFact, stated: Stated, circumstances: Circumstances): Fact => {
  const kind = kindOf(view, fact.name);
  return asFact({
    ...spoken(fact, kind, stated, circumstances),
    type: kind.type,
    ...(circumstances.replay && { replay: true }),
  });
};

/** A correction says how the case stands now, and which event was wrong. */
const correctionOf = (
  view: View,
  { name, wrong, facts }: Correction,
  stated: Stated,
  circumstances: Circumstances,
): Fact => {
  const parts = facts.map((fact) => spoken(fact, kindOf(view, fact.name), stated, circumstances));
  const { data: _, ...attributes } = parts[0] as Spoken;
  const decided = facts[0]?.name === OUTCOME;
  return asFact({
    ...attributes,
    ...(!decided && { occurredAt: circumstances.noticedAt }),
    type: kindOf(view, name).corrected,
    voids: { visit: visitOf(view, circumstances), fact: name, event: wrong },
    data: {
      ...Object.assign({}, ...parts.map(({ data }) => data)),
      corrects: null,
      // Whether it was wrong or became otherwise no row says; of a decision, only that it is another one.
      reason: decided ? 'decided_again' : 'UNKNOWN',
    },
  });
};

type Spoken = ReturnType<typeof spoken>;

const spoken = (
  { occurredAt, essential, further = {}, inResponseTo }: StatedFact,
  kind: FactKind,
  { personId, caseReference, exclude, chain, motherId }: Stated,
  circumstances: Circumstances,
) => {
  const known = personOf(personId, circumstances);
  const { attributes, data } = about(known, occurredAt, circumstances);
  const mother = motherId === undefined ? undefined : circumstances.people.get(motherId);
  const hidden = known.shielded ? Object.fromEntries((kind.places ?? []).map((name) => [name, null])) : {};
  const { recordedAt } = circumstances;
  return {
    ...attributes,
    occurredAt,
    ...(recordedAt !== undefined && { recordedAt }),
    ...(kind.handling && { handling: [...kind.handling] }),
    ...(exclude.length > 0 && { exclude: [...exclude] }),
    ...(chain !== undefined && { correlationId: circumstances.correlationOf(chain) }),
    ...(inResponseTo !== undefined && { inResponseTo }),
    ...(mother !== undefined &&
      kind.mother && {
        others: [{ local: [localOf(mother.personId)], verified: mother.verified, person: mother.person }],
      }),
    data: {
      ...data,
      caseReference,
      ...essential,
      ...further,
      ...hidden,
      ...(kind.mother && { mother: mother?.person ?? null }),
    },
  };
};

const withdrawalOf = (view: View, fact: SaidFact, said: StatedBefore, circumstances: Circumstances): Fact => {
  const kind = kindOf(view, fact.name);
  const { noticedAt } = circumstances;
  const known = personOf(said.personId, circumstances);
  const { attributes, data } = about(known, noticedAt, circumstances);
  const common = {
    ...attributes,
    occurredAt: noticedAt,
    ...(kind.handling && { handling: [...kind.handling] }),
    voids: { visit: visitOf(view, circumstances), fact: fact.name, event: fact.event },
  };
  if (kind.voided !== undefined)
    return asFact({
      ...common,
      type: kind.voided,
      data: {
        ...data,
        voids: { caseReference: said.caseReference, fact: kind.called },
        corrects: null,
        reason: 'entered_in_error',
        voidedAt: noticedAt,
        ...fact.withdrawal,
      },
    });
  return asFact({
    ...common,
    type: kind.corrected,
    ...(fact.inResponseTo !== undefined && { inResponseTo: fact.inResponseTo }),
    data: {
      ...data,
      caseReference: said.caseReference,
      corrects: null,
      reason: 'entered_in_error',
      respondsTo: fact.essential.respondsTo ?? null,
      outcome: 'UNKNOWN',
      decidedAt: noticedAt,
    },
  });
};

const asWrongPerson = ({ personId, tellings }: ToldOf): ToldOf => ({
  personId,
  tellings: tellings.map(({ fact, ...rest }) => ({
    ...rest,
    fact:
      'voidedAt' in fact.data ? asFact({ ...fact, data: { ...fact.data, reason: 'wrong_person' } }) : fact,
  })),
});

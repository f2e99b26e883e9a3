/** From a well-formed document to the fact that it states. Pure. */

import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import type { Fact } from '@causeway/runtime/source/fact';
import { instantInLondon, londonOffset } from '@causeway/schemas/dates/london';
import type { Contact, EventData } from '@causeway/schemas/generated/types';
import { checkGssCode } from '@causeway/schemas/identifiers/places';
import * as codes from './codes.ts';
import { type KnownPerson, otherPerson, PERSON_SCHEME, type People, peopleOf, text } from './people.ts';
import type { Attributes, Document, Fault } from './read-document.ts';

type Translation = {
  organisation: string;
  tokeniser: Pick<Tokeniser, 'local'>;
  /** Whom partners ring about an event of this force. */
  contact: Contact;
};

export type Translated =
  | { kind: 'facts'; facts: Fact[]; identity: string[]; reference: string; warnings: Fault[] }
  | { kind: 'skeleton' }
  | { kind: 'faulty'; faults: Fault[] };

type Types = Extract<keyof EventData, `uk.causeway.police.${string}`>;
type Stated = {
  [T in Types]: { type: T; fact: string; occurredAt: string; data: Omit<EventData[T], keyof Common> };
}[Types];
type Common = Pick<
  EventData['uk.causeway.police.missing-person.reported.v1'],
  'person' | 'personCategory' | 'assertionKind' | 'dataSubjectCategory' | 'contact' | 'caseReference'
>;

const DAY_MS = 86_400_000;
const PROTECTION_MS = 3 * DAY_MS;

export const translate = (document: Document, translation: Translation): Translated => {
  const { incidentType, attributes } = document;
  if (incidentType === undefined) return { kind: 'skeleton' };
  const warnings: Fault[] = [];
  const warn = (fault: Fault) => void warnings.push(fault);
  const people = peopleOf(document, warn);
  const subject = people.related('person');
  if (subject === undefined)
    return { kind: 'faulty', faults: [{ pointer: '/data/relationships/person', problem: 'is missing' }] };
  const reference = String(attributes.customerReferenceNumber);
  const isChild = (at: string) => categoryOf(attributes, subject, at) === 'child';
  const stated = state(incidentType, attributes, people, { warn, isChild });
  const isVoid = incidentType === 'INTY_0007';
  // A cancellation can come after the eighteenth birthday.
  const personCategory = isVoid
    ? stateCategory(attributes)
    : categoryOf(attributes, subject, stated.occurredAt);
  if (personCategory !== stateCategory(attributes))
    warn({ pointer: CATEGORY, problem: `contradicts the person's age, which counts: ${personCategory}` });
  const faults = isVoid ? [] : consentFaults(attributes, personCategory);
  if (faults.length > 0) return { kind: 'faulty', faults };
  // What is cancelled is about one person of a case: another person's report in it stands.
  const visit = `${reference} ${subject.id}`;
  const common = {
    person: subject.person,
    personCategory,
    assertionKind: codes.ASSERTION_KIND[String(attributes.assertionKind)] ?? 'UNKNOWN',
    dataSubjectCategory: codes.DATA_SUBJECT_CATEGORY[String(attributes.dataSubjectCategory)] ?? 'UNKNOWN',
    contact: { ...translation.contact, reference },
    ...(isVoid ? {} : { caseReference: reference }),
  };
  const others = othersOf(people, subject);
  const fact = {
    type: stated.type,
    data: { ...common, ...stated.data },
    occurredAt: stated.occurredAt,
    ...(typeof attributes.recordedAt === 'string' && { recordedAt: instant(attributes.recordedAt) }),
    ...sharingOf(attributes),
    ...(attributes.backRecord === true && { replay: true }),
    correlationId: translation.tokeniser.local(translation.organisation, 'rms-case', reference),
    subject: [{ scheme: PERSON_SCHEME, id: subject.id }],
    verified: subject.verified,
    person: subject.person,
    ...(others.length > 0 && { others }),
    ...(isVoid ? { voids: { visit, fact: stated.fact } } : { remember: { visit, fact: stated.fact } }),
  } as Fact;
  return {
    kind: 'facts',
    facts: [fact],
    identity: [incidentType, reference, document.id],
    reference,
    warnings,
  };
};

const sharingOf = ({ sharing }: Attributes): Pick<Fact, 'classification' | 'handling' | 'exclude'> => {
  const {
    classification,
    handlingConditions = [],
    mustNotBeTold = [],
  } = sharing as {
    classification: keyof typeof codes.CLASSIFICATION;
    handlingConditions?: string[];
    mustNotBeTold?: string[];
  };
  return {
    classification: codes.CLASSIFICATION[classification],
    handling: [...new Set(handlingConditions)],
    exclude: [...new Set(mustNotBeTold)],
  };
};

const othersOf = (people: People, subject: KnownPerson) => {
  const related = ['personAlleged', 'personReporting'].flatMap((name) => people.related(name) ?? []);
  return [...related, ...people.children()].filter(({ id }) => id !== subject.id).map(otherPerson);
};

const CATEGORY = '/data/attributes/personCategory';

const stateCategory = ({ personCategory }: Attributes): Common['personCategory'] =>
  codes.PERSON_CATEGORY[String(personCategory)] ?? 'UNKNOWN';

/** To whom it goes and whether agreement is needed depends on it, so what is known of the age counts more than the word. */
const categoryOf = (attributes: Attributes, subject: KnownPerson, at: string): Common['personCategory'] => {
  const said = stateCategory(attributes);
  const { under18 } = subject.attributes;
  const age = ageAt(subject.person.dateOfBirth, at);
  const isChild = under18 === true || (age !== undefined && age < 18);
  const isAdult = under18 === false || (age !== undefined && age >= 18);
  if (said === 'unborn') return said;
  if (isChild && isAdult) return 'UNKNOWN';
  if (isChild) return 'child';
  return isAdult ? 'adult' : said;
};

/** As the schema asks of a report that calls the person an adult. */
const consentFaults = (attributes: Attributes, category: Common['personCategory']): Fault[] => {
  const { incidentType, consent, consentOverriddenBecause } = attributes;
  if (incidentType !== 'INTY_0003' || category === 'child' || category === 'unborn') return [];
  if (consent === codes.AGREED || consentOverriddenBecause !== undefined) return [];
  return [{ pointer: '/data/attributes/consentOverriddenBecause', problem: codes.CONSENT_NEEDED }];
};

const ageAt = (born: KnownPerson['person']['dateOfBirth'], at: string): number | undefined => {
  if (born?.precision !== 'day') return undefined;
  const [day, then] = [born.value, at.slice(0, 10)];
  return Number(then.slice(0, 4)) - Number(day.slice(0, 4)) - (then.slice(5) < day.slice(5) ? 1 : 0);
};

type Circumstances = { warn(fault: Fault): void; isChild(at: string): boolean };

const state = (
  incidentType: codes.IncidentType,
  a: Attributes,
  people: People,
  { warn, isChild }: Circumstances,
): Stated => {
  switch (incidentType) {
    case 'INTY_0001':
      return {
        type: 'uk.causeway.police.missing-person.reported.v1',
        fact: 'missing-person-report',
        occurredAt: instant(a.reportedAt),
        data: {
          reportedAt: instant(a.reportedAt),
          ...missing(a, warn),
          lastSeenAt: optionalInstant(a.lastSeenAt),
          lastSeenArea: text(a.lastSeenArea),
          lastSeenPlace: people.place('lastSeenLocation'),
          description: text(a.personDescription),
          exploitationConcern: flag(a.exploitationConcern),
          medicalNeeds: text(a.medicalNeeds),
          circumstances: text(a.incidentDescription),
          informant: people.related('personReporting')?.person ?? null,
        },
      };
    case 'INTY_0002':
      return {
        type: 'uk.causeway.police.missing-person.located.v1',
        fact: 'missing-person-location',
        occurredAt: instant(a.locatedAt),
        data: {
          locatedAt: instant(a.locatedAt),
          foundBy: codes.FOUND_BY[String(a.foundBy)] ?? 'UNKNOWN',
          outcome: codes.LOCATED_OUTCOME[String(a.outcome)] ?? 'UNKNOWN',
          whereFound: text(a.whereFound),
          ...missing(a, warn),
          exploitationConcern: flag(a.exploitationConcern),
          returnInterviewDueAt: returnInterview(a, isChild(instant(a.locatedAt))),
          circumstances: text(a.incidentDescription),
        },
      };
    case 'INTY_0003':
      return {
        type: 'uk.causeway.police.vulnerability-report.shared.v1',
        fact: 'vulnerability-report',
        occurredAt: instant(a.submittedAt),
        data: {
          localFormType: text(a.localFormType),
          submittedAt: instant(a.submittedAt),
          grade: codes.GRADE[String(a.grade)] ?? 'UNKNOWN',
          concerns: [...new Set(list(a.concerns).map((code) => codes.CONCERN[code] ?? 'UNKNOWN'))],
          localConcernCodes: Array.isArray(a.localConcernCodes) ? list(a.localConcernCodes) : null,
          consent: codes.CONSENT[String(a.consent)] ?? 'UNKNOWN',
          consentOverriddenBecause: codes.CONSENT_OVERRIDE[String(a.consentOverriddenBecause)] ?? null,
          adultsWishes: text(a.adultsWishes),
          summary: text(a.incidentDescription),
          children: children(people),
          personAlleged: people.related('personAlleged')?.person ?? null,
          informant: people.related('personReporting')?.person ?? null,
          incidentLocation: people.place('incidentLocation'),
        },
      };
    case 'INTY_0004':
      return {
        type: 'uk.causeway.police.domestic-abuse-incident.attended.v1',
        fact: 'domestic-abuse-incident',
        occurredAt: instant(a.attendedAt),
        data: {
          attendedAt: instant(a.attendedAt),
          riskGrade: codes.DOMESTIC_ABUSE_RISK[String(a.riskGrade)] ?? 'UNKNOWN',
          childrenInvolved: a.childrenInvolved === true || people.children().length > 0,
          children: children(people),
          incidentLocation: people.place('incidentLocation'),
          circumstances: text(a.incidentDescription),
          personAlleged: people.related('personAlleged')?.person ?? null,
          informant: people.related('personReporting')?.person ?? null,
          marac: flag(a.marac),
        },
      };
    case 'INTY_0005':
      return {
        type: 'uk.causeway.police.child-protection-power.used.v1',
        fact: 'child-protection-power',
        occurredAt: instant(a.takenAt),
        data: {
          takenAt: instant(a.takenAt),
          expiresAt: optionalInstant(a.expiresAt) ?? later(instant(a.takenAt), PROTECTION_MS),
          accommodation: codes.ACCOMMODATION[String(a.accommodation)] ?? 'UNKNOWN',
          accommodationAddress: people.place('accommodationLocation'),
          parentsInformed: flag(a.parentsInformed),
          designatedOfficer: text(a.designatedOfficer),
          circumstances: text(a.incidentDescription),
          personAlleged: people.related('personAlleged')?.person ?? null,
          informant: people.related('personReporting')?.person ?? null,
        },
      };
    case 'INTY_0006':
      return {
        type: 'uk.causeway.police.mental-health-detention.made.v1',
        fact: 'mental-health-detention',
        occurredAt: instant(a.detainedAt),
        data: {
          powerUsed: codes.DETENTION_POWER[String(a.powerUsed)] ?? 'UNKNOWN',
          detainedAt: instant(a.detainedAt),
          arrivedAt: optionalInstant(a.arrivedAt),
          placeOfSafety: codes.PLACE_OF_SAFETY[String(a.placeOfSafety)] ?? 'UNKNOWN',
          placeOfSafetySite: text(a.placeOfSafetySite),
          conveyance: codes.CONVEYANCE[String(a.conveyance)] ?? 'UNKNOWN',
          adviceSought: flag(a.adviceSought),
          intoxicated: flag(a.intoxicated),
          circumstances: text(a.incidentDescription),
        },
      };
    case 'INTY_0007':
      return cancelled(a.cancelledIncidentType as codes.Cancellable, a, warn);
  }
};

const cancelled = (cancelledType: codes.Cancellable, a: Attributes, warn: (fault: Fault) => void): Stated => {
  const occurredAt = instant(a.cancelledAt);
  const withdrawn = (fact: string) => ({
    voids: { caseReference: String(a.customerReferenceNumber), fact },
    corrects: null,
    reason: codes.CANCELLATION_REASON[String(a.cancellationReason)] ?? ('UNKNOWN' as const),
    voidedAt: occurredAt,
  });
  switch (cancelledType) {
    case 'INTY_0001': {
      const fact = 'missing-person-report';
      const data = { ...withdrawn(fact), ...missing(a, warn) };
      return { type: 'uk.causeway.police.missing-person-report.voided.v1', fact, occurredAt, data };
    }
    case 'INTY_0002': {
      const fact = 'missing-person-location';
      const data = {
        ...withdrawn(fact),
        ...missing(a, warn),
        locatedAt: optionalInstant(a.locatedAt),
        outcome: codes.LOCATED_OUTCOME[String(a.outcome)] ?? ('UNKNOWN' as const),
      };
      return { type: 'uk.causeway.police.missing-person-location.voided.v1', fact, occurredAt, data };
    }
    case 'INTY_0003': {
      const fact = 'vulnerability-report';
      const data = {
        ...withdrawn(fact),
        submittedAt: optionalInstant(a.submittedAt),
        grade: codes.GRADE[String(a.grade)] ?? ('UNKNOWN' as const),
        consent: codes.CONSENT[String(a.consent)] ?? ('UNKNOWN' as const),
      };
      return { type: 'uk.causeway.police.vulnerability-report.voided.v1', fact, occurredAt, data };
    }
    case 'INTY_0004': {
      const fact = 'domestic-abuse-incident';
      const data = {
        ...withdrawn(fact),
        attendedAt: optionalInstant(a.attendedAt),
        riskGrade: codes.DOMESTIC_ABUSE_RISK[String(a.riskGrade)] ?? ('UNKNOWN' as const),
        childrenInvolved: a.childrenInvolved === true,
      };
      return { type: 'uk.causeway.police.domestic-abuse-incident.voided.v1', fact, occurredAt, data };
    }
    case 'INTY_0005': {
      const fact = 'child-protection-power';
      const data = { ...withdrawn(fact), takenAt: optionalInstant(a.takenAt) };
      return { type: 'uk.causeway.police.child-protection-power.voided.v1', fact, occurredAt, data };
    }
    case 'INTY_0006': {
      const fact = 'mental-health-detention';
      const data = {
        ...withdrawn(fact),
        powerUsed: codes.DETENTION_POWER[String(a.powerUsed)] ?? ('UNKNOWN' as const),
        detainedAt: optionalInstant(a.detainedAt),
      };
      return { type: 'uk.causeway.police.mental-health-detention.voided.v1', fact, occurredAt, data };
    }
  }
};

const missing = (a: Attributes, warn: (fault: Fault) => void) => ({
  risk: codes.MISSING_RISK[String(a.risk)] ?? ('UNKNOWN' as const),
  fromCare: flag(a.fromCare),
  placingAuthority: authority(a.placingAuthority, warn),
});

const authority = (value: unknown, warn: (fault: Fault) => void): string | null => {
  if (typeof value !== 'string') return null;
  const checked = checkGssCode(value);
  if (checked.valid) return checked.value;
  warn({ pointer: '/data/attributes/placingAuthority', problem: 'was left out: it is no GSS code' });
  return null;
};

const children = (people: People) =>
  people.children().map(({ person, attributes }) => ({
    person,
    presence: codes.CHILD_PRESENCE[String(attributes.childPresence)] ?? ('UNKNOWN' as const),
    seenByOfficer: flag(attributes.seenByOfficer),
    school: text(attributes.school),
    voice: text(attributes.voiceOfChild),
  }));

/** Statutory guidance: the council offers the interview within 72 hours of the return of a child. */
const returnInterview = (a: Attributes, isChild: boolean): string | null => {
  if (typeof a.returnInterviewDueAt === 'string') return instant(a.returnInterviewDueAt);
  const found = a.outcome === 'LOCO_0001' || a.outcome === 'LOCO_0002';
  return isChild && found ? later(instant(a.locatedAt), PROTECTION_MS) : null;
};

const flag = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);

const list = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

/** As it was written: the schema of the document lets nothing else through than what events take. */
const instant = (value: unknown): string => String(value);

const optionalInstant = (value: unknown): string | null =>
  typeof value === 'string' ? instant(value) : null;

const later = (from: string, ms: number): string => {
  const at = Date.parse(from) + ms;
  return instantInLondon(at + londonOffset(at) * 60_000);
};

/** The events of a case: what it means that it began, ended, was recorded otherwise, or is said not to have ended after all. */
import type { Fact } from '@causeway/runtime/source/fact';
import type { Contact, EventData, Person } from '@causeway/schemas/generated/types';
import { NO_IDENTIFIERS, UNKNOWN_PERSON } from '@causeway/schemas/identifiers/person-parts';
import { isTemporaryUpn } from '@causeway/schemas/identifiers/upn';
import {
  categoryOfAbuseOf,
  ceasesLookedAfter,
  legalStatusOf,
  missingKindOf,
  primaryNeedOf,
  referralSourceOf,
  sexOf,
  startsLookedAfter,
} from '../codes.ts';
import type { KnownPerson } from '../database/person.ts';
import { isUnborn } from './cin.ts';
import { ageAt, startOfDay } from './dates.ts';
import { type CaseKind, type Child, subjectOf, type Values } from './stated.ts';

export type Ended = Values & { date: string };

/** A case as it is to be told. */
export type Told = {
  kind: CaseKind;
  child: Child;
  /** Who that is in the council's index, where it is certain. */
  person: KnownPerson | undefined;
  /** Organisations that must not be told. */
  exclude: readonly string[];
  /** The case's reference towards partners: the same for good, also where the date that named it is corrected. */
  reference: string;
  began: string;
  start: Values;
  end: Ended | null;
  contact: Contact;
  chain?: string;
  /** When the file came that says so, RFC 3339. */
  toldAt: string;
  /** Back-filled history. */
  replay: boolean;
};

export type Part = 'begun' | 'ended' | 'corrected' | 'end-voided' | 'voided';

/** Under these names the source remembers the last event of each part, for the withdrawal that names it. */
const REMEMBERED = {
  begun: 'begun',
  ended: 'ended',
  corrected: 'begun',
  'end-voided': 'ended',
  voided: 'begun',
} as const;

/** The fact, or undefined where the catalogue has none for the part. */
export const factOf = (part: Part, told: Told): Fact | undefined => {
  const stated = DATA[told.kind](told)[part];
  if (stated === undefined) return undefined;
  const { child, chain, replay } = told;
  const visit = `${told.kind} ${child.scheme} ${child.id} ${told.reference}`;
  const fact = REMEMBERED[part];
  return {
    ...stated,
    ...(part === 'begun' || part === 'corrected' ? { remember: { visit, fact } } : {}),
    ...(part === 'ended' ? { remember: { visit, fact } } : {}),
    ...(part === 'corrected' || part === 'end-voided' || part === 'voided' ? { voids: { visit, fact } } : {}),
    classification: 'OFFICIAL-SENSITIVE',
    subject: [subjectOf(child)],
    // One that a school gave until the permanent number is known is not the child's for good.
    verified: {
      ...(child.upn && !isTemporaryUpn(child.upn) && { upn: child.upn }),
      ...told.person?.verified,
    },
    person: told.person?.person ?? {},
    ...(told.exclude.length > 0 && { exclude: [...told.exclude] }),
    replay,
    ...(chain !== undefined && { correlationId: chain }),
    ...(told.kind === 'section47-enquiry' && { handling: ['do-not-tell-alleged-person'] }),
  } as Fact;
};

type Stated = {
  [T in keyof EventData]: { type: T; data: EventData[T]; occurredAt: string };
}[keyof EventData];

const one = <T extends keyof EventData>(type: T, occurredAt: string, data: EventData[T]): Stated =>
  ({ type, occurredAt, data }) as Stated;

/** A file says nothing of where the child is but the placement. */
const personOf = ({ child: { id, sex, born, upn }, person }: Told): Person => ({
  ...UNKNOWN_PERSON,
  name: person?.person.name ?? null,
  dateOfBirth: born ? { value: born, precision: 'day' } : null,
  sex: sexOf(sex),
  identifiers: {
    ...(person?.person.identifiers ?? NO_IDENTIFIERS),
    upn: upn ?? person?.person.identifiers.upn ?? null,
    localId: id,
  },
});

/** Both returns are about children; who has come of age meanwhile is told by the date of birth. */
const commonOf = (told: Told, at = told.began) => ({
  person: personOf(told),
  personCategory: isUnborn(told.child)
    ? ('unborn' as const)
    : told.child.born && ageAt(told.child.born, at) >= 18
      ? ('adult' as const)
      : ('child' as const),
  contact: told.contact,
});

const caseOf = (told: Told, at?: string) => ({ ...commonOf(told, at), caseReference: told.reference });
const correctionOf = (told: Told) => ({ ...caseOf(told), reason: 'UNKNOWN' as const });
const voidedOf = (told: Told, fact: string = told.kind) => ({
  ...commonOf(told),
  voids: { caseReference: told.reference, fact },
  reason: 'UNKNOWN' as const,
  voidedAt: told.toldAt,
});
const endVoidedOf = (told: Told) => voidedOf(told, `${told.kind}-end`);

const DATA: Record<CaseKind, (told: Told) => Partial<Record<Part, Stated>>> = {
  'care-episode': (told) => {
    const { start, end, began, toldAt } = told;
    const legalStatus = legalStatusOf(start.legalStatus) ?? 'UNKNOWN';
    const beginning = {
      episodeStartDate: began,
      episodeStartReason: start.reason ?? null,
      startsLookedAfter: startsLookedAfter(start.reason),
      legalStatus,
      legalStatusCode: start.legalStatus ?? null,
      placementType: start.placement ?? null,
      placementProvider: start.provider ?? null,
      placementPostcode: start.postcode ?? null,
    };
    const ending = {
      episodeEndDate: end?.date ?? null,
      episodeEndReason: end?.reason ?? null,
      ceasesLookedAfter: ceasesLookedAfter(end?.reason),
    };
    return {
      begun: one('uk.causeway.council.care-episode.begun.v1', startOfDay(began), {
        ...caseOf(told),
        ...beginning,
      }),
      ...(end && {
        ended: one('uk.causeway.council.care-episode.ended.v1', startOfDay(end.date), {
          ...caseOf(told, end.date),
          ...ending,
          episodeStartDate: began,
          episodeEndDate: end.date,
          legalStatus,
        }),
        'end-voided': one('uk.causeway.council.care-episode-end.voided.v1', toldAt, {
          ...endVoidedOf(told),
          episodeEndDate: end.date,
          ceasesLookedAfter: ending.ceasesLookedAfter,
          legalStatus,
        }),
      }),
      voided: one('uk.causeway.council.care-episode.voided.v1', toldAt, {
        ...voidedOf(told),
        episodeStartDate: began,
        startsLookedAfter: beginning.startsLookedAfter,
        legalStatus,
      }),
      corrected: one('uk.causeway.council.care-episode.corrected.v1', toldAt, {
        ...correctionOf(told),
        ...beginning,
        ...ending,
      }),
    };
  },
  'child-missing-from-care': (told) => {
    const { start, end, began, toldAt } = told;
    const kind = missingKindOf(start.missing) ?? 'UNKNOWN';
    return {
      begun: one('uk.causeway.council.child-missing-from-care.reported.v1', startOfDay(began), {
        ...caseOf(told),
        missingKind: kind,
        missingEpisodeStartDate: began,
      }),
      ...(end && {
        ended: one('uk.causeway.council.child-missing-from-care.ended.v1', startOfDay(end.date), {
          ...caseOf(told, end.date),
          missingKind: kind,
          missingEpisodeStartDate: began,
          missingEpisodeEndDate: end.date,
        }),
        'end-voided': one('uk.causeway.council.child-missing-from-care-end.voided.v1', toldAt, {
          ...endVoidedOf(told),
          missingKind: kind,
          missingEpisodeEndDate: end.date,
        }),
      }),
      voided: one('uk.causeway.council.child-missing-from-care-report.voided.v1', toldAt, {
        ...voidedOf(told, 'child-missing-from-care-report'),
        missingKind: kind,
        missingEpisodeStartDate: began,
      }),
      corrected: one('uk.causeway.council.child-missing-from-care.corrected.v1', toldAt, {
        ...correctionOf(told),
        missingKind: kind,
        missingEpisodeStartDate: began,
        missingEpisodeEndDate: end?.date ?? null,
      }),
    };
  },
  'child-protection-plan': (told) => {
    const { start, end, began, toldAt } = told;
    const planType = start.unborn === 'yes' ? 'unborn_child_protection_plan' : 'child_protection_plan';
    const initialCategoryOfAbuse = categoryOfAbuseOf(start.category) ?? 'UNKNOWN';
    return {
      begun: one('uk.causeway.council.child-protection-plan.begun.v1', startOfDay(began), {
        ...caseOf(told),
        planType,
        cppStartDate: began,
        initialCategoryOfAbuse,
        expectedDateOfDelivery: start.expected ?? null,
      }),
      ...(end && {
        ended: one('uk.causeway.council.child-protection-plan.ended.v1', startOfDay(end.date), {
          ...caseOf(told, end.date),
          planType,
          cppStartDate: began,
          cppEndDate: end.date,
          latestCategoryOfAbuse: categoryOfAbuseOf(end.category) ?? 'UNKNOWN',
        }),
        'end-voided': one('uk.causeway.council.child-protection-plan-end.voided.v1', toldAt, {
          ...endVoidedOf(told),
          planType,
          cppEndDate: end.date,
        }),
      }),
      voided: one('uk.causeway.council.child-protection-plan.voided.v1', toldAt, {
        ...voidedOf(told),
        planType,
        cppStartDate: began,
      }),
      corrected: one('uk.causeway.council.child-protection-plan.corrected.v1', toldAt, {
        ...correctionOf(told),
        planType,
        cppStartDate: began,
        initialCategoryOfAbuse,
        expectedDateOfDelivery: start.expected ?? null,
        cppEndDate: end?.date ?? null,
        latestCategoryOfAbuse: end ? (categoryOfAbuseOf(end.category) ?? 'UNKNOWN') : null,
      }),
    };
  },
  'safeguarding-referral': (told) => {
    const { start, began, toldAt } = told;
    const stated = {
      ...caseOf(told),
      referralDate: began,
      referralSource: referralSourceOf(start.source),
      referralSourceCode: start.source ?? null,
      primaryNeedCode: primaryNeedOf(start.need) ?? ('UNKNOWN' as const),
      duty: 'children_act_s17' as const,
      // The census does not say when; an authority decides within one working day.
      acceptedAt: startOfDay(began),
    };
    return {
      begun: one('uk.causeway.council.safeguarding-referral.accepted.v1', startOfDay(began), stated),
      voided: one('uk.causeway.council.safeguarding-referral.voided.v1', toldAt, {
        ...voidedOf(told),
        referralDate: began,
        referralSource: stated.referralSource,
        duty: stated.duty,
      }),
      corrected: one('uk.causeway.council.safeguarding-referral.corrected.v1', toldAt, {
        ...stated,
        reason: 'UNKNOWN',
      }),
    };
  },
  'section47-enquiry': (told) => {
    const { start, began, toldAt } = told;
    const stated = {
      ...caseOf(told),
      s47ActualStartDate: began,
      enquiryKind: 'UNKNOWN' as const,
      initialCpcTarget: start.conferenceTarget ?? null,
    };
    return {
      begun: one('uk.causeway.council.section47-enquiry.opened.v1', startOfDay(began), stated),
      voided: one('uk.causeway.council.section47-enquiry.voided.v1', toldAt, {
        ...voidedOf(told),
        s47ActualStartDate: began,
        enquiryKind: 'UNKNOWN',
      }),
      corrected: one('uk.causeway.council.section47-enquiry.corrected.v1', toldAt, {
        ...stated,
        reason: 'UNKNOWN',
      }),
    };
  },
};

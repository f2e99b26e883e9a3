import { canonicalOf } from '@causeway/schemas/identifiers/checked';
import { checkGssCode, checkPostcode } from '@causeway/schemas/identifiers/places';
import {
  categoryOfAbuseOf,
  ceasesLookedAfter,
  legalStatusOf,
  missingKindOf,
  startsLookedAfter,
} from '../codes.ts';
import { contacts, referrals } from './referral-views.ts';
import {
  badRow,
  codeIn,
  dateIn,
  dayOf,
  flagIn,
  type Row,
  requiredDate,
  requiredText,
  requiredTime,
  startOfDay,
  textOf,
  timeIn,
} from './row.ts';
import type { Stated, StatedFact, View } from './stated.ts';
import { base, EVERYWHERE, factKind, opened, planned } from './view-columns.ts';

const PLAN_TYPES: Record<string, 'child_protection_plan' | 'unborn_child_protection_plan'> = {
  CPP: 'child_protection_plan',
  UCP: 'unborn_child_protection_plan',
};

const childProtectionPlans: View = {
  name: 'child-protection-plans',
  required: ['plan_type', 'start_date', 'end_date', 'initial_category'],
  optional: [
    ...EVERYWHERE,
    'latest_category',
    'expected_date_of_delivery',
    'next_review_date',
    'team',
    'mother_person_id',
    'referral_id',
  ],
  planned: ['start_date', 'end_date'],
  facts: {
    begun: factKind('child-protection-plan.begun', 'child-protection-plan', 'child-protection-plan', {
      mother: true,
    }),
    ended: factKind('child-protection-plan.ended', 'child-protection-plan-end', 'child-protection-plan'),
  },
  state(row) {
    const common = base(row, 'CPP');
    if (planned(row, 'start_date')) return { ...common, facts: [] };
    const planType = codeIn(row, 'plan_type', (code) => PLAN_TYPES[code.toUpperCase()]);
    if (planType === null) throw badRow('missing-value', 'plan_type');
    const initialCategoryOfAbuse = codeIn(row, 'initial_category', categoryOfAbuseOf) ?? 'UNKNOWN';
    const cppStartDate = requiredDate(row, 'start_date');
    const cppEndDate = planned(row, 'end_date') ? null : dateIn(row, 'end_date');
    const motherId = textOf(row, 'mother_person_id') ?? undefined;
    const facts: StatedFact[] = [
      {
        name: 'begun',
        occurredAt: startOfDay(cppStartDate),
        essential: {
          planType,
          cppStartDate,
          initialCategoryOfAbuse,
          expectedDateOfDelivery: dateIn(row, 'expected_date_of_delivery'),
        },
        further: { nextReviewDate: dateIn(row, 'next_review_date'), allocatedTeam: textOf(row, 'team') },
        withdrawal: { planType, cppStartDate },
      },
    ];
    if (cppEndDate !== null)
      facts.push({
        name: 'ended',
        occurredAt: startOfDay(cppEndDate),
        essential: {
          cppEndDate,
          latestCategoryOfAbuse: codeIn(row, 'latest_category', categoryOfAbuseOf) ?? initialCategoryOfAbuse,
        },
        further: { planType, cppStartDate, allocatedTeam: textOf(row, 'team') },
        withdrawal: { planType, cppEndDate },
      });
    const unborn = planType === 'unborn_child_protection_plan';
    const reason = unborn ? 'unborn-child-protection-plan' : 'child-protection-plan';
    return {
      ...common,
      facts,
      case: opened(reason, cppStartDate, cppEndDate),
      ...(unborn && motherId !== undefined && { motherId }),
      ...chainOf(row),
    };
  },
};

const chainOf = (row: Row): Pick<Stated, 'chain'> => {
  const chain = textOf(row, 'referral_id');
  return chain === null || chain === '-1' ? {} : { chain };
};

const careEpisodes: View = {
  name: 'care-episodes',
  required: ['start_date', 'end_date', 'legal_status'],
  optional: [
    ...EVERYWHERE,
    'start_reason',
    'end_reason',
    'placement_type',
    'placement_provider',
    'placement_postcode',
    'placement_authority',
    'team',
  ],
  planned: ['start_date', 'end_date'],
  facts: {
    begun: factKind('care-episode.begun', 'care-episode', 'care-episode', {
      places: ['placementPostcode', 'placementLocalAuthority'],
    }),
    ended: factKind('care-episode.ended', 'care-episode-end', 'care-episode'),
  },
  state(row) {
    const common = base(row, 'EPISODE');
    if (planned(row, 'start_date')) return { ...common, facts: [] };
    const legalStatus = codeIn(row, 'legal_status', legalStatusOf) ?? 'UNKNOWN';
    const episodeStartDate = requiredDate(row, 'start_date');
    const episodeEndDate = planned(row, 'end_date') ? null : dateIn(row, 'end_date');
    const startsLooked = startsLookedAfter(textOf(row, 'start_reason'));
    const facts: StatedFact[] = [
      {
        name: 'begun',
        occurredAt: startOfDay(episodeStartDate),
        essential: {
          episodeStartDate,
          episodeStartReason: textOf(row, 'start_reason'),
          startsLookedAfter: startsLooked,
          legalStatus,
          legalStatusCode: textOf(row, 'legal_status'),
          placementType: textOf(row, 'placement_type'),
          placementProvider: textOf(row, 'placement_provider'),
          placementPostcode: canonicalOf(checkPostcode(textOf(row, 'placement_postcode') ?? '')) ?? null,
          placementLocalAuthority:
            canonicalOf(checkGssCode(textOf(row, 'placement_authority') ?? '')) ?? null,
        },
        further: { allocatedTeam: textOf(row, 'team') },
        withdrawal: { episodeStartDate, startsLookedAfter: startsLooked, legalStatus },
      },
    ];
    if (episodeEndDate !== null) {
      const ceases = ceasesLookedAfter(textOf(row, 'end_reason'));
      facts.push({
        name: 'ended',
        occurredAt: startOfDay(episodeEndDate),
        essential: {
          episodeEndDate,
          episodeEndReason: textOf(row, 'end_reason'),
          ceasesLookedAfter: ceases,
        },
        further: { legalStatus, episodeStartDate, allocatedTeam: textOf(row, 'team') },
        withdrawal: { episodeEndDate, ceasesLookedAfter: ceases, legalStatus },
      });
    }
    return { ...common, facts, case: opened('looked-after', episodeStartDate, episodeEndDate) };
  },
};

const missingEpisodes: View = {
  name: 'missing-episodes',
  required: ['kind', 'started_at', 'ended_at'],
  optional: [
    ...EVERYWHERE,
    'interview_offered',
    'interview_accepted',
    'police_told',
    'police_reference',
    'placement_authority',
    'circumstances',
  ],
  planned: ['started_at', 'ended_at'],
  facts: {
    reported: factKind(
      'child-missing-from-care.reported',
      'child-missing-from-care-report',
      'child-missing-from-care',
      { places: ['placementLocalAuthority'] },
    ),
    ended: factKind(
      'child-missing-from-care.ended',
      'child-missing-from-care-end',
      'child-missing-from-care',
    ),
  },
  state(row) {
    const common = base(row, 'MISSING');
    if (planned(row, 'started_at')) return { ...common, facts: [] };
    const missingKind = codeIn(row, 'kind', missingKindOf) ?? 'UNKNOWN';
    const startedAt = requiredTime(row, 'started_at');
    const endedAt = planned(row, 'ended_at') ? null : timeIn(row, 'ended_at');
    if (endedAt !== null && Date.parse(endedAt) < Date.parse(startedAt))
      throw badRow('ends-before-it-begins', 'ended_at');
    const missingEpisodeStartDate = startedAt.slice(0, 10);
    const policeReference = textOf(row, 'police_reference');
    const onlyADay = dayOf(textOf(row, 'started_at') ?? '') === textOf(row, 'started_at');
    const facts: StatedFact[] = [
      {
        name: 'reported',
        occurredAt: startedAt,
        essential: {
          missingKind,
          missingEpisodeStartDate,
          missingSinceAt: onlyADay ? null : startedAt,
        },
        further: {
          placementLocalAuthority:
            canonicalOf(checkGssCode(textOf(row, 'placement_authority') ?? '')) ?? null,
          reportedToPolice: flagIn(row, 'police_told'),
          policeReference,
          circumstances: textOf(row, 'circumstances'),
        },
        withdrawal: { missingKind, missingEpisodeStartDate },
      },
    ];
    if (endedAt !== null) {
      const missingEpisodeEndDate = endedAt.slice(0, 10);
      facts.push({
        name: 'ended',
        occurredAt: endedAt,
        essential: {
          missingEpisodeEndDate,
          returnInterviewOffered: flagIn(row, 'interview_offered'),
          returnInterviewAccepted: flagIn(row, 'interview_accepted'),
        },
        further: { missingKind, missingEpisodeStartDate, policeReference },
        withdrawal: { missingKind, missingEpisodeEndDate },
      });
    }
    return { ...common, facts };
  },
};

const section47Enquiries: View = {
  name: 'section47-enquiries',
  required: ['started_at'],
  optional: [...EVERYWHERE, 'joint', 'conference_due', 'team', 'allegation', 'referral_id'],
  planned: ['started_at'],
  facts: {
    opened: factKind('section47-enquiry.opened', 'section47-enquiry', 'section47-enquiry', {
      handling: ['do-not-tell-alleged-person'],
    }),
  },
  state(row) {
    const common = base(row, 'S47');
    if (planned(row, 'started_at')) return { ...common, facts: [] };
    const startedAt = requiredTime(row, 'started_at');
    const joint = flagIn(row, 'joint');
    const enquiryKind = joint === null ? 'UNKNOWN' : joint ? 'joint' : 'single_agency';
    const s47ActualStartDate = startedAt.slice(0, 10);
    return {
      ...common,
      facts: [
        {
          name: 'opened',
          occurredAt: startedAt,
          essential: {
            s47ActualStartDate,
            enquiryKind,
            initialCpcTarget: dateIn(row, 'conference_due'),
          },
          further: {
            allocatedTeam: textOf(row, 'team'),
            allegation: textOf(row, 'allegation'),
          },
          withdrawal: { s47ActualStartDate, enquiryKind },
        },
      ],
      ...chainOf(row),
    };
  },
};

const adultCarePackages: View = {
  name: 'adult-care-packages',
  required: ['start_date', 'end_date'],
  optional: EVERYWHERE,
  planned: ['start_date', 'end_date'],
  facts: {},
  state(row) {
    const common = base(row, 'PACKAGE');
    if (planned(row, 'start_date')) return { ...common, facts: [] };
    const until = planned(row, 'end_date') ? null : dateIn(row, 'end_date');
    return {
      ...common,
      facts: [],
      case: opened('adult-care-package', requiredDate(row, 'start_date'), until),
    };
  },
};

export const RESTRICTED_PEOPLE = 'restricted-people';

/** A row for each person whose whereabouts, or all of whose data, must not go out. Its row goes when the protection does. */
const restrictedPeople: View = {
  name: RESTRICTED_PEOPLE,
  required: ['restriction'],
  optional: EVERYWHERE,
  planned: [],
  facts: {},
  state(row) {
    const restriction = requiredText(row, 'restriction').toLowerCase();
    // What is protected in a way that we do not know is protected as an address is.
    const shields =
      restriction === 'processing-restricted' || restriction === 'objection-upheld'
        ? restriction
        : 'shielded';
    return { ...base(row, 'RESTRICTED'), facts: [], shields };
  },
};

/** Protection first: what is said of a person after it must not be on the bus before it. */
export const VIEWS: readonly View[] = [
  restrictedPeople,
  missingEpisodes,
  section47Enquiries,
  childProtectionPlans,
  careEpisodes,
  referrals,
  contacts,
  adultCarePackages,
];

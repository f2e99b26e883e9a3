/** The views of contacts and referrals; see `views.ts`. */
import { codeList } from '@causeway/runtime/adapter/code-list';
import { ATTRIBUTE_FORMS } from '@causeway/runtime/bus/envelope';
import type { ReferralOutcome, StatutoryDuty } from '@causeway/schemas/generated/types';
import { primaryNeedOf, referralSourceOf } from '../codes.ts';
import { badRow, codeIn, type Row, requiredText, requiredTime, textOf, timeIn } from './row.ts';
import type { StatedFact, View } from './stated.ts';
import { base, EVERYWHERE, factKind, opened } from './view-columns.ts';

const OUTCOMES = codeList<ReferralOutcome>({
  assessment: 'ASSESSMENT',
  enquiry: 'S47 ENQUIRY S42',
  early_help: 'EARLY_HELP',
  signposted: 'SIGNPOSTED',
  already_open: 'ALREADY_OPEN',
  not_ours: 'NOT_OURS',
  no_further_action: 'NFA NO_FURTHER_ACTION',
});

const outcomeOf = (code: string) => OUTCOMES(code.replaceAll(/[ -]/g, '_'));

const OUTCOME_KIND = {
  type: 'uk.causeway.council.safeguarding-referral-outcome.recorded.v1',
  corrected: 'uk.causeway.council.safeguarding-referral-outcome.corrected.v1',
  called: 'safeguarding-referral-outcome',
} as const;

/** The partner's event that was the contact; nothing where the row does not name one in the form that the bus has. */
const originOf = (row: Row): string | undefined => {
  const reference = textOf(row, 'origin_reference');
  if (reference === null) return undefined;
  if (!ATTRIBUTE_FORMS.response.test(reference)) throw badRow('bad-reference', 'origin_reference');
  return reference;
};

const outcomeIn = (row: Row): StatedFact[] => {
  const outcome = codeIn(row, 'outcome', outcomeOf);
  if (outcome === null) return [];
  const decidedAt = requiredTime(row, 'outcome_at');
  const inResponseTo = originOf(row);
  return [
    {
      name: 'outcome',
      occurredAt: decidedAt,
      essential: { outcome, respondsTo: inResponseTo?.split('/').at(-1) ?? null },
      further: { decidedAt, allocatedTeam: textOf(row, 'team'), advice: textOf(row, 'advice') },
      withdrawal: {},
      ...(inResponseTo !== undefined && { inResponseTo }),
    },
  ];
};

/** A contact that did not become a referral has an outcome of its own; of the others the referral says what became of them. */
export const contacts: View = {
  name: 'contacts',
  required: ['outcome', 'outcome_at', 'origin_reference'],
  optional: [...EVERYWHERE, 'team', 'advice'],
  planned: [],
  facts: { outcome: OUTCOME_KIND },
  state: (row) => ({ ...base(row, 'CONTACT'), facts: outcomeIn(row) }),
};

const dutyOf = codeList<StatutoryDuty>({
  children_act_s17: 'S17',
  children_act_s20: 'S20',
  children_act_s31: 'S31',
  children_act_s47: 'S47',
  care_act_s9: 'S9',
  care_act_s42: 'S42',
});

export const referrals: View = {
  name: 'referrals',
  required: [
    'received_at',
    'accepted_at',
    'source_code',
    'duty',
    'closed_at',
    'outcome',
    'outcome_at',
    'origin_reference',
  ],
  optional: [...EVERYWHERE, 'need_code', 'team', 'summary', 'advice'],
  planned: [],
  facts: {
    accepted: factKind('safeguarding-referral.accepted', 'safeguarding-referral', 'safeguarding-referral'),
    outcome: OUTCOME_KIND,
  },
  state(row) {
    const common = base(row, 'REF');
    const receivedAt = requiredTime(row, 'received_at');
    const acceptedAt = timeIn(row, 'accepted_at');
    const closedAt = timeIn(row, 'closed_at');
    const referralDate = receivedAt.slice(0, 10);
    const outcome = outcomeIn(row);
    if (acceptedAt === null) return { ...common, facts: outcome, chain: requiredText(row, 'row_id') };
    const duty = codeIn(row, 'duty', dutyOf) ?? 'UNKNOWN';
    const adult = duty === 'care_act_s9' || duty === 'care_act_s42';
    const referralSource = referralSourceOf(textOf(row, 'source_code'));
    const reason = duty === 'care_act_s42' ? 'adult-safeguarding-enquiry' : 'open-referral';
    const inResponseTo = originOf(row);
    return {
      ...common,
      facts: [
        {
          name: 'accepted',
          occurredAt: acceptedAt,
          essential: {
            referralDate,
            referralSource,
            referralSourceCode: textOf(row, 'source_code'),
            primaryNeedCode: adult ? null : codeIn(row, 'need_code', primaryNeedOf),
            duty,
          },
          further: { acceptedAt, allocatedTeam: textOf(row, 'team'), summary: textOf(row, 'summary') },
          withdrawal: { referralDate, referralSource, duty },
          ...(inResponseTo !== undefined && { inResponseTo }),
        },
        ...outcome,
      ],
      case: opened(reason, referralDate, closedAt?.slice(0, 10) ?? null),
      chain: requiredText(row, 'row_id'),
    };
  },
};

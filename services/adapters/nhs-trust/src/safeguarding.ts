/** The safeguard of a person whose address the trust shields: from then on no source's locations of them leave the bus. */
import { tokensOf } from '@causeway/runtime/fact';
import { safeguardRecord, withdrawnSafeguardRecord } from '@causeway/runtime/safeguards';
import type { Standing } from '@causeway/runtime/source-commit';
import type { Tokeniser } from '@causeway/runtime/tokens';
import { ADAPTER } from './intake.ts';
import type { Mark } from './translate.ts';

const SHIELDED = 'shielded';
const REVIEW_YEARS = 1;

const yearsLater = (day: string, years: number): string =>
  `${Number(day.slice(0, 4)) + years}${day.slice(4)}`.replace('-02-29', '-02-28');

/** Makes the record that opens or closes the safeguard of the person of a message. */
export const createSafeguarding =
  (organisation: string, tokeniser: Tokeniser) =>
  ({ patient, shielding }: Mark, on: string): Standing[] => {
    const [own] = patient.local;
    if (own === undefined) return [];
    const subject = tokeniser.local(organisation, own.scheme, own.id);
    const named = { writer: ADAPTER, reference: `shielded:${subject}` };
    const about = `patient:${own.scheme}:${own.id}`;
    if (shielding === 'no') {
      const record = withdrawnSafeguardRecord(organisation, named);
      return [{ record, about, name: SHIELDED, state: undefined }];
    }
    const certain = tokensOf(tokeniser, {
      verified: patient.verifiedNhsNumber === undefined ? {} : { nhs: patient.verifiedNhsNumber },
      person: {},
    });
    const [demographic] = tokensOf(tokeniser, { verified: {}, person: patient.person });
    const tokens = [subject, ...certain];
    const record = safeguardRecord(organisation, {
      ...named,
      kind: 'shielded',
      tokens,
      ...(demographic !== undefined && { demographic }),
      since: on,
      review: yearsLater(on, REVIEW_YEARS),
    });
    return [{ record, about, name: SHIELDED, state: [...tokens, demographic ?? ''].join(' ') }];
  };

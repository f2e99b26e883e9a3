import type { Person } from '@causeway/schemas/generated/types';
import type { Tokeniser } from '../bus/pseudonyms.ts';
import { safeguardRecord, withdrawnSafeguardRecord } from '../reference-data/safeguards.ts';
import { type LocalIdentifier, localTokens, tokensOf, type Verified } from './fact.ts';
import type { Registration } from './registrations.ts';

/** What a source's message says of whether a person's address may be known. */
export type ShieldingMark = {
  /** The source's own identifier of the person: the subject of its events. */
  own: LocalIdentifier;
  verified: Verified;
  person: Pick<Person, 'name' | 'dateOfBirth'>;
  /** False where the source says that it is no longer secret. */
  shielded: boolean;
  /** The day of the message, `YYYY-MM-DD`. */
  on: string;
  /** For a source that promises no order; see `Registration`. */
  order?: string;
};

const SHIELDED = 'shielded';
const REVIEW_YEARS = 1;

const yearsLater = (day: string, years: number): string =>
  `${Number(day.slice(0, 4)) + years}${day.slice(4)}`.replace('-02-29', '-02-28');

/**
 * Makes the record that opens or closes the safeguard `shielded` of a person: from then on no source's locations of them leave the bus.
 * @throws PermanentError `invalid-safeguard`
 */
export const createShielding =
  (parts: { organisation: string; adapter: string; tokeniser: Tokeniser }) =>
  ({ own, verified, person, shielded, on, order }: ShieldingMark): Registration => {
    const { organisation, adapter, tokeniser } = parts;
    const [subject = '', ...former] = localTokens(tokeniser, organisation, own);
    const namedAfter = (token: string) => ({ writer: adapter, reference: `${SHIELDED}:${token}` });
    const named = namedAfter(subject);
    // What was sent under the former key is withdrawn: nothing else would ever find it again.
    const also = former.map((token) => withdrawnSafeguardRecord(organisation, namedAfter(token)));
    const common = {
      ...(also.length > 0 && { also }),
      about: `patient:${own.scheme}:${own.id}`,
      name: SHIELDED,
      ...(order !== undefined && { order }),
    };
    if (!shielded)
      return { ...common, record: withdrawnSafeguardRecord(organisation, named), state: undefined };
    const [demographic] = tokensOf(tokeniser, { verified: {}, person });
    const tokens = [subject, ...former, ...tokensOf(tokeniser, { verified, person: {} })];
    const record = safeguardRecord(organisation, {
      ...named,
      kind: SHIELDED,
      tokens,
      ...(demographic !== undefined && { demographic }),
      since: on,
      review: yearsLater(on, REVIEW_YEARS),
    });
    return { ...common, record, state: [...tokens, demographic ?? ''].join(' ') };
  };

/** The safeguard of a person whose address the trust shields. */

import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import type { Registration } from '@causeway/runtime/source/registrations';
import { createShielding } from '@causeway/runtime/source/shielding';
import { ADAPTER } from './intake.ts';
import type { Mark } from './translate/translate.ts';

/** Makes the record that opens or closes the safeguard of the person of a message. */
export const createSafeguarding = (organisation: string, tokeniser: Tokeniser) => {
  const registrationOf = createShielding({ organisation, adapter: ADAPTER, tokeniser });
  return ({ patient, shielding }: Mark, on: string): Registration[] => {
    const [own] = patient.local;
    if (own === undefined) return [];
    const { person, verifiedNhsNumber: nhs } = patient;
    const verified = nhs === undefined ? {} : { nhs };
    return [registrationOf({ own, verified, person, shielded: shielding !== 'no', on })];
  };
};

/** Parts of a person that every source writes the same way. */
import type { Person, PersonName } from '../generated/types.ts';
import { checkOdsCode } from './ods.ts';

/** A person of whom nothing is known: what a source knows replaces it. */
export const UNKNOWN_PERSON = {
  name: null,
  dateOfBirth: null,
  sex: 'UNKNOWN',
  address: null,
  identifiers: {
    nhsNumber: null,
    nhsNumberStatus: null,
    hospitalNumber: null,
    upn: null,
    pncId: null,
    cro: null,
    localId: null,
  },
  generalPractice: null,
} satisfies Required<Person>;

export const NO_IDENTIFIERS = UNKNOWN_PERSON.identifiers;

/** Null where neither the family name nor a given name is known. */
export const personName = (
  familyName: string | null,
  givenNames: string[],
  others: Pick<PersonName, 'title' | 'suffix' | 'preferredName'> = {},
): PersonName | null =>
  familyName === null && givenNames.length === 0
    ? null
    : {
        ...{ familyName, givenNames: givenNames.length === 0 ? null : givenNames },
        ...{ title: null, suffix: null, preferredName: null, ...others },
      };

/** The code of a general practice; null for anything else. */
export const practiceCode = (code: string): string | null =>
  /^[A-Z]\d{5}$/.test(code) && checkOdsCode(code).valid ? code : null;

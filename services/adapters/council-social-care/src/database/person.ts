/** A person of the council's index, as our events describe them. */

import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { type LocalIdentifier, tokensOf, type Verified } from '@causeway/runtime/source/fact';
import type { Address, Person, PersonCategory } from '@causeway/schemas/generated/types';
import { canonicalOf } from '@causeway/schemas/identifiers/checked';
import { checkNhsNumber } from '@causeway/schemas/identifiers/nhs-number';
import { NO_IDENTIFIERS, personName } from '@causeway/schemas/identifiers/person-parts';
import { checkGssCode, checkPostcode, checkUprn } from '@causeway/schemas/identifiers/places';
import { checkUpn, isTemporaryUpn } from '@causeway/schemas/identifiers/upn';
import { sexOf } from '../codes.ts';
import { dayOf, flagIn, type Row, requiredText, textOf } from './row.ts';

export type KnownPerson = {
  personId: string;
  person: Person;
  verified: Verified;
  /** Set where the child is not born yet. */
  expected: string | null;
  /** Where the person is must not go out. */
  shielded: boolean;
};

/** `-1` stands for "unknown" in reporting warehouses. */
export const UNKNOWN_PERSON = '-1';

/** The scheme of the council's own numbers: the first identifier of a person is the subject of its events. */
export const localOf = (personId: string): LocalIdentifier => ({ scheme: 'person', id: personId });

const addressOf = (row: Row): Address | null => {
  const lines = ['address_line_1', 'address_line_2', 'address_line_3', 'address_line_4'].flatMap(
    (column) => textOf(row, column) ?? [],
  );
  const postcode = canonicalOf(checkPostcode(textOf(row, 'postcode') ?? '')) ?? null;
  const uprn = canonicalOf(checkUprn(textOf(row, 'uprn') ?? '')) ?? null;
  const localAuthority = canonicalOf(checkGssCode(textOf(row, 'local_authority') ?? '')) ?? null;
  if (lines.length === 0 && postcode === null && uprn === null) return null;
  return { lines: lines.length === 0 ? null : lines, postcode, uprn, localAuthority };
};

/** A column of type numeric(10) loses the zeros in front. */
const nhsNumberOf = (row: Row): string | undefined => {
  const written = (textOf(row, 'nhs_number') ?? '').replace(/\.0*$/, '');
  return canonicalOf(checkNhsNumber(/^\d{1,10}$/.test(written) ? written.padStart(10, '0') : written));
};

/** Whether the person's address may go out: only a plain no, or nothing, says so. */
const isOpen = (row: Row): boolean =>
  textOf(row, 'restricted') === null || flagIn(row, 'restricted') === false;

/** @throws PermanentError `missing-value` for a row without an id */
export const personIn = (row: Row): KnownPerson => {
  const personId = requiredText(row, 'person_id');
  const nhs = nhsNumberOf(row);
  const traced = flagIn(row, 'nhs_number_verified') === true;
  const upn = canonicalOf(checkUpn(textOf(row, 'upn') ?? ''));
  const givenNames = (textOf(row, 'given_names') ?? '').split(/\s+/).filter(Boolean);
  const born = dayOf(textOf(row, 'date_of_birth') ?? '');
  const expected = dayOf(textOf(row, 'expected_date_of_birth') ?? '');
  return {
    personId,
    person: {
      name: personName(textOf(row, 'family_name'), givenNames),
      dateOfBirth: born === undefined ? null : { value: born, precision: 'day' },
      sex: sexOf(textOf(row, 'sex')),
      address: isOpen(row) ? addressOf(row) : null,
      identifiers: {
        ...NO_IDENTIFIERS,
        nhsNumber: nhs ?? null,
        nhsNumberStatus: nhs !== undefined && traced ? 'verified' : null,
        upn: upn ?? null,
        localId: personId,
      },
      generalPractice: null,
    },
    verified: {
      ...(nhs !== undefined && traced && { nhs }),
      ...(upn !== undefined && !isTemporaryUpn(upn) && { upn }),
    },
    expected: born === undefined ? (expected ?? null) : null,
    shielded: !isOpen(row),
  };
};

/** Who they are, without where they are: what is kept, so that a withdrawal can be said of somebody who is in the index no more. */
export const withoutAddress = (known: KnownPerson): KnownPerson => ({
  ...known,
  person: { ...known.person, address: null },
});

/** Child until the eighteenth birthday. */
export const categoryAt = ({ person, expected }: KnownPerson, at: string): PersonCategory => {
  const born = person.dateOfBirth?.value;
  if (born === undefined) return expected === null ? 'UNKNOWN' : 'unborn';
  const day = at.slice(0, 10);
  if (day < born) return 'unborn';
  return day < `${Number(born.slice(0, 4)) + 18}${born.slice(4)}` ? 'child' : 'adult';
};

/** The tokens by which others know the person, with the council's own. */
export const standingTokens = (
  organisation: string,
  tokeniser: Tokeniser,
  people: readonly KnownPerson[],
): { tokens: string[]; demographic?: string } => {
  const tokens = people.flatMap(({ personId, verified }) => {
    const { scheme, id } = localOf(personId);
    return [tokeniser.local(organisation, scheme, id), ...tokensOf(tokeniser, { verified, person: {} })];
  });
  const [first] = people;
  const [demographic] =
    first === undefined ? [] : tokensOf(tokeniser, { verified: {}, person: first.person });
  return { tokens: [...new Set(tokens)], ...(demographic !== undefined && { demographic }) };
};

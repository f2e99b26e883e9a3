import type { Fact, OtherPerson, Verified } from '@causeway/runtime/source/fact';
import type { Person } from '@causeway/schemas/generated/types';
import { canonicalOf } from '@causeway/schemas/identifiers/checked';
import { verifiedNhsNumber } from '@causeway/schemas/identifiers/nhs-number';
import { checkCro, checkPncId } from '@causeway/schemas/identifiers/police';
import { checkUpn } from '@causeway/schemas/identifiers/upn';

/**
 * The people in the data of an event: the one it is about is the field `person`, everybody else is found wherever a
 * record has identifiers or a name beside a date of birth. Only what identifies for certain becomes a token that others match on.
 */
export const peopleIn = (data: unknown): Pick<Fact, 'person' | 'verified'> & { others: OtherPerson[] } => {
  const found: { path: string; person: Partial<Person> }[] = [];
  collect(data, '', found);
  const main = found.find(({ path }) => path === '.person')?.person;
  const others = found.filter(({ path }) => path !== '.person').map(({ person }) => person);
  return {
    ...named(main ?? {}),
    others: others.map((person) => ({ ...named(person) })),
  };
};

const named = (person: Partial<Person>): Pick<Fact, 'person' | 'verified'> => ({
  person: { name: person.name ?? null, dateOfBirth: person.dateOfBirth ?? null } as Fact['person'],
  verified: verifiedOf(person.identifiers),
});

const verifiedOf = (identifiers: Partial<Person['identifiers']> | undefined): Verified => {
  const { nhsNumber, nhsNumberStatus, upn, pncId, cro } = identifiers ?? {};
  const entries = {
    nhs: verifiedNhsNumber(nhsNumber, nhsNumberStatus),
    upn: upn ? canonicalOf(checkUpn(upn)) : undefined,
    pnc: pncId ? canonicalOf(checkPncId(pncId)) : undefined,
    cro: cro ? canonicalOf(checkCro(cro)) : undefined,
  };
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
};

const collect = (value: unknown, path: string, found: { path: string; person: Partial<Person> }[]): void => {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, `${path}[]`, found);
  } else if (typeof value === 'object' && value !== null) {
    if ('identifiers' in value || ('name' in value && 'dateOfBirth' in value))
      found.push({ path, person: value as Partial<Person> });
    for (const [name, inner] of Object.entries(value)) collect(inner, `${path}.${name}`, found);
  }
};

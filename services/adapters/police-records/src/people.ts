/** People and places of a document, as events have them. What fails its check is left out and said so; it never stops a report. */
import type { OtherPerson, Verified } from '@causeway/runtime/source/fact';
import { parseIsoDate } from '@causeway/schemas/dates/partial-dates';
import type { Address, PartialDate, Person } from '@causeway/schemas/generated/types';
import type { Checked } from '@causeway/schemas/identifiers/checked';
import { checkNhsNumber } from '@causeway/schemas/identifiers/nhs-number';
import { NO_IDENTIFIERS, personName } from '@causeway/schemas/identifiers/person-parts';
import { checkGssCode, checkPostcode, checkUprn } from '@causeway/schemas/identifiers/places';
import { checkCro, checkPncId } from '@causeway/schemas/identifiers/police';
import { GENDER } from './codes.ts';
import { type Attributes, type Document, type Fault, type Resource, resourceKey } from './read-document.ts';

/** Scheme of the RMS's own person numbers. */
export const PERSON_SCHEME = 'rms-person';

export type KnownPerson = { id: string; person: Person; verified: Verified; attributes: Attributes };

export type People = {
  /** Who stands in that relationship to the incident. */
  related(relationship: string): KnownPerson | undefined;
  /** Children who name the incident as the one that they were at, or belong to. */
  children(): KnownPerson[];
  place(relationship: string): Address | null;
};

type Placed = Resource & { pointer: string };

export const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** @param warn is told what was left out, and where it stands */
export const peopleOf = (document: Document, warn: (fault: Fault) => void): People => {
  const known = new Map<string, KnownPerson>();

  const person = (id: string): KnownPerson => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const made = knownPerson(document, id, warn);
    known.set(id, made);
    return made;
  };

  return {
    related: (relationship) => {
      const id = targetOf(document.relationships, relationship);
      return id === undefined ? undefined : person(id);
    },
    children: () =>
      [...document.included.values()]
        .filter(({ type, relationships }) => type === 'person' && isOf(document, relationships))
        .map(({ id }) => person(id)),
    place: (relationship) => addressOf(document, document.relationships, relationship, warn),
  };
};

const isOf = ({ id }: Document, relationships: Attributes): boolean =>
  targetOf(relationships, 'childAtIncident') === id;

/** Somebody of whom the document has the number only is known by that number. */
const knownPerson = (document: Document, id: string, warn: (fault: Fault) => void): KnownPerson => {
  const resource = document.included.get(resourceKey('person', id));
  const attributes = resource?.attributes ?? {};
  const left = leftOut(resource, warn);
  // The police rarely hold one; only a number that was traced may stand for the person.
  const traced = attributes.nhsNumberVerified === true;
  const nhsNumber = traced ? left('nhsNumber', attributes.nhsNumber, checkNhsNumber) : undefined;
  if (!traced && resource !== undefined && attributes.nhsNumber !== undefined)
    warn({
      pointer: `${resource.pointer}/attributes/nhsNumber`,
      problem: 'was left out: nhsNumberVerified is not true',
    });
  const pncId = left('pncId', attributes.pncId, checkPncId);
  const cro = left('croNumber', attributes.croNumber, checkCro);
  const givenNames = [...names(attributes.givenName), ...names(attributes.middleName)];
  return {
    id,
    attributes,
    verified: { ...(nhsNumber && { nhs: nhsNumber }), ...(pncId && { pnc: pncId }), ...(cro && { cro }) },
    person: {
      name: personName(text(attributes.surname), givenNames, {
        title: text(attributes.titleOther),
        preferredName: text(attributes.preferredName),
      }),
      dateOfBirth: dateOfBirth(attributes.dateOfBirth, left),
      sex: GENDER[String(attributes.gender)] ?? 'UNKNOWN',
      address: addressOf(document, resource?.relationships ?? {}, 'currentAddress', warn),
      identifiers: {
        ...NO_IDENTIFIERS,
        nhsNumber: nhsNumber ?? null,
        nhsNumberStatus: nhsNumber === undefined ? null : 'verified',
        pncId: pncId ?? null,
        cro: cro ?? null,
        localId: id,
      },
      generalPractice: null,
    },
  };
};

type Left = (name: string, value: unknown, check: (text: string) => Checked) => string | undefined;

const leftOut =
  (resource: Placed | undefined, warn: (fault: Fault) => void): Left =>
  (name, value, check) => {
    if (typeof value !== 'string') return undefined;
    const checked = check(value);
    if (checked.valid) return checked.value;
    warn({
      pointer: `${resource?.pointer}/attributes/${name}`,
      problem: `was left out: ${WHY[checked.reason]}`,
    });
    return undefined;
  };

const WHY: Record<Extract<Checked, { valid: false }>['reason'], string> = {
  empty: 'it is empty',
  format: 'it is not written as this identifier is',
  'check-character': 'its check digit or letter does not fit',
  placeholder: 'it is a placeholder',
};

const names = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

const dateOfBirth = (value: unknown, left: Left): PartialDate | null => {
  const found = left('dateOfBirth', value, (written) =>
    parseIsoDate(written) === undefined
      ? { valid: false, reason: 'format' }
      : { valid: true, value: written },
  );
  return found === undefined ? null : (parseIsoDate(found) ?? null);
};

const addressOf = (
  { included }: Document,
  relationships: Attributes,
  relationship: string,
  warn: (fault: Fault) => void,
): Address | null => {
  const id = targetOf(relationships, relationship);
  const location = id === undefined ? undefined : included.get(resourceKey('location', id));
  if (location === undefined) return null;
  const { addressLines, postCode, uprn, localAuthority } = location.attributes;
  const left = leftOut(location, warn);
  const lines = names(addressLines);
  return {
    lines: lines.length > 0 ? lines : null,
    postcode: left('postCode', postCode, checkPostcode) ?? null,
    uprn: left('uprn', uprn, checkUprn) ?? null,
    localAuthority: left('localAuthority', localAuthority, checkGssCode) ?? null,
  };
};

/** The id at the other end of a relationship, which is written alone or in a list of one. */
const targetOf = (relationships: Attributes, name: string): string | undefined => {
  const found = relationships[name] as { data?: unknown } | undefined;
  const target = (Array.isArray(found?.data) ? found.data[0] : found?.data) as { id?: unknown } | undefined;
  return typeof target?.id === 'string' ? target.id : undefined;
};

/** For disclosure searches: somebody else whom the event tells something about. */
export const otherPerson = ({ id, verified, person }: KnownPerson): OtherPerson => ({
  local: [{ scheme: PERSON_SCHEME, id }],
  verified,
  person,
});

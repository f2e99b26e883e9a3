/** The person of an ADT message: PID and PD1 to the `Person` of our events, and what tells them apart. */
import type { LocalIdentifier } from '@causeway/runtime/source/fact';
import { parsePartialDate } from '@causeway/schemas/dates/hl7';
import type { Address, Person, PersonName } from '@causeway/schemas/generated/types';
import { canonicalOf } from '@causeway/schemas/identifiers/checked';
import { checkNhsNumber, nhsNumberStatusOf } from '@causeway/schemas/identifiers/nhs-number';
import { NO_IDENTIFIERS, personName, practiceCode } from '@causeway/schemas/identifiers/person-parts';
import { checkPostcode } from '@causeway/schemas/identifiers/places';
import {
  component,
  header,
  known,
  type Message,
  repetitions,
  type Segment,
  segment,
  text,
} from '../hl7/parser.ts';
import { sexOf } from './codes.ts';

export type Patient = {
  person: Person;
  /** The trust's own identifiers, the one that stays the same first. */
  local: LocalIdentifier[];
  /** An NHS number that may stand for the person: valid, no placeholder, traced. */
  verifiedNhsNumber: string | undefined;
};

/** Whether an NHS number that comes without any tracing status counts as traced. */
export type NhsNumberPolicy = { withoutStatus: 'verified' | 'unverified' };

type Identifier = {
  id: string | undefined;
  check: string | undefined;
  authority: string;
  root: string;
  type: string;
};

const NHS_WORDS = new Set([
  ...['NHS', 'NH', 'NHSN', 'NHSNO', 'NHSNMBR', 'NHSNUMBER', 'NHS NUMBER'],
  'HTTPS://FHIR.NHS.UK/ID/NHS-NUMBER',
]);
const NHS_ROOT = '2.16.840.1.113883.2.1.4.1';
const HOSPITAL_TYPES = new Set(['MRN', 'MR', 'HOSP', 'PI', 'PT']);
/** Types of identifiers that stand for a stay, an account or somebody else's scheme, not for the patient here. */
const OTHER_TYPES = new Set(['AN', 'VN', 'VISITID', 'FIN', 'SS', 'DL', 'PPN']);

const identifiersIn = (message: Message, pid: Segment, field: number): Identifier[] =>
  repetitions(message, pid, field).map((raw) => {
    const part = (nth: number, sub = 1): string | undefined => known(component(message, raw, nth, sub));
    return {
      id: part(1),
      // Beside the name of a check digit scheme (CX-3) a digit is that check digit and no tracing status.
      check: part(3) === undefined || part(2)?.toUpperCase().startsWith('NSTS') ? part(2) : undefined,
      authority: part(4)?.toUpperCase() ?? '',
      root: part(4, 2) ?? '',
      type: part(5)?.toUpperCase() ?? '',
    };
  });

const isNhs = ({ authority, type, root }: Identifier): boolean =>
  NHS_WORDS.has(authority) || NHS_WORDS.has(type) || root === NHS_ROOT;

/** A word that names who gave out an identifier, fit for a token: letters, digits and hyphens. */
const schemeOf = (identifier: Identifier, facility: string): string => {
  const name = identifier.authority || identifier.type || facility;
  const word = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return word || 'patient';
};

const rank = (identifier: Identifier): number => (HOSPITAL_TYPES.has(identifier.type) ? 0 : 1);

/** PID-3 before PID-2: the list of 2.3 and later before the external id that older feeds fill. */
const localIdentifiers = (list: Identifier[], facility: string): { scheme: string; id: string }[] =>
  list
    .filter((one) => !isNhs(one) && !OTHER_TYPES.has(one.type))
    .toSorted((one, other) => rank(one) - rank(other))
    .flatMap((one) => (one.id === undefined ? [] : [{ scheme: schemeOf(one, facility), id: one.id }]));

const nhsNumberOf = (message: Message, pid: Segment, list: Identifier[]) => {
  const candidates = list.filter(isNhs);
  const statuses = [text(message, pid, 32), ...candidates.map((one) => one.check)];
  const status = statuses.map(nhsNumberStatusOf).find((one) => one !== undefined);
  const valid = candidates.flatMap((one) =>
    one.id === undefined ? [] : (canonicalOf(checkNhsNumber(one.id)) ?? []),
  );
  // Two different numbers in one message: nobody here can say which of them is the person's.
  const distinct = [...new Set(valid)];
  return { number: distinct.length === 1 ? distinct[0] : undefined, status };
};

const NAME_TYPES = new Set(['', 'L', 'CURRENT', 'U', 'USUAL', 'OR', 'D']);

const nameOf = (message: Message, pid: Segment): PersonName | null => {
  const all = repetitions(message, pid, 5);
  const part = (raw: string | undefined, nth: number) => known(component(message, raw, nth)) ?? null;
  const chosen = all.find((raw) => NAME_TYPES.has(part(raw, 7)?.toUpperCase() ?? '')) ?? all[0];
  const given = [part(chosen, 2), part(chosen, 3)].filter((name) => name !== null);
  return personName(part(chosen, 1), given, { title: part(chosen, 5), suffix: part(chosen, 4) });
};

const HOME = new Set(['H', 'HOME', 'P', 'HP']);

const addressOf = (message: Message, pid: Segment): Address | null => {
  const part = (raw: string | undefined, nth: number) => known(component(message, raw, nth));
  const all = repetitions(message, pid, 11);
  const typed = (raw: string): string => part(raw, 7)?.toUpperCase() ?? '';
  const chosen = all.find((raw) => HOME.has(typed(raw))) ?? all.find((raw) => typed(raw) === '');
  const lines = [1, 2, 3, 4].flatMap((nth) => part(chosen, nth) ?? []);
  const postcode = canonicalOf(checkPostcode(part(chosen, 5) ?? '')) ?? null;
  if (lines.length === 0 && postcode === null) return null;
  return { lines: lines.length === 0 ? null : lines, postcode, uprn: null, localAuthority: null };
};

const practiceOf = (message: Message): string | null => {
  return practiceCode(text(message, segment(message, 'PD1'), 3, { component: 3 })?.toUpperCase() ?? '');
};

/** PID-19 was made for another country's number; older British feeds put the NHS number there, without a word. */
const unnamedNumber = (message: Message, pid: Segment): Identifier[] => {
  const id = canonicalOf(checkNhsNumber(text(message, pid, 19) ?? ''));
  return id === undefined ? [] : [{ id, check: undefined, authority: 'NHS', root: '', type: 'NHS' }];
};

/** The patient of a PID segment; `shielded` leaves out where they are. */
export const patientOf = (
  message: Message,
  pid: Segment,
  policy: NhsNumberPolicy,
  shielded: boolean,
): Patient => {
  const facility = text(message, header(message), 4) ?? '';
  const list = [3, 2, 4].flatMap((field) => identifiersIn(message, pid, field));
  list.push(...unnamedNumber(message, pid));
  const local = localIdentifiers(list, facility);
  const { number, status } = nhsNumberOf(message, pid, list);
  const traced = status === undefined ? policy.withoutStatus === 'verified' : status === 'verified';
  const person: Person = {
    name: nameOf(message, pid),
    dateOfBirth: parsePartialDate(text(message, pid, 7)) ?? null,
    sex: sexOf(text(message, pid, 8)),
    address: shielded ? null : addressOf(message, pid),
    identifiers: {
      ...NO_IDENTIFIERS,
      nhsNumber: number ?? null,
      nhsNumberStatus: status ?? null,
      hospitalNumber: local[0]?.id ?? null,
    },
    generalPractice: shielded ? null : practiceOf(message),
  };
  const lastResort = number === undefined ? [] : [{ scheme: 'nhs-number', id: number }];
  return { person, local: [...local, ...lastResort], verifiedNhsNumber: traced ? number : undefined };
};

/** Who an identity was before a merge or a change of number: MRG-1, and MRG-4 of older versions. */
export const retiredOf = (
  message: Message,
  mrg: Segment,
  policy: NhsNumberPolicy,
): { local: LocalIdentifier[]; nhs: string | undefined } => {
  const facility = text(message, header(message), 4) ?? '';
  const list = [1, 4].flatMap((field) => identifiersIn(message, mrg, field));
  const { number, status } = nhsNumberOf(message, mrg, list);
  const traced = status === undefined ? policy.withoutStatus === 'verified' : status === 'verified';
  return { local: localIdentifiers(list, facility), nhs: traced ? number : undefined };
};

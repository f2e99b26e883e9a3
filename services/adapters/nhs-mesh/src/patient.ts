/** The person of a NEMS bundle: a CareConnect Patient to the `Person` of our events, and what tells people apart. */
import type { LocalIdentifier, Verified } from '@causeway/runtime/source/fact';
import { londonOffset } from '@causeway/schemas/dates/london';
import { parseIsoDate } from '@causeway/schemas/dates/partial-dates';
import type {
  Address,
  NhsNumberStatus,
  PartialDate,
  Person,
  PersonName,
  Sex,
} from '@causeway/schemas/generated/types';
import { canonicalOf, compact } from '@causeway/schemas/identifiers/checked';
import { checkNhsNumber, nhsNumberStatusOf } from '@causeway/schemas/identifiers/nhs-number';
import {
  NO_IDENTIFIERS,
  personName,
  practiceCode,
  UNKNOWN_PERSON,
} from '@causeway/schemas/identifiers/person-parts';
import { checkPostcode } from '@causeway/schemas/identifiers/places';
import { type Bundle, resolve } from './bundle.ts';
import { instant } from './times.ts';
import { all, at, type Node, valueAt } from './tree.ts';

export type Patient = {
  person: Person;
  /** The number as the message writes it: the subject. Undefined where there is none. */
  own: LocalIdentifier | undefined;
  verified: Verified;
  /** A number that the person had before. */
  retired: string | undefined;
  shielding: 'yes' | 'no' | 'not-said';
};

const SCHEME = 'nhs-number';
const LONGEST_ID = 64;

/** The subject that stands for an NHS number: the same for every message about it. */
export const subjectOf = (number: string): LocalIdentifier => ({ scheme: SCHEME, id: number });

type Number = { text: string; valid: string | undefined; status: NhsNumberStatus | undefined; old: boolean };

const numbersOf = (patient: Node): Number[] =>
  all(patient, 'identifier').flatMap((identifier) => {
    const text = compact(valueAt(identifier, 'value') ?? '');
    if (text === '' || !valueAt(identifier, 'system')?.endsWith('/nhs-number')) return [];
    return [
      {
        text: text.slice(0, LONGEST_ID),
        valid: canonicalOf(checkNhsNumber(text)),
        status: statusOf(identifier),
        old: valueAt(identifier, 'use') === 'old',
      },
    ];
  });

const statusOf = (identifier: Node): NhsNumberStatus | undefined => {
  const [status] = all(identifier, 'extension').filter(({ url }) =>
    url?.includes('NHSNumberVerificationStatus'),
  );
  const code = valueAt(status, 'valueCodeableConcept', 'coding', 'code');
  if (code === 'number-present-and-verified') return 'verified';
  return code === undefined ? undefined : (nhsNumberStatusOf(code) ?? 'UNKNOWN');
};

const SEXES: Record<string, Sex> = { female: 'female', male: 'male', other: 'indeterminate' };

const nameOf = (patient: Node): PersonName | null => {
  const names = all(patient, 'name');
  const chosen =
    names.find((name) => valueAt(name, 'use') === 'official') ??
    names.find((name) => !['old', 'maiden', 'nickname', 'anonymous'].includes(valueAt(name, 'use') ?? ''));
  const texts = (part: string) => all(chosen, part).flatMap((one) => one.value?.trim() || []);
  const familyName = valueAt(chosen, 'family') ?? null;
  const givenNames = texts('given');
  const title = texts('prefix').join(' ') || null;
  return personName(familyName, givenNames, { title, suffix: texts('suffix').join(' ') || null });
};

/** Where the person lives now: the home address that has not ended, the latest of several. */
const homeOf = (patient: Node): Node | undefined =>
  all(patient, 'address')
    .filter((one) => !['old', 'temp', 'work', 'billing'].includes(valueAt(one, 'use') ?? 'home'))
    .filter((one) => valueAt(one, 'period', 'end') === undefined)
    .toSorted((a, b) => startOf(a).localeCompare(startOf(b)))
    .at(-1);

const startOf = (address: Node): string => valueAt(address, 'period', 'start') ?? '';

const addressOf = (home: Node | undefined): Address | null => {
  const parts = ['line', 'city', 'district'].flatMap((part) => all(home, part));
  const lines = parts.flatMap((one) => one.value?.trim() || []);
  const postcode = canonicalOf(checkPostcode(valueAt(home, 'postalCode') ?? '')) ?? null;
  if (lines.length === 0 && postcode === null) return null;
  return { lines: lines.length === 0 ? null : lines, postcode, uprn: null, localAuthority: null };
};

/** Since when the person lives there. */
export const movedOn = (patient: Node): PartialDate | null => dateOf(startOf(homeOf(patient) ?? patient));

/** The date of a FHIR date or time, as far as it is known. */
export const dateOf = (text: string | undefined): PartialDate | null =>
  parseIsoDate((text ?? '').replace(/T.*$/, '')) ?? null;

/** The day in the United Kingdom: shortly after midnight in summer it is another one in UTC. */
export const dayInLondon = (text: string | undefined): PartialDate | null => {
  const at = Date.parse(instant(text) ?? '');
  if (Number.isNaN(at)) return dateOf(text);
  return dateOf(new Date(at + londonOffset(at) * 60_000).toISOString());
};

/** Where the person is registered now: of several the one that has not ended, the latest of those. */
const practiceOf = (bundle: Bundle, patient: Node): string | null => {
  const now = valueAt(bundle.header, 'timestamp') ?? '';
  const [current] = all(patient, 'generalPractitioner')
    .flatMap((element) => {
      const { code, period } = practiceIn(bundle, patient, element);
      const [start, end] = [valueAt(period, 'start') ?? '', valueAt(period, 'end')];
      return code === null || (end !== undefined && end <= now.slice(0, end.length)) ? [] : [{ code, start }];
    })
    .toSorted((a, b) => b.start.localeCompare(a.start));
  return current?.code ?? null;
};

/** Named by the reference itself, by an identifier in its place, or by the resource that it points to, which may be a role or a contained one. */
const practiceIn = (bundle: Bundle, patient: Node, element: Node) => {
  const pointed = referred(bundle, patient, element);
  const organisation = referred(bundle, patient, at(pointed, 'organization')) ?? pointed;
  const identifiers = [...all(element, 'identifier'), ...all(organisation, 'identifier')].filter((one) =>
    valueAt(one, 'system')?.endsWith('/ods-organization-code'),
  );
  const identifier = identifiers.find((one) => valueAt(one, 'period', 'end') === undefined) ?? identifiers[0];
  const reference = valueAt(element, 'reference')?.split('/').at(-1);
  const [extended] = all(element, 'extension').flatMap((one) => at(one, 'valuePeriod') ?? []);
  return {
    code: practiceCode((valueAt(identifier, 'value') ?? reference ?? '').toUpperCase()),
    period: extended ?? at(identifier, 'period') ?? at(pointed, 'period'),
  };
};

const referred = (bundle: Bundle, patient: Node, element: Node | undefined): Node | undefined => {
  const reference = valueAt(element, 'reference');
  if (reference?.startsWith('#'))
    return all(patient, 'contained')
      .flatMap(({ children }) => children)
      .find((one) => valueAt(one, 'id') === reference.slice(1));
  return resolve(bundle, element);
};

/** Confidentiality of the record: `S` and `R` of the national index, HL7's `V`, and what it says of a record that it has emptied. */
const SHIELDED = /^(S|R|V|REDACTED)$/i;
const OPEN = /^(U|N)$/i;

const shieldingOf = (bundle: Bundle, patient: Node): Patient['shielding'] => {
  const codes = [bundle.root, bundle.header, patient].flatMap((resource) =>
    all(at(resource, 'meta'), 'security').flatMap((security) => valueAt(security, 'code') ?? []),
  );
  if (codes.some((code) => SHIELDED.test(code))) return 'yes';
  return codes.some((code) => OPEN.test(code)) ? 'no' : 'not-said';
};

/**
 * The patient of a bundle. `routed` is the number under which the message came: where it is another one, nobody here can say whose
 * message it is, and the number counts for nothing but the subject.
 */
export const patientOf = (bundle: Bundle, node: Node, routed: string | undefined): Patient => {
  const numbers = numbersOf(node);
  const current = numbers.filter(({ old }) => !old);
  const [first] = current;
  const own = first?.text ?? (routed === undefined ? undefined : compact(routed).slice(0, LONGEST_ID));
  const agreed =
    new Set(current.map(({ text }) => text)).size <= 1 &&
    (routed === undefined || own === undefined || compact(routed) === own);
  const number = first === undefined ? canonicalOf(checkNhsNumber(routed ?? '')) : first.valid;
  const status = agreed ? (first?.status ?? 'verified') : 'needs_resolving';
  const shielding = shieldingOf(bundle, node);
  const person: Person = {
    name: nameOf(node),
    dateOfBirth: dateOf(valueAt(node, 'birthDate')),
    sex: SEXES[valueAt(node, 'gender') ?? ''] ?? 'UNKNOWN',
    address: shielding === 'yes' ? null : addressOf(homeOf(node)),
    identifiers: {
      ...NO_IDENTIFIERS,
      nhsNumber: number ?? null,
      nhsNumberStatus: number === undefined ? null : status,
    },
    generalPractice: shielding === 'yes' ? null : practiceOf(bundle, node),
  };
  const retired = numbers.find(({ old, valid }) => old && valid !== undefined && valid !== number)?.valid;
  return {
    person,
    own: own ? subjectOf(own) : undefined,
    verified: number !== undefined && status === 'verified' ? { nhs: number } : {},
    retired,
    shielding,
  };
};

/** All that a signal says of the person: a number of the national index. */
export const numberedPerson = (number: string): Person => ({
  ...UNKNOWN_PERSON,
  identifiers: { ...NO_IDENTIFIERS, nhsNumber: number, nhsNumberStatus: 'verified' },
});

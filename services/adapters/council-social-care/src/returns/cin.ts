/** A child of a Children in need census file (Department for Education), as far as events are made of it. A reason names elements and never their values. */
import { checkUpn } from '@causeway/schemas/identifiers/upn';
import { type Element, elementsOf, textOf } from './cin-xml.ts';
import { addDays, dateOf, isNoDate } from './dates.ts';
import type { Case, Child, Closed, Values } from './stated.ts';

/** `problems`: what was left out and why; the good cases of the child stand. */
type ReadCensusChild = { cases: Case[]; problems: string[]; notes: string[]; closed: Closed[] };

class Fault extends Error {}

export const readCensusChild = (element: Element, today: string): ReadCensusChild => {
  const read: ReadCensusChild = { cases: [], problems: [], notes: [], closed: [] };
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (!read.problems.includes(error.message)) read.problems.push(error.message);
      return undefined;
    }
  };
  const child = attempt(() => childOf(element, read.notes, today));
  if (child === undefined) return read;
  for (const details of elementsOf(element, 'cindetails')) {
    const chain = textOf(details, 'cinreferraldate') ?? '';
    const add = (made: Case | undefined) => {
      if (made) read.cases.push({ ...made, chain });
    };
    if (isNoAction(details)) {
      const day = attempt(() => began(details, 'CINreferralDate', today));
      if (day) read.closed.push({ kind: 'safeguarding-referral', child, began: day });
    } else add(attempt(() => referralOf(details, child, today, read.notes)));
    for (const one of elementsOf(details, 'section47')) add(attempt(() => enquiryOf(one, child, today)));
    for (const one of elementsOf(details, 'childprotectionplans'))
      add(attempt(() => planOf(one, child, today, read.notes)));
  }
  return read;
};

const childOf = (element: Element, notes: string[], today: string): Child => {
  const [identifiers] = elementsOf(element, 'childidentifiers');
  if (identifiers === undefined) throw new Fault('ChildIdentifiers is missing');
  const id = textOf(identifiers, 'lachildid');
  if (!id) throw new Fault('LAchildID is missing or empty');
  if (id.length > 64 || !/^[\p{L}\p{N}][\p{L}\p{N} ._/-]*$/u.test(id))
    throw new Fault('LAchildID is not an identifier');
  const born = date(identifiers, 'PersonBirthDate', today);
  const expected = born ? null : date(identifiers, 'ExpectedPersonBirthDate', today);
  const written = textOf(identifiers, 'upn');
  const upn = checkUpn(written ?? '');
  if (written && !upn.valid) notes.push('UPN fails its check letter and is not used');
  if (born && textOf(identifiers, 'expectedpersonbirthdate'))
    notes.push('ExpectedPersonBirthDate is there beside PersonBirthDate and is not used');
  return {
    scheme: 'cin',
    id,
    sex: textOf(identifiers, 'sex', 'gendercurrent') ?? null,
    born: born ?? null,
    expected: expected ?? null,
    upn: upn.valid ? upn.value : null,
  };
};

/** A referral on which the council takes no action was not accepted: no event. */
const isNoAction = (details: Element): boolean =>
  /^(1|true|y|yes)$/i.test(textOf(details, 'referralnfa') ?? '');

const referralOf = (details: Element, child: Child, today: string, notes: string[]): Case => {
  if (textOf(details, 'cinreferraldate') === undefined) throw new Fault('CINreferralDate is missing');
  return {
    kind: 'safeguarding-referral',
    child,
    began: began(details, 'CINreferralDate', today),
    start: values({
      source: code(details, 'ReferralSource', REFERRAL_SOURCE, notes),
      need: code(details, 'PrimaryNeedCode', NEED, notes),
    }),
    end: undefined,
  };
};

const enquiryOf = (section: Element, child: Child, today: string): Case | undefined => {
  // A strategy discussion that led to no enquiry leaves the element without a date of one.
  if (!textOf(section, 's47actualstartdate')) return undefined;
  return {
    kind: 'section47-enquiry',
    child,
    began: began(section, 'S47ActualStartDate', today),
    start: values({ conferenceTarget: date(section, 'InitialCPCtarget', today) }),
    end: undefined,
  };
};

const planOf = (plan: Element, child: Child, today: string, notes: string[]): Case => {
  const start = began(plan, 'CPPstartDate', today);
  const ended = date(plan, 'CPPendDate', today);
  if (ended && ended < start) throw new Fault('CPPendDate is before CPPstartDate');
  return {
    kind: 'child-protection-plan',
    child,
    began: start,
    start: values({
      category: code(plan, 'InitialCategoryOfAbuse', CATEGORY, notes),
      unborn: isUnborn(child) ? 'yes' : 'no',
      expected: isUnborn(child) ? child.expected : null,
    }),
    // What is yet to come is not told as happened; a later file says it again.
    end:
      ended && ended <= today
        ? { date: ended, ...values({ category: code(plan, 'LatestCategoryOfAbuse', CATEGORY, notes) }) }
        : null,
  };
};

export const isUnborn = ({ born, expected }: Child): boolean => !born && Boolean(expected);

const began = (element: Element, name: string, today: string): string => {
  const read = date(element, name, today);
  if (!read) throw new Fault(`${name} is missing or empty`);
  if (read > today) throw new Fault(`${name} is ahead: send it again when its day has come`);
  if (read < addDays(today, -365 * 60)) throw new Fault(`${name} is more than sixty years back`);
  return read;
};

const date = (element: Element, name: string, today: string): string | null | undefined => {
  const written = textOf(element, name.toLowerCase());
  if (!written) return written;
  if (isNoDate(written)) return null;
  const read = dateOf(written, today, true);
  if (read === undefined) throw new Fault(`${name} is not a date that exists`);
  if (read > addDays(today, 366)) throw new Fault(`${name} is more than a year ahead`);
  return read;
};

/** A local word in place of a code leaves the fact as it is and the value unknown. */
const code = (element: Element, name: string, form: RegExp, notes: string[]): string | null => {
  const written = textOf(element, name.toLowerCase())?.toUpperCase();
  if (!written || form.test(written)) return written || null;
  notes.push(`${name} has a code that the census does not list, and is told as unknown`);
  return null;
};

const REFERRAL_SOURCE = /^(1[A-D]|2[AB]|3[A-F]|4|5[A-D]|[6-9]|10)$/;
const NEED = /^N\d$/;
const CATEGORY = /^(NEG|PHY|SAB|EMO|MUL)$/;

const values = (all: Record<string, string | null | undefined>): Values =>
  Object.fromEntries(Object.entries(all).map(([name, value]) => [name, value ?? null]));

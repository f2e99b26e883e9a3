/** Tells the bus what cases of a file add to what was said, in batches: published first, remembered afterwards. */

import type { Fact } from '@causeway/runtime/source/fact';
import type { PublishOutcome } from '@causeway/runtime/source/publish';
import type { Contact } from '@causeway/schemas/generated/types';
import { sexOf } from '../codes.ts';
import type { KnownPerson } from '../database/person.ts';
import { decide, neutralEnd, type RowVerdict, renamed, same } from './decide.ts';
import { factOf, type Part, type Told } from './facts.ts';
import type { CaseName, KnownCase, KnownChild, KnownRows } from './known.ts';
import { isAdoption, type Protecting, type Protection, protectionsOf } from './protection.ts';
import type { LeftOut } from './receipt.ts';
import { type Case, type CaseKind, type Child, type Closed, isPeriod } from './stated.ts';

export type Publishing = Protecting & {
  known: KnownRows;
  contact(): Contact;
  historyDays: number;
  /** Whether what a return leaves out is withdrawn; it is listed anyway. */
  withdrawsLeftOut: boolean;
};

/** The file that is being read. */
export type Reading = {
  /** Names this reading of this file, also after a crash. */
  id: string;
  /** When it came, RFC 3339, and the day of that. */
  toldAt: string;
  today: string;
  /** Whether the file has a case of this child that began then, or one that ended then too. */
  has(kind: CaseKind, child: string, began: string, ended?: string | null): boolean;
};

export type RowOutcome =
  | { fate: 'published' | 'unchanged' | 'not-shared' }
  | { fate: 'refused'; reason: string };

type PublishedRows = { outcomes: RowOutcome[]; events: string[] };

const SHORT: Record<CaseKind, string> = {
  'care-episode': 'episode',
  'child-missing-from-care': 'missing',
  'child-protection-plan': 'plan',
  'safeguarding-referral': 'referral',
  'section47-enquiry': 's47',
};

export const tokenOf = ({ organisation, tokeniser }: Publishing, { scheme, id }: Child): string =>
  tokeniser.local(organisation, scheme, id);

/** What is known of a child from a header file, with what this row says of it. */
const together = (child: Child, known: KnownChild | undefined): Child => ({
  sex: known?.sex ?? null,
  born: known?.born ?? null,
  upn: known?.upn ?? null,
  ...child,
});

type Prepared = {
  stated: Case;
  child: string;
  before: KnownCase | undefined;
  /** Its number from now on, and what named it before. */
  number: number;
  was: CaseName;
  /** Adoption: only that an open case is over may be told. */
  withheld: boolean;
  verdict: RowVerdict;
  told: Told;
};

/**
 * Says what is new of each case, in their order; each child and beginning at most once in a batch.
 * @throws RetryableError when the bus or the database cannot take it now; what was published by then is published again with the same id
 */
export const publishCases = async (
  publishing: Publishing,
  reading: Reading,
  cases: readonly Case[],
): Promise<PublishedRows> => {
  const { known, organisation, tokeniser, source } = publishing;
  const tokens = cases.map(({ child }) => tokenOf(publishing, child));
  const before = await knownCases(known, cases, tokens);
  const children = await known.children([
    ...new Set(tokens.filter((_, index) => cases[index]?.child.scheme === 'ssda903')),
  ]);
  const protections = await protectionsOf(
    publishing,
    cases.map(({ child }) => child),
  );
  const contact = publishing.contact();
  const taken = new Set<KnownCase>();

  const prepared = cases.map((stated, index): Prepared => {
    const child = tokens[index] ?? '';
    const key = `${stated.kind} ${child}`;
    const own = before.get(key) ?? [];
    const free = own.filter((one) => !taken.has(one));
    const found =
      sameCase(stated, free, (ended) => reading.has(stated.kind, child, stated.began, ended)) ??
      renamed(stated, free, (began) => reading.has(stated.kind, child, began));
    const protection = protections[index] as Protection;
    // Also where the placement ended otherwise and the child is told of again.
    const withheld = protection.adoption || isAdoption(stated);
    const verdict = withheld
      ? neutralEnd(stated, found, reading.today)
      : decide(stated, found, reading.today, publishing.historyDays);
    const moved = found !== undefined && found.began !== stated.began;
    const number = found && !moved ? found.number : freeNumber(stated.began, own);
    const reference = found?.reference ?? referenceOf(stated, own);
    const told: Told = {
      kind: stated.kind,
      child: together(stated.child, children.get(child)),
      person: personOf(protection, together(stated.child, children.get(child))),
      reference,
      began: stated.began,
      start: protection.shielded ? { ...verdict.start, postcode: null } : verdict.start,
      // What an end is said not to have been is what was said of it.
      end: verdict.end ?? found?.end ?? null,
      exclude: protection.exclude,
      contact,
      toldAt: reading.toldAt,
      replay: false,
      ...(stated.chain !== undefined && {
        chain: tokeniser.local(organisation, 'cin-case', `${stated.child.id} ${stated.chain}`),
      }),
    };
    const here = found ?? nothingTold(stated, child, number, reference);
    taken.add(here);
    if (found === undefined) before.set(key, [...own, here]);
    return { stated, child, before: found, number, was: found ?? here, withheld, verdict, told };
  });

  // All at once: the source keeps their order and commits them together.
  const waiting = prepared.map((one) =>
    Promise.all(
      one.verdict.statements.flatMap(({ part, replay }) => {
        const ended = part === 'corrected' && one.verdict.end === null ? { end: null } : {};
        const fact = factOf(part, { ...one.told, ...ended, replay });
        return fact
          ? [source.accept(messageOf(one, part, fact)).then((fate) => ({ part, replay, fact, fate }))]
          : [];
      }),
    ),
  );
  const settled = await Promise.allSettled(waiting);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  const said = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));

  const kept = prepared.flatMap((one, index) => keptOf(one, said[index] ?? [], reading));
  if (kept.length > 0) await known.keepCases(kept);
  await known.keepAlive(
    prepared.flatMap(({ before, verdict }) => (before && verdict.statements.length === 0 ? [before] : [])),
  );
  return {
    outcomes: said.map((one, index) => outcomeOf(one, prepared[index], reading)),
    events: said.flat().flatMap(({ fact, fate }) => (isPublished(fate) ? [fact.type] : [])),
  };
};

/** Of several that began on one day it is the one with the same end; or one whose end is not in the file, so that it was corrected. */
const sameCase = (
  stated: Case,
  known: readonly KnownCase[],
  isInFile: (ended: string | null) => boolean,
): KnownCase | undefined => {
  const alike = known.filter(({ began }) => began === stated.began);
  if (!isPeriod(stated.kind)) return alike[0];
  const ended = stated.end?.date ?? null;
  return (
    alike.find(({ end }) => (end?.date ?? null) === ended) ??
    alike.find(({ end }) => !isInFile(end?.date ?? null))
  );
};

const freeNumber = (day: string, own: readonly KnownCase[]): number => {
  const numbers = new Set(own.filter(({ began }) => began === day).map(({ number }) => number));
  let number = 1;
  while (numbers.has(number)) number += 1;
  return number;
};

const nothingTold = ({ kind, began }: Case, child: string, number: number, reference: string): KnownCase => ({
  kind,
  child,
  began,
  number,
  reference,
  start: null,
  end: null,
  startHistory: false,
  endHistory: false,
  said: 0,
  toldBy: null,
});

/** The person of the council's index, where date of birth and sex are those of the file: a number alone can be another child's. */
const personOf = ({ person }: Protection, { born, sex }: Child): KnownPerson | undefined =>
  person !== undefined &&
  born !== undefined &&
  person.person.dateOfBirth?.value === born &&
  sexOf(sex) === person.person.sex
    ? person
    : undefined;

const knownCases = async (
  known: KnownRows,
  cases: readonly Case[],
  tokens: readonly string[],
): Promise<Map<string, KnownCase[]>> => {
  const found = new Map<string, KnownCase[]>();
  for (const kind of new Set(cases.map((one) => one.kind))) {
    const wanted = tokens.filter((_, index) => cases[index]?.kind === kind);
    for (const one of await known.cases(kind, [...new Set(wanted)])) {
      const key = `${kind} ${one.child}`;
      found.set(key, [...(found.get(key) ?? []), one]);
    }
  }
  return found;
};

/** Another one where a case that has moved to another date keeps this name. */
const referenceOf = ({ kind, child, began }: Case, own: readonly KnownCase[]): string => {
  const plain = `${child.id}/${SHORT[kind]}/${began}`;
  const names = new Set(own.map(({ reference }) => reference));
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? plain : `${plain}/${number}`;
    if (!names.has(name)) return name;
  }
};

/**
 * The identity of an event is the case, what is said of it and how often something was said before; its content what is said. Neither depends
 * on the file or the place of the row in it.
 */
const messageOf = ({ stated, told, before, verdict }: Prepared, part: Part, fact: Fact) => {
  const says = part === 'ended' ? { end: verdict.end } : { start: verdict.start, began: stated.began };
  const content = part === 'begun' ? says : { ...says, end: verdict.end };
  const bytes = Buffer.from(JSON.stringify(sorted(content)));
  return {
    raw: bytes,
    contentType: 'application/json',
    identity: ['returns', told.kind, told.child.scheme, told.reference, part, String(before?.said ?? 0)],
    content: bytes,
    facts: [fact],
  };
};

const sorted = (content: unknown): unknown =>
  content !== null && typeof content === 'object'
    ? Object.fromEntries(
        Object.entries(content)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, value]) => [name, sorted(value)]),
      )
    : content;

/** The children of a file, by token: in which row each was first. */
export type ChildrenInFile = ReadonlyMap<string, { row: number; child: Child }>;

/**
 * Cases of these children that partners hold as open and that the file leaves out, or says to be none; withdrawn where the council sets it so.
 * @throws RetryableError when the bus or the database cannot take it now
 */
export const leaveOut = async (
  publishing: Publishing,
  reading: Reading,
  {
    kinds,
    children,
    closed,
  }: { kinds: readonly CaseKind[]; children: ChildrenInFile; closed: readonly Closed[] },
): Promise<LeftOut[]> => {
  const { known, source } = publishing;
  const tokens = [...children.keys()];
  const gone: KnownCase[] = [];
  for (const kind of kinds)
    for (const one of await known.cases(kind, tokens))
      if (one.start && !one.end && !reading.has(kind, one.child, one.began)) gone.push(one);
  for (const { kind, child, began } of closed)
    for (const one of await known.cases(kind, [tokenOf(publishing, child)]))
      if (one.start && one.began === began) gone.push(one);
  if (publishing.withdrawsLeftOut && gone.length > 0) {
    const told = await known.children(gone.map(({ child }) => child));
    const withdrawn = gone.flatMap((one) => {
      const found = children.get(one.child);
      if (!found || !one.start) return [];
      const child = together(found.child, told.get(one.child));
      const fact = factOf('voided', {
        ...one,
        start: one.start,
        child,
        person: undefined,
        exclude: [],
        contact: publishing.contact(),
        toldAt: reading.toldAt,
        replay: one.startHistory,
      });
      const content = Buffer.from(JSON.stringify({ began: one.began, start: sorted(one.start) }));
      const identity = ['returns', one.kind, child.scheme, one.reference, 'voided', String(one.said)];
      return fact
        ? [
            {
              one,
              message: { raw: content, contentType: 'application/json', identity, content, facts: [fact] },
            },
          ]
        : [];
    });
    await Promise.all(withdrawn.map(({ message }) => source.accept(message)));
    await known.keepCases(
      withdrawn.map(({ one }) => ({ ...one, start: null, said: one.said + 1, toldBy: reading.id, was: one })),
    );
  }
  return gone.flatMap(({ kind, child }) => {
    const row = children.get(child)?.row;
    return row === undefined ? [] : [{ row, kind }];
  });
};

type Said = { part: Part; replay: boolean; fact: Fact; fate: PublishOutcome };

/** A duplicate is one that was published before a crash kept it from being remembered. */
const isPublished = ({ fate }: PublishOutcome): boolean => fate === 'published' || fate === 'duplicate';

const outcomeOf = (said: readonly Said[], prepared: Prepared | undefined, reading: Reading): RowOutcome => {
  const before = prepared?.before;
  const dead = said.map(({ fate }) => fate).find((fate) => fate.fate === 'dead-lettered');
  if (dead?.fate === 'dead-lettered')
    return { fate: 'refused', reason: `cannot be published: ${dead.reason}` };
  if (said.some(({ fate }) => isPublished(fate))) return { fate: 'published' };
  if (said.length > 0 || (prepared?.withheld && !before?.start)) return { fate: 'not-shared' };
  // Said by this reading of the file, before a crash.
  return { fate: before?.toldBy === reading.id ? 'published' : 'unchanged' };
};

/** What is to be remembered of a case: only what is on the bus counts as said. */
const keptOf = (
  { stated, child, before, number, was, verdict, told }: Prepared,
  said: readonly Said[],
  reading: Reading,
): (KnownCase & { was: CaseName })[] => {
  const done = said.filter(({ fate }) => isPublished(fate));
  if (done.length === 0) return [];
  const next: KnownCase & { was: CaseName } = {
    kind: stated.kind,
    child,
    began: stated.began,
    number,
    reference: told.reference,
    start: before?.start ?? null,
    end: before?.end ?? null,
    startHistory: before?.startHistory ?? false,
    endHistory: before?.endHistory ?? false,
    said: (before?.said ?? 0) + 1,
    toldBy: reading.id,
    was: { began: was.began, number: was.number },
  };
  for (const { part, replay } of done) {
    if (part === 'begun') Object.assign(next, { start: verdict.start, startHistory: replay });
    if (part === 'ended') Object.assign(next, { end: verdict.end, endHistory: replay });
    if (part === 'end-voided') Object.assign(next, { end: null, endHistory: false });
    if (part === 'corrected')
      Object.assign(next, {
        ...(before?.start && { start: verdict.start }),
        ...(before?.end && verdict.end && { end: verdict.end }),
      });
  }
  return [next];
};

/** What header rows say of children, to be carried by their events. Gives for each whether it told something new. */
export const rememberChildren = async (
  publishing: Publishing,
  reading: Reading,
  children: readonly Child[],
): Promise<boolean[]> => {
  const tokens = children.map((child) => tokenOf(publishing, child));
  const known = await publishing.known.children(tokens);
  const rows = children.map(({ sex, born, upn }, index) => {
    const says = {
      ...(sex !== undefined && { sex }),
      ...(born !== undefined && { born }),
      ...(upn !== undefined && { upn }),
    };
    const child = tokens[index] ?? '';
    const before = known.get(child);
    const { toldBy, ...knows } = before ?? { toldBy: null };
    const isNew = before === undefined || !same(knows, { ...knows, ...says });
    return { row: { child, ...says }, isNew, isOwn: toldBy === reading.id };
  });
  const news = rows.filter(({ isNew }) => isNew).map(({ row }) => row);
  if (news.length > 0) await publishing.known.keepChildren(news, reading.id);
  return rows.map(({ isNew, isOwn }) => isNew || isOwn);
};

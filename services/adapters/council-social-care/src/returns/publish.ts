/** Tells the bus what cases of a file add to what was said, in batches: published first, remembered afterwards. */

import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import type { Fact } from '@causeway/runtime/source/fact';
import type { PublishOutcome } from '@causeway/runtime/source/publish';
import type { Source } from '@causeway/runtime/source/source';
import type { Contact } from '@causeway/schemas/generated/types';
import { decide, type RowVerdict, renamed, same } from './decide.ts';
import { factOf, type Part, type Told } from './facts.ts';
import type { KnownCase, KnownChild, KnownRows } from './known.ts';
import type { Case, CaseKind, Child } from './stated.ts';

export type Publishing = {
  organisation: string;
  known: KnownRows;
  source: Pick<Source, 'accept'>;
  tokeniser: Tokeniser;
  contact(): Contact;
  historyDays: number;
};

/** The file that is being read. */
export type Reading = {
  /** Names this reading of this file, also after a crash. */
  id: string;
  /** When it came, RFC 3339, and the day of that. */
  toldAt: string;
  today: string;
  /** Whether the file has a case of this child that began then. */
  has(kind: CaseKind, child: string, began: string): boolean;
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
  was: string;
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
  const contact = publishing.contact();
  const taken = new Set<KnownCase>();

  const prepared = cases.map((stated, index): Prepared => {
    const child = tokens[index] ?? '';
    const own = before.get(`${stated.kind} ${child}`) ?? [];
    const same = own.find(({ began }) => began === stated.began);
    const moved = same
      ? undefined
      : renamed(
          stated,
          own.filter((one) => !taken.has(one)),
          (began) => reading.has(stated.kind, child, began),
        );
    const found = same ?? moved;
    if (found) taken.add(found);
    const verdict = decide(stated, found, reading.today, publishing.historyDays);
    const told: Told = {
      kind: stated.kind,
      child: together(stated.child, children.get(child)),
      reference: found?.reference ?? referenceOf(stated, own),
      began: stated.began,
      start: verdict.start,
      // What an end is said not to have been is what was said of it.
      end: verdict.end ?? found?.end ?? null,
      contact,
      toldAt: reading.toldAt,
      replay: false,
      ...(stated.chain !== undefined && {
        chain: tokeniser.local(organisation, 'cin-case', `${stated.child.id} ${stated.chain}`),
      }),
    };
    return { stated, child, before: found, was: found?.began ?? stated.began, verdict, told };
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
    outcomes: said.map((one, index) => outcomeOf(one, prepared[index]?.before, reading)),
    events: said.flat().flatMap(({ fact, fate }) => (isPublished(fate) ? [fact.type] : [])),
  };
};

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

type Said = { part: Part; replay: boolean; fact: Fact; fate: PublishOutcome };

/** A duplicate is one that was published before a crash kept it from being remembered. */
const isPublished = ({ fate }: PublishOutcome): boolean => fate === 'published' || fate === 'duplicate';

const outcomeOf = (said: readonly Said[], before: KnownCase | undefined, reading: Reading): RowOutcome => {
  const dead = said.map(({ fate }) => fate).find((fate) => fate.fate === 'dead-lettered');
  if (dead?.fate === 'dead-lettered')
    return { fate: 'refused', reason: `cannot be published: ${dead.reason}` };
  if (said.some(({ fate }) => isPublished(fate))) return { fate: 'published' };
  if (said.length > 0) return { fate: 'not-shared' };
  // Said by this reading of the file, before a crash.
  return { fate: before?.toldBy === reading.id ? 'published' : 'unchanged' };
};

/** What is to be remembered of a case: only what is on the bus counts as said. */
const keptOf = (
  { stated, child, before, was, verdict, told }: Prepared,
  said: readonly Said[],
  reading: Reading,
): (KnownCase & { was: string })[] => {
  const done = said.filter(({ fate }) => isPublished(fate));
  if (done.length === 0) return [];
  const next: KnownCase & { was: string } = {
    kind: stated.kind,
    child,
    began: stated.began,
    reference: told.reference,
    start: before?.start ?? null,
    end: before?.end ?? null,
    startHistory: before?.startHistory ?? false,
    endHistory: before?.endHistory ?? false,
    said: (before?.said ?? 0) + 1,
    toldBy: reading.id,
    was,
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

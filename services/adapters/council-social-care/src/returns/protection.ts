/** What must not be told of a child, wherever the council says so: in its database, or in a file. */
import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { PermanentError } from '@causeway/runtime/errors';
import { safeguardRecord, withdrawnSafeguardRecord } from '@causeway/runtime/reference-data/safeguards';
import { type LocalIdentifier, localTokens } from '@causeway/runtime/source/fact';
import type { Source } from '@causeway/runtime/source/source';
import { localOf } from '../database/person.ts';
import type { IndexedPerson, PersonIndex } from '../database/person-index.ts';
import { ADAPTER } from '../parts.ts';
import type { KnownProtection, KnownRows } from './known.ts';
import { type Case, type Child, subjectOf } from './stated.ts';

export type Protection = {
  person: IndexedPerson['person'];
  shielded: boolean;
  exclude: string[];
  /** From placement to order, and after it, nothing that is new goes out. */
  adoption: boolean;
};

export type Protecting = {
  organisation: string;
  known: Pick<KnownRows, 'protections' | 'keepProtections'>;
  source: Pick<Source, 'accept'>;
  tokeniser: Tokeniser;
  /** Absent where the council has no reporting database. */
  index: PersonIndex | undefined;
  /** The council's own number of a child from the number in a return; undefined where the two have nothing to do with each other. */
  personIdOf(id: string): string | undefined;
};

/**
 * A template such as `{person_id}` or `LAC-{person_id}`, or `none`.
 * @throws PermanentError `configuration` for anything else
 */
export const personIdReader = (template: string): ((id: string) => string | undefined) => {
  if (template === 'none') return () => undefined;
  const [before = '', after] = template.split('{person_id}');
  if (after === undefined)
    throw new PermanentError(
      'configuration',
      'COUNCIL_SOCIAL_CARE_RETURN_IDS must be none, or have {person_id} where a return has the number of the person',
    );
  return (id) =>
    id.length > before.length + after.length && id.startsWith(before) && id.endsWith(after)
      ? id.slice(before.length, id.length - after.length)
      : undefined;
};

/** The child under whatever number: a restriction in one return holds in the other where both come from the council's own number. */
const keyOf = ({ organisation, tokeniser, personIdOf }: Protecting, { scheme, id }: Child): string => {
  const personId = personIdOf(id);
  return personId === undefined
    ? tokeniser.local(organisation, scheme, id)
    : tokeniser.local(organisation, localOf(personId).scheme, personId);
};

/** Everything that is known to protect these children, in their order. @throws RetryableError where that cannot be asked now */
export const protectionsOf = async (
  protecting: Protecting,
  children: readonly Child[],
): Promise<Protection[]> => {
  const { known, index, personIdOf } = protecting;
  const keys = children.map((child) => keyOf(protecting, child));
  const remembered = await known.protections([...new Set(keys)]);
  const indexed = await index?.(children.flatMap(({ id }) => personIdOf(id) ?? []));
  return children.map(({ id }, at) => {
    const own = remembered.get(keys[at] ?? '');
    const there = indexed?.get(personIdOf(id) ?? '');
    return {
      person: there?.person,
      shielded: (own?.restricted ?? false) || (there?.shielded ?? false),
      exclude: [...new Set([...(own?.exclude ?? []), ...(there?.exclude ?? [])])],
      adoption: isInAdoption(own),
    };
  });
};

const isInAdoption = (known: KnownProtection | undefined): boolean =>
  known !== undefined && (known.adopted || known.adoptionFrom !== null);

/** What a file says that protects a child. Collected from the whole of it before any row is told. */
type Said = {
  child: Child;
  restricted?: boolean;
  exclude?: string[];
  /** When the last placement for adoption, and the last other one, began. */
  placed?: string;
  elsewhere?: string;
  adopted?: true;
};

export type Collected = Map<string, Said>;

/** Placed for adoption (A3 to A6). */
const ADOPTION_PLACEMENT = /^A[3-6]$/;
/** Adopted. */
const ADOPTION_ORDER = /^E1[12]$/;

export const isAdoption = ({ start, end }: Pick<Case, 'start' | 'end'>): boolean =>
  ADOPTION_PLACEMENT.test(start.placement ?? '') || ADOPTION_ORDER.test(end?.reason ?? '');

export const collect = (
  protecting: Protecting,
  collected: Collected,
  { cases, child }: { cases: readonly Case[]; child?: Child },
): void => {
  const of = (about: Child): Said => {
    const key = keyOf(protecting, about);
    const said = collected.get(key) ?? { child: about };
    collected.set(key, said);
    return said;
  };
  if (child?.restricted !== undefined) {
    const said = of(child);
    said.restricted = child.restricted || said.restricted === true;
  }
  if (child?.exclude !== undefined) {
    const said = of(child);
    said.exclude = [...(said.exclude ?? []), ...child.exclude];
  }
  for (const { kind, child: about, began, start, end } of cases) {
    if (kind !== 'care-episode') continue;
    const said = of(about);
    const placed = ADOPTION_PLACEMENT.test(start.placement ?? '');
    if (placed && began > (said.placed ?? '')) said.placed = began;
    if (!placed && start.placement && began > (said.elsewhere ?? '')) said.elsewhere = began;
    if (ADOPTION_ORDER.test(end?.reason ?? '')) said.adopted = true;
  }
};

/** Writes down what a file said, with the safeguards on the bus before any event of the file. */
export const protect = async (protecting: Protecting, collected: Collected, today: string): Promise<void> => {
  const before = await protecting.known.protections([...collected.keys()]);
  const changed: [string, KnownProtection][] = [];
  for (const [key, said] of collected) {
    const known = before.get(key);
    const next = nextOf(known, said);
    if (JSON.stringify(next) === JSON.stringify(known ?? NOTHING)) continue;
    if (next.restricted !== (known?.restricted ?? false))
      await register(protecting, key, said.child, next.restricted, today);
    changed.push([key, next]);
  }
  if (changed.length > 0) await protecting.known.keepProtections(new Map(changed));
};

const NOTHING: KnownProtection = { restricted: false, exclude: [], adoptionFrom: null, adopted: false };

const nextOf = (known: KnownProtection = NOTHING, said: Said): KnownProtection => {
  const from = [known.adoptionFrom, said.placed].filter((day) => day !== null && day !== undefined);
  const last = from.toSorted().at(-1) ?? null;
  // A placement for adoption that ended otherwise: the child lives somewhere else since.
  const ended = last !== null && (said.elsewhere ?? '') > last;
  return {
    restricted: said.restricted ?? known.restricted,
    exclude: said.exclude === undefined ? known.exclude : [...new Set(said.exclude)].toSorted(),
    adoptionFrom: ended ? null : last,
    adopted: known.adopted || said.adopted === true,
  };
};

const register = async (
  { organisation, tokeniser, source, personIdOf }: Protecting,
  key: string,
  { id }: Child,
  restricted: boolean,
  today: string,
): Promise<void> => {
  const reference = `returns:${key}`;
  const personId = personIdOf(id);
  const identifiers: LocalIdentifier[] = [
    subjectOf({ scheme: 'ssda903', id }),
    subjectOf({ scheme: 'cin', id }),
    ...(personId === undefined ? [] : [localOf(personId)]),
  ];
  const record = restricted
    ? safeguardRecord(organisation, {
        writer: ADAPTER,
        reference,
        kind: 'shielded',
        tokens: identifiers.flatMap((one) => localTokens(tokeniser, organisation, one)),
        since: today,
        review: `${Number(today.slice(0, 4)) + 1}${today.slice(4)}`.replace('-02-29', '-02-28'),
      })
    : withdrawnSafeguardRecord(organisation, { writer: ADAPTER, reference });
  const state = restricted ? 'restricted' : 'open';
  const content = Buffer.from(JSON.stringify({ reference, state }));
  await source.accept({
    raw: content,
    contentType: 'application/json',
    identity: ['returns', 'restriction', key, state],
    content,
    facts: [],
    registrations: [{ record, about: reference, name: `safeguard ${reference}`, state }],
  });
};

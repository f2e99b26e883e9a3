import { indexPaths, unknownPath } from '../avro/paths.ts';
import type { AvroSchema, Leaf } from '../avro/schema.ts';
import { leavesOf } from '../avro/schema.ts';
import type { EventType } from '../catalogue/catalogue.ts';
import {
  isFeedback,
  isIdentityLinked,
  RELEASED_ATTRIBUTES,
  type ReleasedAttribute,
} from '../catalogue/event-type.ts';
import type { Where } from './conditions.ts';
import { type Generaliser, PRECISIONS } from './generalisers.ts';
import type { Agreement, Found, Released } from './terms.ts';
import { alwaysReleased, formOf, type Release } from './view.ts';

/** What an agreement releases of one event type, and of a sibling the conditions in the sibling's own paths. */
export type TypeRelease = Release & { sibling?: { where: Where } };

/**
 * Expands an agreement to leaves, per event type that it releases. Siblings of a named type that the agreement does
 * not name itself follow it: the same paths where they exist. What every release holds (contact, and of a sibling what
 * it corrects and why) is among the leaves. Pin the result together with the schema's id: a block that gains a field
 * later widens nothing.
 */
export function expandAgreement(
  agreement: Agreement,
  catalogue: readonly EventType[],
): { release: Record<string, TypeRelease>; problems: Found[] } {
  const release: Record<string, TypeRelease> = {};
  const problems: Found[] = [];
  for (const [type, released] of Object.entries(agreement.release)) {
    const eventType = catalogue.find((known) => known.type === type);
    if (!eventType) {
      problems.push({ path: ['release', type], atKey: true, message: 'no such event type' });
      continue;
    }
    const never = neverNamed(type);
    if (never) {
      problems.push({ path: ['release', type], atKey: true, message: never });
      continue;
    }
    const expanded = expandReleased(eventType.schema, released);
    problems.push(
      ...expanded.problems.map(({ path, ...rest }) => ({ path: ['release', type, ...path], ...rest })),
    );
    problems.push(...checkConditions(agreement, eventType, catalogue));
    release[type] = {
      ...withAlways(eventType.schema, expanded.release),
      ...(eventType.siblingOf.length > 0 && { sibling: { where: whereOf(agreement, eventType) } }),
    };
  }
  for (const sibling of catalogue) {
    const bases = sibling.siblingOf.filter((base) => Object.hasOwn(agreement.release, base));
    if (bases.length === 0 || Object.hasOwn(release, sibling.type)) continue;
    release[sibling.type] = {
      ...siblingRelease(sibling, bases, agreement, release),
      sibling: { where: whereOf(agreement, sibling) },
    };
  }
  return { release, problems };
}

function neverNamed(type: string): string | undefined {
  if (isIdentityLinked(type)) return 'is read by the exchange and the console only and never released';
  if (isFeedback(type)) return 'needs no agreement: it goes to the organisation whose event it answers';
  return undefined;
}

/** The conditions in the paths of a sibling. What it does not have says nothing against its base. */
function whereOf({ where }: Agreement, { schema }: EventType): Where {
  const leaves = leavesOf(schema);
  return Object.fromEntries(
    Object.entries(where).flatMap(([path, values]) => {
      const leaf =
        leaves.find(({ path: own, field }) => (field.basePath ?? own) === path) ??
        leaves.find(({ path: own }) => own === path);
      return leaf ? [[leaf.path, values]] : [];
    }),
  );
}

function expandReleased(schema: AvroSchema, released: Released): { release: Release; problems: Found[] } {
  const leaves = leavesOf(schema);
  const index = indexPaths(leaves);
  const problems: Found[] = [];
  const found = new Set<string>();
  const attributes = RELEASED_ATTRIBUTES.filter((name) => released.fields.includes(name) && !index.has(name));
  for (const [position, path] of released.fields.entries()) {
    if (attributes.some((name) => name === path)) continue;
    const named = index.get(path);
    if (named) for (const leaf of named) found.add(leaf.path);
    else problems.push({ path: ['fields', position], message: unknownPath(path, index) });
  }
  const forms = new Map<string, Generaliser>();
  for (const [path, generaliser] of Object.entries(released.generalise)) {
    const problem = (message: string) => problems.push({ path: ['generalise', path], atKey: true, message });
    const named = index.get(path);
    if (!named) {
      problem(unknownPath(path, index));
    } else if (!named.every((leaf) => admits(leaf, generaliser, named.length > 1))) {
      problem(`cannot be released as ${generaliser}`);
    } else {
      for (const leaf of named) {
        if ((forms.get(leaf.path) ?? generaliser) !== generaliser) problem('has two general forms');
        forms.set(leaf.path, generaliser);
        found.add(leaf.path);
      }
    }
  }
  const inOrder = leaves.map(({ path }) => path).filter((path) => found.has(path));
  const generalise = Object.fromEntries(forms);
  return { release: { leaves: inOrder, generalise, ...given(attributes) }, problems };
}

const given = (attributes: readonly ReleasedAttribute[]) => (attributes.length > 0 ? { attributes } : {});

// A block takes a form that makes sense for everything in it: initials of a name, the year of a partial date.
function admits({ type, inArray }: Leaf, generaliser: Generaliser, inBlock: boolean): boolean {
  const date = generaliser === 'year' || generaliser === 'month';
  if (typeof type === 'object') {
    return date && !inArray && type.symbols.every((symbol) => PRECISIONS.includes(symbol));
  }
  return type === 'string' && !(inBlock && generaliser === 'outcode');
}

function checkConditions(
  agreement: Agreement,
  { type, schema, siblingOf }: EventType,
  catalogue: readonly EventType[],
): Found[] {
  const index = new Map(indexPaths(leavesOf(schema)));
  // A condition on a sibling is one on its base, whose words for it count.
  for (const base of catalogue.filter((known) => siblingOf.includes(known.type)))
    for (const [path, leaves] of indexPaths(leavesOf(base.schema)))
      if (!index.has(path)) index.set(path, leaves);
  return Object.entries(agreement.where).flatMap(([path, values]) => {
    const problem = (message: string): Found[] => [{ path: ['where', path], atKey: true, message }];
    const [leaf, ...more] = index.get(path) ?? [];
    if (!leaf) return problem(`${unknownPath(path, index)} in ${type}`);
    if (more.length > 0) return problem('is a block: a condition is on one leaf');
    const allowed =
      typeof leaf.type === 'object' ? leaf.type.symbols : leaf.type === 'boolean' ? [true, false] : [];
    if (allowed.length === 0) return problem('is neither a code nor a yes or no');
    const wrong = values.filter((value) => !allowed.some((known) => known === value));
    return wrong.length > 0 ? problem(`${wrong.join(', ')}: must be among ${allowed.join(', ')}`) : [];
  });
}

function siblingRelease(
  sibling: EventType,
  bases: readonly string[],
  agreement: Agreement,
  release: Readonly<Record<string, Release>>,
): Release {
  const leaves: string[] = [];
  const generalise: Record<string, Generaliser> = {};
  const attributes = new Set<ReleasedAttribute>();
  for (const base of bases) {
    const granted = release[base];
    if (!agreement.release[base] || !granted) continue;
    for (const attribute of granted.attributes ?? []) attributes.add(attribute);
    for (const { path, field } of leavesOf(sibling.schema)) {
      const basePath = field.basePath ?? path;
      if (!granted.leaves.includes(basePath) || leaves.includes(path)) continue;
      leaves.push(path);
      const form = formOf(granted, basePath);
      if (form) generalise[path] = form;
    }
  }
  return withAlways(sibling.schema, { leaves, generalise, ...given([...attributes]) });
}

function withAlways(schema: AvroSchema, release: Release): Release {
  const all = new Set([...release.leaves, ...alwaysReleased(schema)]);
  return {
    ...release,
    leaves: leavesOf(schema)
      .map(({ path }) => path)
      .filter((path) => all.has(path)),
  };
}

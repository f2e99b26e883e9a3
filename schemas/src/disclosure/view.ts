import type { AvroEnum, AvroField, AvroRecord, AvroSchema, AvroType, NamedTypes } from '../avro/schema.ts';
import { fullName, isArray, isEnum, isRecord, leavesOf, namedTypes, resolveType } from '../avro/schema.ts';
import type { Generalise, Generaliser } from './generalisers.ts';

/**
 * What is released of one event type: every leaf that the recipient gets, and for some of them the general form
 * in which they get it.
 */
export type Release = {
  leaves: readonly string[];
  generalise: Generalise;
  /** Attributes of the event that only an agreement releases. */
  attributes?: readonly ReleasedAttribute[];
};

/** The case chain tells of other events: an agreement names it among its fields where it is to be released. */
export const RELEASED_ATTRIBUTES = ['correlationId'] as const;
export type ReleasedAttribute = (typeof RELEASED_ATTRIBUTES)[number];

/** The general form that a release gives a leaf in, or undefined where it gives it as it is. */
export function formOf({ generalise }: Pick<Release, 'generalise'>, leaf: string): Generaliser | undefined {
  return Object.hasOwn(generalise, leaf) ? generalise[leaf] : undefined;
}

type ViewName = { recipient: string; type: string; agreements: readonly string[] };

/** The leaves that every release holds, whatever the agreement says: the contact, and what a sibling corrects and why. */
export function alwaysReleased(schema: AvroSchema): string[] {
  const always = schema.siblingOf?.length ? ['contact', 'corrects', 'reason'] : ['contact'];
  return leavesOf(schema)
    .map(({ path }) => path)
    .filter((path) => always.some((name) => path === name || path.startsWith(`${name}.`)));
}

/**
 * The Avro reader schema that lets through the released leaves and nothing else: a withheld field has no place to be.
 * Fields keep the writer's order. Every record and enum gets a name of its own with the writer's name as alias, because
 * one writer type can stand in two places and be released differently in each. A leaf in a general form is nullable.
 * @throws Error when a leaf is not in the schema, or nothing would be left of it.
 */
export function deriveView(eventSchema: AvroSchema, release: Release, name: ViewName): AvroSchema {
  const known = new Set(leavesOf(eventSchema).map(({ path }) => path));
  const unknown = [...release.leaves, ...Object.keys(release.generalise)].filter((path) => !known.has(path));
  if (unknown.length > 0) throw new Error(`not in the schema: ${unknown.join(', ')}`);
  const context: Context = {
    leaves: new Set([...release.leaves, ...alwaysReleased(eventSchema)]),
    generalise: release.generalise,
    names: namedTypes(eventSchema),
    used: new Set(),
    namespace: `uk.causeway.view.${name.recipient.replaceAll('-', '_')}`,
    root: eventSchema.name.slice(eventSchema.name.lastIndexOf('.') + 1),
  };
  const view = projectRecord(eventSchema, '', context);
  if (!view) throw new Error('the release leaves nothing');
  return {
    ...view,
    namespace: context.namespace,
    doc: `${name.type} as released to ${name.recipient} under ${name.agreements.join(', ')}`,
  };
}

type Context = {
  leaves: ReadonlySet<string>;
  generalise: Generalise;
  names: NamedTypes;
  used: Set<string>;
  namespace: string;
  root: string;
};

function projectRecord(record: AvroRecord, prefix: string, context: Context): AvroRecord | undefined {
  const name = uniqueName(prefix, context);
  const fields = record.fields.flatMap((field) => projectField(field, prefix + field.name, context) ?? []);
  if (fields.length === 0) return undefined;
  return {
    type: 'record',
    name,
    ...(record.doc && { doc: record.doc }),
    ...aliasOf(record, context),
    fields,
  };
}

function projectField(field: AvroField, path: string, context: Context): AvroField | undefined {
  const resolved = resolveType(field.type, context.names);
  if (resolved.kind === 'leaf') {
    if (!context.leaves.has(path)) return undefined;
    const type = mapNamed(field.type, context, (named) =>
      isEnum(named) ? projectEnum(named, path, context) : named,
    );
    const generaliser = formOf(context, path);
    return generaliser ? generalised(field, type, generaliser) : { ...field, type };
  }
  const projected = projectRecord(resolved.record, `${path}${resolved.inArray ? '[]' : ''}.`, context);
  return projected && { ...field, type: mapNamed(field.type, context, () => projected) };
}

// What does not parse becomes null, so the field must be able to hold null. An enum or a list never becomes null.
function generalised(field: AvroField, type: AvroType, generaliser: Generaliser): AvroField {
  const doc = `${field.doc ?? ''} Released as ${generaliser} only.`.trim();
  if (type !== 'string') return { ...field, type, doc };
  return { ...field, type: ['null', type], default: null, doc };
}

function projectEnum(named: AvroEnum, path: string, context: Context): AvroEnum {
  const { namespace: _, ...rest } = named;
  return { ...rest, name: uniqueName(path, context), ...aliasOf(named, context) };
}

function aliasOf(named: AvroRecord | AvroEnum, context: Context): { aliases: string[] } {
  for (const [name, known] of context.names) if (known === named) return { aliases: [name] };
  return { aliases: [fullName(named)] };
}

/** Replaces the record or enum inside a field's type, through `["null", T]` and arrays. */
function mapNamed(
  type: AvroType,
  context: Context,
  replace: (named: AvroRecord | AvroEnum) => AvroType,
): AvroType {
  if (Array.isArray(type)) return type.map((branch) => mapNamed(branch, context, replace));
  if (isArray(type)) return { ...type, items: mapNamed(type.items, context, replace) };
  if (isRecord(type) || isEnum(type)) return replace(type);
  const resolved = type === 'null' ? undefined : resolveType(type, context.names);
  if (resolved?.kind === 'record') return replace(resolved.record);
  if (resolved && typeof resolved.type === 'object') return replace(resolved.type);
  return type;
}

function uniqueName(path: string, context: Context): string {
  const wanted = [context.root, ...path.replaceAll('[]', '').split('.')].filter(Boolean).join('_');
  let name = wanted;
  for (let copy = 2; context.used.has(name); copy++) name = `${wanted}_${copy}`;
  context.used.add(name);
  return name;
}

/**
 * What a recipient gets when several agreements let the same event through: every leaf of each, in the most exact form
 * that one of them grants (exact, then month, then year).
 */
export function unionRelease(releases: readonly Release[]): Release | { problem: string } {
  const forms = new Map<string, Set<Generaliser | 'exact'>>();
  for (const release of releases) {
    for (const leaf of release.leaves) {
      forms.set(leaf, (forms.get(leaf) ?? new Set()).add(formOf(release, leaf) ?? 'exact'));
    }
  }
  const generalise: Record<string, Generaliser> = {};
  for (const [leaf, granted] of forms) {
    const form = mostExact(granted);
    if (form === undefined)
      return { problem: `${leaf}: ${[...granted].sort().join(' and ')} cannot be combined` };
    if (form !== 'exact') generalise[leaf] = form;
  }
  const attributes = [...new Set(releases.flatMap((release) => release.attributes ?? []))];
  return { leaves: [...forms.keys()], generalise, ...(attributes.length > 0 && { attributes }) };
}

/** What is left of a release for somebody of whom nobody may learn where he or she is. */
export function withoutLocations(release: Release, schema: AvroSchema): Release {
  const places = new Set(
    leavesOf(schema)
      .filter(({ field }) => field.sensitivity === 'location')
      .map(({ path }) => path),
  );
  const stays = (leaf: string) => !places.has(leaf);
  return {
    ...release,
    leaves: release.leaves.filter(stays),
    generalise: Object.fromEntries(Object.entries(release.generalise).filter(([leaf]) => stays(leaf))),
  };
}

function mostExact(granted: ReadonlySet<Generaliser | 'exact'>): Generaliser | 'exact' | undefined {
  const [only] = granted;
  if (granted.size === 1) return only;
  if (granted.has('exact')) return 'exact';
  return [...granted].every((form) => form === 'month' || form === 'year') ? 'month' : undefined;
}

/**
 * The first two releases, in a set that may come to pass together, whose forms cannot be combined. Any subset of the
 * set can come to pass, so each pair is tried; a set whose pairs all combine combines as a whole.
 */
export function mixtureProblem(releases: readonly Release[]): string | undefined {
  for (const [index, one] of releases.entries()) {
    for (const other of releases.slice(index + 1)) {
      const union = unionRelease([one, other]);
      if ('problem' in union) return union.problem;
    }
  }
  return undefined;
}

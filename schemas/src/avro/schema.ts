/** The subset of Avro that event schemas and views are written in (design: one record per event type). */

export type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'double' | 'string';

export type Sensitivity = 'plain' | 'identifier' | 'location' | 'special-category' | 'criminal' | 'narrative';

export type AvroField = {
  name: string;
  doc?: string;
  type: AvroType;
  default?: unknown;
  sensitivity?: Sensitivity;
  /** For strings with a fixed form: `date` or `date-time`, as in JSON Schema. */
  format?: 'date' | 'date-time';
  /** On a leaf of a sibling: the path in its base type that says the same thing, released with it. */
  basePath?: string;
};

export type AvroRecord = {
  type: 'record';
  name: string;
  namespace?: string;
  doc?: string;
  aliases?: string[];
  fields: AvroField[];
  /** On event types only: what the catalogue says about them. */
  title?: string;
  defaultPriority?: Priority;
  actBy?: ActByRule;
  siblingOf?: string[];
};

export type AvroEnum = {
  type: 'enum';
  name: string;
  namespace?: string;
  doc?: string;
  aliases?: string[];
  symbols: string[];
  default?: string;
};

export type AvroArray = { type: 'array'; items: AvroType };

/** A name stands for a type defined earlier in the same schema; the only union is `["null", T]`. */
export type AvroType = AvroPrimitive | string | AvroRecord | AvroEnum | AvroArray | AvroType[];

/** An event type or a view: always one record that holds everything it refers to. */
export type AvroSchema = AvroRecord;

export type Priority = 'immediate' | 'urgent' | 'same-day' | 'routine';

/**
 * By when an event must have been acted on, counted from when it happened: `within` an ISO 8601 duration of hours or days, or
 * `before` the next school day begins.
 */
export type Deadline = (
  | { within: string; counted: 'elapsed' | 'working-hours' | 'working-days' }
  | { before: 'next-school-day' }
) & { priority?: Priority };

/** One deadline for every event of the type, or by the value of a code in it. A deadline may set the priority too. */
export type ActByRule = Deadline | { by: string; cases: Record<string, Deadline> };

export const PRIMITIVES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'double',
  'string',
] satisfies AvroPrimitive[]);

/** What a field holds, with names looked up and the nullable union taken apart. */
export type ResolvedType =
  | { kind: 'record'; record: AvroRecord; nullable: boolean; inArray: boolean }
  | { kind: 'leaf'; type: AvroPrimitive | AvroEnum; nullable: boolean; inArray: boolean };

export type NamedTypes = ReadonlyMap<string, AvroRecord | AvroEnum>;

/** The full Avro name: namespace and name with a dot, or the name where it holds a dot already. */
export function fullName(named: { name: string; namespace?: string }, enclosing?: string): string {
  if (named.name.includes('.')) return named.name;
  const namespace = named.namespace ?? enclosing;
  return namespace ? `${namespace}.${named.name}` : named.name;
}

/** The namespace part of a full name, or undefined. */
export function namespaceOf(name: string): string | undefined {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? undefined : name.slice(0, dot);
}

export function isRecord(type: AvroType): type is AvroRecord {
  return typeof type === 'object' && !Array.isArray(type) && type.type === 'record';
}

export function isEnum(type: AvroType): type is AvroEnum {
  return typeof type === 'object' && !Array.isArray(type) && type.type === 'enum';
}

export function isArray(type: AvroType): type is AvroArray {
  return typeof type === 'object' && !Array.isArray(type) && type.type === 'array';
}

/** Every record and enum that the schema defines, by full name. */
export function namedTypes(schema: AvroSchema): NamedTypes {
  const names = new Map<string, AvroRecord | AvroEnum>();
  collect(schema, undefined, names);
  return names;
}

function collect(
  type: AvroType,
  enclosing: string | undefined,
  names: Map<string, AvroRecord | AvroEnum>,
): void {
  if (typeof type === 'string') return;
  if (Array.isArray(type)) {
    for (const branch of type) collect(branch, enclosing, names);
  } else if (type.type === 'array') {
    collect(type.items, enclosing, names);
  } else if (isRecord(type) || isEnum(type)) {
    const name = fullName(type, enclosing);
    names.set(name, type);
    if (type.type === 'record') {
      for (const field of type.fields) collect(field.type, namespaceOf(name), names);
    }
  }
}

/**
 * Takes a field's type apart.
 * @throws Error for a type outside the subset or an unknown name; `checkSchema` reports those as problems.
 */
export function resolveType(type: AvroType, names: NamedTypes): ResolvedType {
  if (Array.isArray(type)) {
    const [first, second] = type;
    if (type.length !== 2 || first !== 'null' || second === undefined || Array.isArray(second)) {
      throw new Error('the only union allowed is ["null", T]');
    }
    return { ...resolveType(second, names), nullable: true };
  }
  if (isArray(type)) {
    const items = resolveType(type.items, names);
    if (items.nullable || items.inArray) throw new Error('items of an array are neither nullable nor arrays');
    return { ...items, inArray: true };
  }
  if (isRecord(type)) return { kind: 'record', record: type, nullable: false, inArray: false };
  if (isEnum(type)) return { kind: 'leaf', type, nullable: false, inArray: false };
  if (isPrimitive(type)) return { kind: 'leaf', type, nullable: false, inArray: false };
  if (typeof type === 'string') {
    const named = names.get(type) ?? bySimpleName(type, names);
    if (named) return resolveType(named, names);
    throw new Error(`unknown type ${type}`);
  }
  throw new Error('a type outside the subset');
}

function isPrimitive(type: AvroType): type is AvroPrimitive {
  return typeof type === 'string' && PRIMITIVES.has(type);
}

// A name without a namespace refers to its own namespace; our schemas never use one simple name twice.
function bySimpleName(name: string, names: NamedTypes): AvroRecord | AvroEnum | undefined {
  if (name.includes('.')) return undefined;
  for (const [full, named] of names) {
    if (full.endsWith(`.${name}`)) return named;
  }
  return undefined;
}

/** One leaf of a schema. Arrays of records add `[]` to the path; an array of plain values is one leaf. */
export type Leaf = {
  path: string;
  field: AvroField;
  type: AvroPrimitive | AvroEnum;
  nullable: boolean;
  inArray: boolean;
};

/** Every leaf in writer order. */
export function leavesOf(schema: AvroSchema): Leaf[] {
  return leavesOfRecord(schema, '', namedTypes(schema));
}

function leavesOfRecord(record: AvroRecord, prefix: string, names: NamedTypes): Leaf[] {
  return record.fields.flatMap((field) => {
    const path = prefix + field.name;
    const resolved = resolveType(field.type, names);
    if (resolved.kind === 'record') {
      return leavesOfRecord(resolved.record, `${path}${resolved.inArray ? '[]' : ''}.`, names);
    }
    return [{ path, field, type: resolved.type, nullable: resolved.nullable, inArray: resolved.inArray }];
  });
}

import type { AvroEnum, AvroField, AvroRecord, AvroSchema, AvroType, NamedTypes } from './avro-schema.ts';
import { fullName, isArray, isEnum, isRecord, namedTypes, PRIMITIVES, resolveType } from './avro-schema.ts';

const SENSITIVITIES: ReadonlySet<string> = new Set([
  'plain',
  'identifier',
  'location',
  'special-category',
  'criminal',
  'narrative',
]);
const CONTACT = 'uk.causeway.common.Contact';
const FIELD_NAME = /^[a-z][A-Za-z0-9]*$/;

/**
 * What breaks the rules that every event schema obeys, as sentences with the path of the field.
 * The rules exist so that views, agreements and old readers keep working; an empty list means none is broken.
 */
export function checkSchema(schema: AvroSchema): string[] {
  const names = namedTypes(schema);
  return [...checkRecord(schema, '', names, []), ...checkEvent(schema, names)];
}

function checkEvent(schema: AvroSchema, names: NamedTypes): string[] {
  const problems: string[] = [];
  const contact = schema.fields.find((field) => field.name === 'contact');
  if (!contact || referredName(contact.type, names) !== CONTACT) {
    problems.push(`contact: every event has a ${CONTACT}, so that somebody can ring back`);
  }
  if (schema.siblingOf?.length) {
    for (const name of ['corrects', 'reason']) {
      if (!schema.fields.some((field) => field.name === name)) problems.push(`${name}: every sibling has it`);
    }
  }
  return problems;
}

function referredName(type: AvroType, names: NamedTypes): string | undefined {
  if (typeof type === 'string') return type;
  for (const [name, named] of names) if (named === type) return name;
  return undefined;
}

function checkRecord(record: AvroRecord, prefix: string, names: NamedTypes, above: AvroRecord[]): string[] {
  if (above.includes(record)) return [`${prefix}: a record inside itself has no end`];
  const problems = record.doc ? [] : [`${prefix || record.name}: the record has no doc`];
  const seen = new Set<string>();
  for (const field of record.fields) {
    const path = prefix + field.name;
    if (!FIELD_NAME.test(field.name)) problems.push(`${path}: field names are camelCase`);
    if (seen.has(field.name)) problems.push(`${path}: the name is used twice`);
    seen.add(field.name);
    problems.push(...checkField(field, path, names, [...above, record]));
  }
  return problems;
}

function checkField(field: AvroField, path: string, names: NamedTypes, above: AvroRecord[]): string[] {
  const problems = [...checkNullable(field, path), ...checkKinds(field.type, path)];
  if (problems.length > 0) return problems;
  let resolved: ReturnType<typeof resolveType>;
  try {
    resolved = resolveType(field.type, names);
  } catch (error) {
    return [`${path}: ${error instanceof Error ? error.message : 'cannot be read'}`];
  }
  if (resolved.kind === 'record') {
    if (resolved.inArray && resolved.record.fields.some(({ name }) => name === 'role')) {
      problems.push(`${path}: one field per role, never a list of parties with a role inside`);
    }
    const inner = `${path}${resolved.inArray ? '[]' : ''}.`;
    return [...problems, ...checkRecord(resolved.record, inner, names, above)];
  }
  if (!field.doc) problems.push(`${path}: the leaf has no doc`);
  if (!field.sensitivity || !SENSITIVITIES.has(field.sensitivity)) {
    problems.push(`${path}: sensitivity is one of ${[...SENSITIVITIES].join(', ')}`);
  }
  if (field.name.endsWith('At') && field.format !== 'date-time') {
    problems.push(`${path}: a time is a string with format date-time`);
  }
  if (field.format && resolved.type !== 'string') problems.push(`${path}: only a string has a format`);
  if (typeof resolved.type === 'object') problems.push(...checkEnum(resolved.type, path));
  return problems;
}

// Removing a nullable field's default, or giving another field one, would make the registry's verdict
// and ours differ, so the form is fixed.
function checkNullable(field: AvroField, path: string): string[] {
  if (Array.isArray(field.type)) {
    const [first, second] = field.type;
    if (field.type.length !== 2 || first !== 'null' || second === undefined || second === 'null') {
      return [`${path}: the only union allowed is ["null", T]`];
    }
    return field.default === null ? [] : [`${path}: a nullable field has the default null`];
  }
  return field.default === undefined ? [] : [`${path}: only a nullable field has a default`];
}

function checkKinds(type: AvroType, path: string): string[] {
  if (Array.isArray(type)) return type.flatMap((branch) => checkKinds(branch, path));
  if (typeof type === 'string' || isRecord(type) || isEnum(type)) return [];
  if (isArray(type)) {
    return Array.isArray(type.items)
      ? [`${path}: items of an array are not nullable`]
      : checkKinds(type.items, path);
  }
  return [`${path}: only ${[...PRIMITIVES].join(', ')}, records, enums and arrays are allowed`];
}

function checkEnum(type: AvroEnum, path: string): string[] {
  const problems: string[] = [];
  const name = fullName(type);
  if (type.default !== 'UNKNOWN' || !type.symbols.includes('UNKNOWN')) {
    problems.push(`${path}: the enum ${name} has the symbol and the default UNKNOWN`);
  }
  if (!type.doc) problems.push(`${path}: the enum ${name} has no doc`);
  if (new Set(type.symbols).size !== type.symbols.length) problems.push(`${path}: ${name} repeats a symbol`);
  return problems;
}

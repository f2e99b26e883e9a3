import type {
  AvroEnum,
  AvroField,
  AvroPrimitive,
  AvroRecord,
  AvroSchema,
  AvroType,
  NamedTypes,
  Sensitivity,
} from '../avro/schema.ts';
import {
  fullName,
  isArray,
  isEnum,
  isRecord,
  leavesOf,
  namedTypes,
  PRIMITIVES,
  resolveType,
} from '../avro/schema.ts';
import { RELEASED_ATTRIBUTES } from '../disclosure/view.ts';

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

const PERSON = 'uk.causeway.common.Person';
const PERSON_CATEGORY = 'uk.causeway.common.PersonCategory';
/** Words that say that something happened, but not what (after the naming rule of NHS Notify). */
const VAGUE = /^(completed|finished|updated|changed|processed|handled|status|started|failed)$/;
/** What a field with such a name holds, whatever its author thought. */
const BY_NAME: readonly (readonly [RegExp, Sensitivity])[] = [
  [
    /^(site|ward|clinic|school|generalPractice|postcode|uprn)$|(Site|Ward|Area|Postcode|Authority|Place)$|^where|^placeOf/,
    'location',
  ],
  [
    /^(circumstances|summary|description|allegation|voice|cause|advice|careNeeds)$|Complaint$|Wishes$/,
    'narrative',
  ],
  [/(nhsNumber|hospitalNumber|upn|localId|visitId|caseReference)$/, 'identifier'],
  [/^(pncId|cro)$/, 'criminal'],
];

/**
 * What breaks the rules for a published event type beside those for its schema, as sentences. Feedback and links between
 * identities name no person; every other event is about one, and police events tell fact from opinion.
 */
export function checkEventType(type: string, schema: AvroSchema): string[] {
  const [, , domain = '', ...fact] = type.split('.');
  const names = namedTypes(schema);
  const needed: [string, string][] = [];
  if (domain !== 'exchange' && !type.includes('.identity.linked.')) {
    needed.push(['person', PERSON], ['personCategory', PERSON_CATEGORY]);
  }
  if (domain === 'police') {
    needed.push(['assertionKind', 'uk.causeway.police.AssertionKind']);
    needed.push(['dataSubjectCategory', 'uk.causeway.police.DataSubjectCategory']);
  }
  const missing = needed.filter(([name, wanted]) => {
    const field = schema.fields.find((each) => each.name === name);
    return !field || referredName(field.type, names) !== wanted;
  });
  return [
    ...missing.map(([name, wanted]) => `${name}: a ${wanted}, not nullable`),
    ...(VAGUE.test(fact.at(-2) ?? '') ? ['the name says that something happened, but not what'] : []),
    ...(/\.voided\.v\d+$/.test(type) && !schema.fields.some(({ name }) => name === 'voids')
      ? ['voids: what is withdrawn stands also where the id of the event is not known']
      : []),
    ...leavesOf(schema).flatMap(({ path, field, type: leaf }) => checkName(path, field, leaf)),
  ];
}

function checkName(path: string, field: AvroField, leaf: AvroPrimitive | AvroEnum): string[] {
  const wanted = BY_NAME.find(([pattern]) => pattern.test(field.name))?.[1];
  // A code says less than a text of that name would.
  if (!wanted || leaf !== 'string' || field.sensitivity === wanted) return [];
  return [`${path}: a field of this name is ${wanted}`];
}

function checkEvent(schema: AvroSchema, names: NamedTypes): string[] {
  const problems: string[] = [];
  const contact = schema.fields.find((field) => field.name === 'contact');
  if (!contact || referredName(contact.type, names) !== CONTACT) {
    problems.push(`contact: every event has a ${CONTACT}, so that recipients can ring back`);
  }
  for (const name of RELEASED_ATTRIBUTES)
    if (schema.fields.some((field) => field.name === name))
      problems.push(`${name}: is an attribute of every event and no field of one`);
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
  if (/(Date|On)$/.test(field.name) && resolved.type === 'string' && field.format !== 'date') {
    problems.push(`${path}: a date is a string with format date`);
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

import type { AvroRecord, AvroSchema, ResolvedType } from './schema.ts';
import { fullName, namedTypes, resolveType } from './schema.ts';

/**
 * What a new version of an event schema breaks. Views are old readers of new data and new readers of old data, so only
 * nullable fields and enum symbols are added and nothing is removed or changed. The registry's FULL_TRANSITIVE accepts
 * the removal of a nullable field; this check does not. Compare with every earlier version.
 */
export function compatibilityProblems(older: AvroSchema, newer: AvroSchema): string[] {
  const context = { older: namedTypes(older), newer: namedTypes(newer) };
  return compareRecords(older, newer, '', context);
}

type Names = { older: ReturnType<typeof namedTypes>; newer: ReturnType<typeof namedTypes> };

function compareRecords(older: AvroRecord, newer: AvroRecord, prefix: string, names: Names): string[] {
  const problems: string[] = [];
  const [before, after] = [nameIn(older, names.older), nameIn(newer, names.newer)];
  if (before !== after) problems.push(`${prefix || before}: ${before} became ${after}`);
  for (const field of older.fields) {
    const path = prefix + field.name;
    const kept = newer.fields.find(({ name }) => name === field.name);
    if (!kept) {
      problems.push(`${path}: a field is never removed`);
      continue;
    }
    const was = resolveType(field.type, names.older);
    const is = resolveType(kept.type, names.newer);
    problems.push(...compareTypes(was, is, path, names));
  }
  for (const field of newer.fields) {
    if (older.fields.some(({ name }) => name === field.name)) continue;
    if (!Array.isArray(field.type) || field.default !== null) {
      problems.push(`${prefix}${field.name}: only a nullable field with the default null is added`);
    }
  }
  return problems;
}

function compareTypes(was: ResolvedType, is: ResolvedType, path: string, names: Names): string[] {
  const problems: string[] = [];
  if (was.nullable !== is.nullable) problems.push(`${path}: nullable stays nullable, and only that`);
  if (was.inArray !== is.inArray) problems.push(`${path}: a list stays a list, and only that`);
  if (was.kind === 'record' && is.kind === 'record') {
    return [
      ...problems,
      ...compareRecords(was.record, is.record, `${path}${was.inArray ? '[]' : ''}.`, names),
    ];
  }
  if (was.kind !== 'leaf' || is.kind !== 'leaf') return [...problems, `${path}: changed its type`];
  if (typeof was.type === 'string' || typeof is.type === 'string') {
    return was.type === is.type ? problems : [...problems, `${path}: changed its type`];
  }
  const [before, after] = [nameIn(was.type, names.older), nameIn(is.type, names.newer)];
  if (before !== after) problems.push(`${path}: ${before} became ${after}`);
  const symbols = new Set(is.type.symbols);
  const gone = was.type.symbols.filter((symbol) => !symbols.has(symbol));
  if (gone.length > 0) problems.push(`${path}: the symbols ${gone.join(', ')} are never removed`);
  if (was.type.default !== is.type.default) problems.push(`${path}: the default symbol changed`);
  return problems;
}

function nameIn(type: { name: string; namespace?: string }, names: Names['older']): string {
  for (const [name, known] of names) if (known === type) return name;
  return fullName(type);
}

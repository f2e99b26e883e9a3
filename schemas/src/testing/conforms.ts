import type { AvroEnum, AvroRecord, AvroSchema, AvroType, NamedTypes } from '../avro/schema.ts';
import { namedTypes, resolveType } from '../avro/schema.ts';
import { isFullDate } from '../dates/partial-dates.ts';

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Where a decoded value is not what its schema says, as paths; fields that the schema does not know included. */
export function misfits(schema: AvroSchema, value: unknown): string[] {
  return misfitsOfRecord(schema, value, '', namedTypes(schema));
}

function misfitsOfRecord(record: AvroRecord, value: unknown, prefix: string, names: NamedTypes): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [prefix];
  const held = value as Record<string, unknown>;
  const unknown = Object.keys(held).filter((key) => !record.fields.some(({ name }) => name === key));
  return [
    ...unknown.map((key) => prefix + key),
    ...record.fields.flatMap(({ name, type, format }) => {
      const path = prefix + name;
      const inner = held[name] ?? null;
      if (format === 'date' && typeof inner === 'string' && !isFullDate(inner)) return [path];
      if (format === 'date-time' && typeof inner === 'string' && !DATE_TIME.test(inner)) return [path];
      return misfitsOfType(type, inner, path, names);
    }),
  ];
}

function misfitsOfType(type: AvroType, value: unknown, path: string, names: NamedTypes): string[] {
  const resolved = resolveType(type, names);
  if (value === null) return resolved.nullable ? [] : [path];
  if (resolved.inArray !== Array.isArray(value)) return [path];
  const items: unknown[] = Array.isArray(value) ? value : [value];
  return items.flatMap((item) => {
    if (resolved.kind === 'record') return misfitsOfRecord(resolved.record, item, `${path}.`, names);
    return fits(resolved.type, item) ? [] : [path];
  });
}

function fits(type: AvroEnum | string, value: unknown): boolean {
  if (typeof type === 'object') return typeof value === 'string' && type.symbols.includes(value);
  if (type === 'string' || type === 'boolean') return typeof value === type;
  return typeof value === 'number' && (type === 'double' || Number.isSafeInteger(value));
}

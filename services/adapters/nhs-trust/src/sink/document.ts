/** An event as plain text for a clinician: generically from its schema, so that a new event type needs no work here. */
import {
  type AvroArray,
  type AvroEnum,
  type AvroRecord,
  type AvroSchema,
  type AvroType,
  fullName,
} from '@causeway/schemas/avro/schema';

type Named = Map<string, AvroRecord | AvroEnum>;

/** What the event says, one line for each thing that is known; what was not released has no place in the schema. */
export const documentLines = (schema: AvroSchema, data: unknown): string[] => {
  const named: Named = new Map();
  remember(schema, named);
  return recordLines(schema, data, named, 0);
};

const recordLines = (record: AvroRecord, data: unknown, named: Named, depth: number): string[] => {
  if (typeof data !== 'object' || data === null) return [];
  const values = data as Record<string, unknown>;
  return record.fields.flatMap(({ name, type }) =>
    valueLines(labelOf(name), type, values[name], named, depth),
  );
};

const valueLines = (label: string, type: AvroType, value: unknown, named: Named, depth: number): string[] => {
  if (value === null || value === undefined) return [];
  const of = resolve(type, named);
  const indent = '  '.repeat(depth);
  if (Array.isArray(value)) {
    const items = typeof of === 'object' && !Array.isArray(of) && of.type === 'array' ? of.items : 'string';
    if (value.every((item) => typeof item !== 'object'))
      return value.length === 0
        ? []
        : [`${indent}${label}: ${value.map((item) => textOf(item, items, named)).join(', ')}`];
    return value.flatMap((item, index) => valueLines(`${label} ${index + 1}`, items, item, named, depth));
  }
  if (isRecord(of)) {
    const plain = soleValue(of, value);
    if (plain !== undefined) return [`${indent}${label}: ${plain}`];
    const inner = recordLines(of, value, named, depth + 1);
    return inner.length === 0 ? [] : [`${indent}${label}:`, ...inner];
  }
  return [`${indent}${label}: ${textOf(value, type, named)}`];
};

/** A date with its precision, and the like: the value says it all. */
const soleValue = (record: AvroRecord, data: unknown): string | undefined => {
  const { value } = data as { value?: unknown };
  const names = record.fields.map(({ name }) => name);
  return names.includes('value') && names.every((name) => name === 'value' || name === 'precision')
    ? String(value ?? 'not known')
    : undefined;
};

const textOf = (value: unknown, type: AvroType, named: Named): string => {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  const of = resolve(type, named);
  const isEnum = typeof of === 'object' && !Array.isArray(of) && of.type === 'enum';
  if (isEnum) return value === 'UNKNOWN' ? 'not known' : String(value).replaceAll('_', ' ');
  return String(value);
};

/** `lastSeenArea` is `Last seen area`, `nhsNumber` is `NHS number`. */
const labelOf = (name: string): string => {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
    .replace(/\bnhs\b/i, 'NHS')
    .replace(/\b(upn|uprn|cro|dpia)\b/i, (word) => word.toUpperCase())
    .replace(/\bpnc\b/i, 'PNC');
};

const resolve = (type: AvroType, named: Named): AvroRecord | AvroEnum | AvroArray | string | AvroType[] => {
  const inner = Array.isArray(type) ? (type.find((branch) => branch !== 'null') ?? 'null') : type;
  return typeof inner === 'string' ? (named.get(inner) ?? inner) : inner;
};

const isRecord = (type: unknown): type is AvroRecord =>
  typeof type === 'object' && type !== null && 'type' in type && type.type === 'record';

/** Types are written out where they are used first, and named from then on. */
const remember = (type: AvroType, named: Named, enclosing?: string): void => {
  if (typeof type === 'string') return;
  if (Array.isArray(type)) {
    for (const branch of type) remember(branch, named, enclosing);
    return;
  }
  if (type.type === 'array') {
    remember(type.items, named, enclosing);
    return;
  }
  const name = fullName(type, enclosing);
  named.set(name, type);
  named.set(type.name, type);
  const namespace = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  if (type.type === 'record') for (const field of type.fields) remember(field.type, named, namespace);
};

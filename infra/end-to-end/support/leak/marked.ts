import {
  type AvroEnum,
  type AvroPrimitive,
  type AvroRecord,
  type AvroSchema,
  type AvroType,
  isArray,
  isEnum,
  isRecord,
  type NamedTypes,
  namedTypes,
  resolveType,
} from '@causeway/schemas/avro/schema';

/** Numbers from 0 to 1, the same for the same seed (mulberry32): a failing case is found again. */
export const randomFrom = (seed: number) => {
  let state = seed | 0;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

export type Random = () => number;

/** Where a value of a leaf would be found again: as text, and as Avro writes it. */
export type Marker = { path: string; texts: string[] };

type Marked = { data: Record<string, unknown>; markers: Marker[] };

let count = 0;

/** A value of the schema in which every leaf is found again: nothing else in the world has the same text or bytes. */
export const markedValue = (schema: AvroSchema, random: Random): Marked => {
  const names = namedTypes(schema);
  const markers: Marker[] = [];
  const ofRecord = (record: AvroRecord, prefix: string): Record<string, unknown> =>
    Object.fromEntries(
      record.fields.map((field) => [field.name, ofType(field.type, prefix + field.name, names)]),
    );
  const ofType = (type: AvroType, path: string, known: NamedTypes): unknown => {
    const resolved = resolveType(type, known);
    if (resolved.nullable && random() < 0.15) return null;
    const one = () => {
      if (resolved.kind === 'record')
        return ofRecord(resolved.record, `${path}${resolved.inArray ? '[]' : ''}.`);
      const { value, texts } = leafOf(resolved.type, random);
      markers.push({ path, texts });
      return value;
    };
    return resolved.inArray ? Array.from({ length: Math.floor(random() * 3) }, one) : one();
  };
  return { data: ofRecord(schema, ''), markers };
};

const leafOf = (type: AvroPrimitive | AvroEnum, random: Random): { value: unknown; texts: string[] } => {
  count += 1;
  if (typeof type === 'object') {
    const symbol = type.symbols[Math.floor(random() * type.symbols.length)] ?? 'UNKNOWN';
    return { value: symbol, texts: symbol === 'UNKNOWN' ? [] : [symbol] };
  }
  if (type === 'boolean') return { value: random() < 0.5, texts: [] };
  if (type === 'string') {
    const dated = `${1950 + (count % 70)}-0${1 + (count % 9)}-11T10:00:00.${String(count).padStart(9, '0')}Z`;
    const word = `Zq${count.toString(36).padStart(5, '0')}${Math.floor(random() * 2 ** 30).toString(36)}`;
    const value = random() < 0.3 ? dated : word;
    return { value, texts: [value] };
  }
  if (type === 'double') {
    const value = count + random();
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return { value, texts: [String(value), bytes.toString('latin1')] };
  }
  const value = type === 'int' ? 2 ** 29 + count : 2 ** 45 + count;
  return { value, texts: [String(value), zigzag(value)] };
};

/** A positive integer as Avro writes it. */
const zigzag = (value: number): string => {
  const bytes: number[] = [];
  let rest = BigInt(value) * 2n;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return String.fromCharCode(...bytes, Number(rest));
};

/** Changes every definition in a schema. */
const mapDefinitions = (
  schema: AvroSchema,
  change: { record(record: AvroRecord): AvroRecord; symbols(named: AvroEnum): string[] },
): AvroSchema => {
  const ofType = (type: AvroType): AvroType => {
    if (Array.isArray(type)) return type.map(ofType);
    if (isArray(type)) return { ...type, items: ofType(type.items) };
    if (isEnum(type)) return { ...type, symbols: change.symbols(type) };
    return isRecord(type) ? ofRecord(type) : type;
  };
  const ofRecord = (record: AvroRecord): AvroRecord =>
    change.record({
      ...record,
      fields: record.fields.map((field) => ({ ...field, type: ofType(field.type) })),
    });
  return ofRecord(schema);
};

/** The same schema with symbols that are found again. */
export const withMarkedSymbols = (schema: AvroSchema): AvroSchema =>
  mapDefinitions(schema, {
    symbols: ({ name, symbols }) => symbols.map((one) => (one === 'UNKNOWN' ? one : `Sy_${name}_${one}`)),
    record: (record) => record,
  });

/** What every release holds can be no place. */
const ALWAYS = new Set(['contact', 'corrects', 'reason']);

/** The same schema with a place in every third field. */
export const withPlaces = (schema: AvroSchema): AvroSchema => {
  let fields = 0;
  return mapDefinitions(schema, {
    symbols: ({ symbols }) => symbols,
    record: (record) => ({
      ...record,
      fields: record.fields.map((field) => {
        fields += 1;
        const isPlace = fields % 3 === 0 && !ALWAYS.has(field.name) && record.name !== 'Contact';
        return isPlace ? { ...field, sensitivity: 'location' as const } : field;
      }),
    }),
  });
};

/** A later version of the schema: each record has one more field, each enum one more symbol. */
export const evolved = (schema: AvroSchema): AvroSchema =>
  mapDefinitions(schema, {
    symbols: ({ name, symbols }) => [...symbols, `Sy_${name}_later`],
    record: (record) => ({
      ...record,
      fields: [
        ...record.fields,
        { name: 'later', type: ['null', 'string'], default: null, doc: 'Later.', sensitivity: 'plain' },
      ],
    }),
  });

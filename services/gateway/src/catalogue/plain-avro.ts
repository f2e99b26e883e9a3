import type { AvroSchema } from '@causeway/schemas/avro/schema';

const KNOWN = new Set(['type', 'name', 'namespace', 'doc', 'fields', 'symbols', 'default', 'items']);

/** A schema as the Avro specification has it, without the attributes that are ours and without aliases: a reader needs neither, and some tools refuse them. */
export const plainAvro = (schema: AvroSchema): unknown => plain(schema);

const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => KNOWN.has(name))
      .map(([name, inner]) => [name, name === 'default' ? inner : plain(inner)]),
  );
};

import fc from 'fast-check';
import type { AvroEnum, AvroField, AvroRecord, AvroSchema, AvroType, NamedTypes } from '../avro/schema.ts';
import { namedTypes, resolveType } from '../avro/schema.ts';

/** Random schemas and values for property tests: everything the subset allows, one record used several times included. */

type Holder = { nullable: boolean; list: boolean };
type Shape = Holder &
  (
    | { kind: 'plain'; type: 'string' | 'boolean' | 'int' | 'long' | 'double' }
    | { kind: 'enum'; symbols: number }
    | { kind: 'shared' }
    | { kind: 'record'; fields: Shape[] }
  );

const NAMESPACE = 'uk.causeway.random';

const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({
      kind: fc.constant('plain' as const),
      type: fc.constantFrom('string', 'string', 'boolean', 'int', 'long', 'double'),
      nullable: fc.boolean(),
      list: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('enum' as const),
      symbols: fc.integer({ min: 1, max: 4 }),
      nullable: fc.boolean(),
      list: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('shared' as const), nullable: fc.boolean(), list: fc.boolean() }),
    fc.record({
      kind: fc.constant('record' as const),
      fields: fc.array(tie('shape'), { minLength: 1, maxLength: 4 }),
      nullable: fc.boolean(),
      list: fc.boolean(),
    }),
  ),
}));

/** An event schema that obeys the rules, with `contact` and, for a sibling, `corrects` and `reason`. */
export const arbitrarySchema: fc.Arbitrary<AvroSchema> = fc
  .record({ shapes: fc.array(shape, { minLength: 1, maxLength: 6 }), sibling: fc.boolean() })
  .map(({ shapes, sibling }) => buildSchema(shapes, sibling));

function buildSchema(shapes: readonly Shape[], sibling: boolean): AvroSchema {
  let names = 0;
  let sharedDefined = false;
  const typeOf = (given: Shape): AvroType => {
    switch (given.kind) {
      case 'plain':
        return given.type;
      case 'enum':
        return arbitraryEnum(`Enum${names++}`, given.symbols);
      case 'shared': {
        if (sharedDefined) return `${NAMESPACE}.Shared`;
        sharedDefined = true;
        return sharedRecord();
      }
      case 'record':
        return record(`Record${names++}`, fieldsOf(given.fields));
    }
  };
  const fieldsOf = (given: readonly Shape[]): AvroField[] =>
    given.map((inner, index) => {
      const items = typeOf(inner);
      const held: AvroType = inner.list ? { type: 'array', items } : items;
      return leafField(`field${index}`, inner.nullable ? ['null', held] : held);
    });
  const contact = record('Contact', [leafField('organisation', 'string')], 'uk.causeway.common');
  const fields = [...fieldsOf(shapes), leafField('contact', contact)];
  if (sibling) {
    fields.push(leafField('corrects', ['null', 'string']), leafField('reason', arbitraryEnum('Reason', 2)));
  }
  const root = record('RandomEventV1', fields);
  return sibling ? { ...root, siblingOf: ['uk.causeway.random.event.recorded.v1'] } : root;
}

function sharedRecord(): AvroRecord {
  const kind = arbitraryEnum('SharedKind', 2);
  return record('Shared', [
    leafField('name', 'string'),
    leafField('kind', kind),
    leafField('again', ['null', `${NAMESPACE}.SharedKind`]),
  ]);
}

function record(name: string, fields: AvroField[], namespace = NAMESPACE): AvroRecord {
  return { type: 'record', name, namespace, doc: 'Random.', fields };
}

function arbitraryEnum(name: string, symbols: number): AvroEnum {
  const named = Array.from({ length: symbols }, (_, index) => `symbol${index}`);
  return {
    type: 'enum',
    name,
    namespace: NAMESPACE,
    doc: 'Random.',
    symbols: [...named, 'UNKNOWN'],
    default: 'UNKNOWN',
  };
}

function leafField(name: string, type: AvroType): AvroField {
  const field: AvroField = { name, type, doc: 'Random.', sensitivity: 'plain' };
  return Array.isArray(type) ? { ...field, default: null } : field;
}

/** Decoded values of a schema; every string is drawn from `text`. */
export function arbitraryValue(
  schema: AvroSchema,
  text: fc.Arbitrary<string> = fc.string(),
): fc.Arbitrary<Record<string, unknown>> {
  return valueOfRecord(schema, namedTypes(schema), text);
}

function valueOfRecord(
  given: AvroRecord,
  names: NamedTypes,
  text: fc.Arbitrary<string>,
): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(given.fields.map((field) => [field.name, valueOfType(field.type, names, text)])),
  );
}

function valueOfType(type: AvroType, names: NamedTypes, text: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const resolved = resolveType(type, names);
  const single =
    resolved.kind === 'record'
      ? valueOfRecord(resolved.record, names, text)
      : valueOfLeaf(resolved.type, text);
  const held = resolved.inArray ? fc.array(single, { maxLength: 3 }) : single;
  return resolved.nullable ? fc.option(held) : held;
}

function valueOfLeaf(type: AvroEnum | string, text: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  if (typeof type === 'object') return fc.constantFrom(...type.symbols);
  if (type === 'string') return text;
  if (type === 'boolean') return fc.boolean();
  return type === 'double' ? fc.double({ noNaN: true }) : fc.integer();
}

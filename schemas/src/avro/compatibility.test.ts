import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { arbitrarySchema } from '../testing/arbitrary-schema.ts';
import { compatibilityProblems } from './compatibility.ts';
import type { AvroField, AvroRecord, AvroSchema } from './schema.ts';

function event(...fields: AvroField[]): AvroSchema {
  return { type: 'record', name: 'uk.causeway.test.ThingSeenV1', fields };
}

const place: AvroField = { name: 'place', type: ['null', 'string'], default: null };
const kind: AvroField = {
  name: 'kind',
  type: { type: 'enum', name: 'Kind', symbols: ['a', 'b', 'UNKNOWN'], default: 'UNKNOWN' },
};

test('every schema is compatible with itself', () => {
  fc.assert(
    fc.property(arbitrarySchema, (schema) => assert.deepEqual(compatibilityProblems(schema, schema), [])),
  );
});

test('nullable fields and enum symbols may be added, and the order of fields may change', () => {
  const more: AvroField = {
    ...kind,
    type: { type: 'enum', name: 'Kind', symbols: ['c', 'a', 'b', 'UNKNOWN'], default: 'UNKNOWN' },
  };
  assert.deepEqual(compatibilityProblems(event(kind), event(place, more)), []);
});

test('removing any top-level field of any schema is refused, nullable or not', () => {
  const removal = arbitrarySchema.chain((schema) =>
    fc.record({ schema: fc.constant(schema), index: fc.nat({ max: schema.fields.length - 1 }) }),
  );
  fc.assert(
    fc.property(removal, ({ schema, index }) => {
      const older: AvroRecord = event({ name: 'kept', type: 'string' }, ...inlineOnly(schema).fields);
      const newer = { ...older, fields: older.fields.filter((_, at) => at !== index + 1) };
      const problems = compatibilityProblems(older, newer);
      assert.ok(problems.includes(`${older.fields[index + 1]?.name}: a field is never removed`));
    }),
  );
});

// Removing the field that defines a shared record would leave later names undefined; that is another fault.
function inlineOnly(schema: AvroSchema): AvroSchema {
  return {
    ...schema,
    fields: schema.fields.map(({ name }) => ({ name, type: ['null', 'string'], default: null })),
  };
}

const refused: Array<[string, AvroField, AvroField, RegExp]> = [
  [
    'making a field nullable',
    { name: 'a', type: 'string' },
    { name: 'a', type: ['null', 'string'] },
    /nullable/,
  ],
  ['changing a type', { name: 'a', type: 'int' }, { name: 'a', type: 'long' }, /changed its type/],
  [
    'making a list of a value',
    { name: 'a', type: 'int' },
    { name: 'a', type: { type: 'array', items: 'int' } },
    /list/,
  ],
  [
    'removing a symbol',
    kind,
    { ...kind, type: { type: 'enum', name: 'Kind', symbols: ['a', 'UNKNOWN'], default: 'UNKNOWN' } },
    /symbols b are never removed/,
  ],
  [
    'renaming an enum',
    kind,
    { ...kind, type: { type: 'enum', name: 'Sort', symbols: ['a', 'b', 'UNKNOWN'], default: 'UNKNOWN' } },
    /Kind became .*Sort/,
  ],
  [
    'removing a nested field',
    { name: 'r', type: { type: 'record', name: 'R', fields: [place, kind] } },
    { name: 'r', type: { type: 'record', name: 'R', fields: [kind] } },
    /^r\.place: a field is never removed/,
  ],
  [
    'turning a record into a value',
    { name: 'r', type: { type: 'record', name: 'R', fields: [place] } },
    { name: 'r', type: 'string' },
    /changed its type/,
  ],
];

for (const [what, older, newer, problem] of refused) {
  test(`${what} is refused`, () => {
    assert.match(compatibilityProblems(event(older), event(newer)).join(), problem);
  });
}

test('adding a field that is not nullable is refused', () => {
  assert.match(compatibilityProblems(event(place), event(place, kind)).join(), /only a nullable field/);
});

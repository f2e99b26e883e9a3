import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { AvroSchema } from '../avro/schema.ts';
import { leavesOf, namedTypes, resolveType } from '../avro/schema.ts';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import { arbitrarySchema } from '../testing/arbitrary-schema.ts';
import { alwaysReleased, deriveView, mixtureProblem, unionRelease, withoutLocations } from './view.ts';

const name = {
  recipient: 'west-council',
  type: 'uk.causeway.test.thing.recorded.v1',
  agreements: ['a/1', 'b/2'],
};

const schemaAndLeaves = arbitrarySchema.chain((schema) =>
  fc.record({ schema: fc.constant(schema), leaves: fc.subarray(leavesOf(schema).map(({ path }) => path)) }),
);

test('without locations every place is gone, in every form, and the rest is as it was', () => {
  const admission = loadCatalogue().find(({ type }) => type.endsWith('inpatient-admission.recorded.v1'));
  assert.ok(admission);
  const leaves = leavesOf(admission.schema);
  const release = {
    leaves: leaves.map(({ path }) => path),
    generalise: { 'person.address.postcode': 'outcode' as const },
    attributes: ['correlationId' as const],
  };
  const shielded = withoutLocations(release, admission.schema);
  const places = leaves.filter(({ field }) => field.sensitivity === 'location').map(({ path }) => path);
  assert.ok(places.length > 3 && places.includes('person.address.postcode'));
  assert.deepEqual(new Set([...shielded.leaves, ...places]), new Set(release.leaves));
  assert.ok(places.every((path) => !shielded.leaves.includes(path)));
  assert.deepEqual([shielded.generalise, shielded.attributes], [{}, ['correlationId']]);
});

test('a view of any schema holds exactly the released leaves, in writer order', () => {
  fc.assert(
    fc.property(schemaAndLeaves, ({ schema, leaves }) => {
      const view = deriveView(schema, { leaves, generalise: {} }, name);
      const released = new Set([...leaves, ...alwaysReleased(schema)]);
      const expected = leavesOf(schema).filter(({ path }) => released.has(path));
      assert.deepEqual(
        leavesOf(view).map(({ path, nullable, inArray }) => ({ path, nullable, inArray })),
        expected.map(({ path, nullable, inArray }) => ({ path, nullable, inArray })),
      );
    }),
  );
});

test('every type in a view is defined once and carries the name of its writer as alias', () => {
  fc.assert(
    fc.property(schemaAndLeaves, ({ schema, leaves }) => {
      const view = deriveView(schema, { leaves, generalise: {} }, name);
      const writer = namedTypes(schema);
      const text = JSON.stringify(view);
      const definitions = text.match(/"type":"(?:record|enum)"/g)?.length;
      assert.equal(namedTypes(view).size, definitions);
      for (const [own, { aliases }] of namedTypes(view)) {
        assert.ok(own.startsWith('uk.causeway.view.west_council.'));
        assert.equal(aliases?.length, 1);
        assert.ok(writer.has(aliases[0] ?? ''));
      }
    }),
  );
});

test('a view keeps every symbol of an enum and the default', () => {
  fc.assert(
    fc.property(arbitrarySchema, (schema) => {
      const all = leavesOf(schema);
      const view = deriveView(schema, { leaves: all.map(({ path }) => path), generalise: {} }, name);
      for (const [index, { type }] of leavesOf(view).entries()) {
        const written = all[index]?.type;
        if (typeof type === 'string' || typeof written !== 'object') continue;
        assert.deepEqual([type.symbols, type.default], [written.symbols, written.default]);
      }
    }),
  );
});

test('the same release gives the same view, whatever the order of its leaves', () => {
  fc.assert(
    fc.property(schemaAndLeaves, ({ schema, leaves }) => {
      const one = deriveView(schema, { leaves, generalise: {} }, name);
      const other = deriveView(schema, { leaves: leaves.toReversed(), generalise: {} }, name);
      assert.deepEqual(one, other);
    }),
  );
});

const twice: AvroSchema = {
  type: 'record',
  name: 'Report',
  namespace: 'uk.causeway.test',
  fields: [
    {
      name: 'person',
      type: {
        type: 'record',
        name: 'Person',
        fields: [
          { name: 'name', type: 'string', doc: 'Name.' },
          { name: 'born', type: 'string', doc: 'Born.' },
        ],
      },
    },
    { name: 'informant', type: ['null', 'Person'], default: null },
  ],
};

test('one record type used twice is projected differently in each place', () => {
  const view = deriveView(twice, { leaves: ['person.born', 'informant.name'], generalise: {} }, name);
  assert.deepEqual(
    [...namedTypes(view)].map(([own, { aliases }]) => [
      own.slice('uk.causeway.view.west_council.'.length),
      aliases,
    ]),
    [
      ['Report', ['uk.causeway.test.Report']],
      ['Report_person', ['uk.causeway.test.Person']],
      ['Report_informant', ['uk.causeway.test.Person']],
    ],
  );
  assert.deepEqual(
    leavesOf(view).map(({ path }) => path),
    ['person.born', 'informant.name'],
  );
});

test('a leaf in a general form can be null, because what does not parse becomes null', () => {
  const view = deriveView(twice, { leaves: ['person.born'], generalise: { 'person.born': 'year' } }, name);
  const [leaf] = leavesOf(view);
  assert.deepEqual(leaf?.field, {
    name: 'born',
    type: ['null', 'string'],
    default: null,
    doc: 'Born. Released as year only.',
  });
});

test('a leaf that is not in the schema is refused, and so is a view of nothing', () => {
  assert.throws(
    () => deriveView(twice, { leaves: ['person.age'], generalise: {} }, name),
    /not in the schema/,
  );
  assert.throws(() => deriveView(twice, { leaves: [], generalise: {} }, name), /leaves nothing/);
});

test('every event type lets its contact through even if nothing is released, and a sibling what it corrects and why', () => {
  for (const { type, schema, siblingOf } of loadCatalogue()) {
    const view = deriveView(schema, { leaves: [], generalise: {} }, { ...name, type });
    const expected = siblingOf.length > 0 ? ['contact', 'corrects', 'reason'] : ['contact'];
    assert.deepEqual(
      view.fields.map((field) => field.name),
      expected,
    );
    const contact = resolveType(view.fields[0]?.type ?? 'null', namedTypes(view));
    assert.equal(contact.kind === 'record' && contact.record.fields.length, 5);
  }
});

test('several releases give the most exact form of each leaf', () => {
  const year = { leaves: ['born', 'name'], generalise: { born: 'year' } } as const;
  const month = { leaves: ['born'], generalise: { born: 'month' } } as const;
  const exact = { leaves: ['born', 'place'], generalise: {} } as const;
  assert.deepEqual(unionRelease([year, month]), { leaves: ['born', 'name'], generalise: { born: 'month' } });
  assert.deepEqual(unionRelease([month, exact, year]), { leaves: ['born', 'place', 'name'], generalise: {} });
  assert.deepEqual(unionRelease([year]), { leaves: ['born', 'name'], generalise: { born: 'year' } });
});

test('forms that neither contain the other cannot be combined', () => {
  const outcode = { leaves: ['x'], generalise: { x: 'outcode' } } as const;
  const initials = { leaves: ['x'], generalise: { x: 'initials' } } as const;
  const exact = { leaves: ['x'], generalise: {} } as const;
  assert.deepEqual(unionRelease([outcode, initials]), {
    problem: 'x: initials and outcode cannot be combined',
  });
  assert.equal(mixtureProblem([outcode, exact]), undefined);
  assert.equal(mixtureProblem([outcode, exact, initials]), 'x: initials and outcode cannot be combined');
});

test('a union grants each leaf to the degree that one of its releases grants it, and no leaf more', () => {
  const form = fc.constantFrom('exact', 'month', 'year');
  const release = fc.dictionary(fc.constantFrom('a', 'b', 'c'), form).map((forms) => ({
    leaves: Object.keys(forms),
    generalise: Object.fromEntries(
      Object.entries(forms).filter(([, granted]) => granted !== 'exact'),
    ) as Record<string, 'month' | 'year'>,
    forms,
  }));
  const order = ['exact', 'month', 'year'];
  fc.assert(
    fc.property(fc.array(release, { minLength: 1, maxLength: 4 }), (releases) => {
      const union = unionRelease(releases);
      assert.ok(!('problem' in union));
      for (const leaf of ['a', 'b', 'c']) {
        const granted = releases
          .flatMap(({ forms }) => forms[leaf] ?? [])
          .map((given) => order.indexOf(given));
        assert.equal(union.leaves.includes(leaf), granted.length > 0);
        if (granted.length > 0) assert.equal(union.generalise[leaf] ?? 'exact', order[Math.min(...granted)]);
      }
    }),
  );
});

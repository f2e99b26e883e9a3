import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { arbitrarySchema } from '../testing/arbitrary-schema.ts';
import { expandPaths, overlap } from './paths.ts';
import type { AvroSchema } from './schema.ts';
import { leavesOf } from './schema.ts';

const schema: AvroSchema = {
  type: 'record',
  name: 'uk.causeway.test.Report',
  fields: [
    {
      name: 'children',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'uk.causeway.test.Child',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'nicknames', type: { type: 'array', items: 'string' } },
          ],
        },
      },
    },
    { name: 'place', type: ['null', 'string'], default: null },
  ],
};

test('a block stands for every leaf in it, in writer order', () => {
  const expected = ['children[].name', 'children[].nicknames'];
  assert.deepEqual(expandPaths(schema, ['children']).leaves, expected);
  assert.deepEqual(expandPaths(schema, ['children[]']).leaves, expected);
  assert.deepEqual(expandPaths(schema, ['place', 'children[].name']).leaves, ['children[].name', 'place']);
});

test('an array of plain values is one leaf, with or without []', () => {
  assert.deepEqual(expandPaths(schema, ['children[].nicknames[]']).leaves, ['children[].nicknames']);
  assert.deepEqual(expandPaths(schema, ['children[].nicknames']).leaves, ['children[].nicknames']);
});

test('an unknown path is a problem and stands for nothing', () => {
  assert.deepEqual(expandPaths(schema, ['place.town', 'plac', '']), {
    leaves: [],
    problems: ['place.town: no such field', 'plac: no such field', ': no such field'],
  });
});

test('a path that forgets to step into an array is told how', () => {
  assert.deepEqual(expandPaths(schema, ['children.name']).problems, [
    'children.name: write children[].name, [] steps into an array',
  ]);
});

test('the top-level fields of any schema expand to all its leaves, each once', () => {
  fc.assert(
    fc.property(arbitrarySchema, (random) => {
      const all = leavesOf(random).map(({ path }) => path);
      const fields = random.fields.map(({ name }) => name);
      assert.deepEqual(expandPaths(random, [...fields, ...fields]), { leaves: all, problems: [] });
      assert.equal(new Set(all).size, all.length);
    }),
  );
});

test('every leaf of any schema expands to itself, and to a subset of what each block around it expands to', () => {
  fc.assert(
    fc.property(arbitrarySchema, (random) => {
      for (const { path } of leavesOf(random)) {
        assert.deepEqual(expandPaths(random, [path]).leaves, [path]);
        const block = path.split('.').slice(0, -1).join('.');
        if (block) assert.ok(expandPaths(random, [block]).leaves.includes(path));
      }
    }),
  );
});

test('paths overlap when one is the other or holds it', () => {
  assert.equal(overlap('person.name', 'person.name.familyName'), true);
  assert.equal(overlap('children[].name', 'children'), true);
  assert.equal(overlap('person.name', 'person.nameAtBirth'), false);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AvroEnum, AvroSchema, AvroType } from '@causeway/schemas/avro/schema';
import { leavesOf } from '@causeway/schemas/avro/schema';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { deriveView } from '@causeway/schemas/disclosure/view';
import { arbitrarySchema, arbitraryValue } from '@causeway/schemas/testing/arbitrary-schema';
import avro, { type Schema, type Type } from 'avsc';
import fc from 'fast-check';
import { createLogger } from '../telemetry/log.ts';
import { createCodec } from './codec.ts';
import { NOT_PLAIN } from './compile.ts';
import { type Projector, resolvingProjector, slicingProjector } from './projector.ts';
import { compileSlice } from './slice.ts';

const NAME = { recipient: 'west', type: 'uk.causeway.test.thing.recorded.v1', agreements: ['a/1'] };
const HEADER = Buffer.from([0, 0, 0, 0, 1]);
const VIEW_ID = 77;

// The codec bounds the arrays of every type, which the decoding of hostile bytes needs here too.
createCodec({ registryUrl: 'http://127.0.0.1:1' }, createLogger('test', 'fatal'));

const typeOf = (schema: AvroSchema): Type => avro.Type.forSchema(schema as unknown as Schema);
const refuses: Projector = () => {
  throw new Error('not cut');
};

const pair = (writer: AvroSchema, view: AvroSchema) => {
  const [type, viewType] = [typeOf(writer), typeOf(view)];
  const cut = compileSlice(writer, view);
  return {
    type,
    resolve: resolvingProjector(type, viewType, VIEW_ID),
    cut: cut && slicingProjector(cut, VIEW_ID, refuses),
  };
};

const released = (schema: AvroSchema, leaves: readonly string[]) =>
  deriveView(schema, { leaves, generalise: {} }, NAME);

const schemaAndLeaves = arbitrarySchema.chain((schema) =>
  fc.record({ schema: fc.constant(schema), leaves: fc.subarray(leavesOf(schema).map(({ path }) => path)) }),
);

test('what is cut out of any value is byte for byte what resolving makes of it', () => {
  fc.assert(
    fc.property(
      schemaAndLeaves.chain(({ schema, leaves }) =>
        fc.tuple(
          fc.constant(schema),
          fc.constant(leaves),
          fc.array(arbitraryValue(schema), { maxLength: 3 }),
        ),
      ),
      ([schema, leaves, values]) => {
        const { type, resolve, cut } = pair(schema, released(schema, leaves));
        assert.ok(cut, 'cutting is chosen for a view of the same schema');
        for (const data of values) {
          const value = Buffer.concat([HEADER, type.toBuffer(data)]);
          assert.deepEqual(cut(value), resolve(value));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('every event type of the catalogue is cut, whatever half of it is released', () => {
  for (const { schema, example } of loadCatalogue()) {
    const leaves = leavesOf(schema).map(({ path }) => path);
    for (const parity of [0, 1]) {
      const half = leaves.filter((_, index) => index % 2 === parity);
      const { type, resolve, cut } = pair(schema, released(schema, half));
      const value = Buffer.concat([HEADER, type.toBuffer(example.data)]);
      assert.deepEqual(cut?.(value), resolve(value));
    }
  }
});

/** One byte more, less or another one, anywhere: most of it is not a value of the schema any more. */
const damaged = (value: Buffer) =>
  fc
    .tuple(
      fc.nat(value.length),
      fc.constantFrom('drop', 'insert', 'change'),
      fc.integer({ max: 255, min: 0 }),
    )
    .map(([at, what, byte]) =>
      Buffer.concat([
        value.subarray(0, at),
        what === 'drop' ? Buffer.alloc(0) : Buffer.from([byte]),
        value.subarray(what === 'insert' ? at : at + 1),
      ]),
    );

test('bytes that are damaged anywhere are cut only where they still decode, and then as resolving does', () => {
  let cuts = 0;
  fc.assert(
    fc.property(
      schemaAndLeaves.chain(({ schema, leaves }) =>
        arbitraryValue(schema).chain((data) => {
          const body = typeOf(schema).toBuffer(data);
          return fc.tuple(fc.constant(schema), fc.constant(leaves), damaged(body));
        }),
      ),
      ([schema, leaves, body]) => {
        const { type, resolve } = pair(schema, released(schema, leaves));
        const value = Buffer.concat([HEADER, body]);
        const output = Buffer.alloc(value.length);
        const end = compileSlice(schema, released(schema, leaves))?.(value, 5, output, 5) ?? NOT_PLAIN;
        const check = compileSlice(schema, null)?.(value, 5, output, 0);
        assert.equal(check === NOT_PLAIN, end === NOT_PLAIN, 'checking and cutting agree on what is plain');
        if (end === NOT_PLAIN) return;
        cuts += 1;
        assert.doesNotThrow(() => type.fromBuffer(body));
        assert.deepEqual(output.subarray(5, end), resolve(value).subarray(5));
      },
    ),
    { numRuns: 2_000 },
  );
  assert.ok(cuts > 100, `only ${cuts} damaged values were still plain`);
});

const schemaOf = (type: AvroType): AvroSchema => ({
  type: 'record',
  name: 'uk.causeway.test.Thing',
  fields: [
    { name: 'before', type: 'string' },
    { name: 'inner', type: { type: 'record', name: 'Inner', fields: [{ name: 'leaf', type }] } },
    { name: 'after', type: 'int' },
  ],
});
const enumOf = (...symbols: string[]): AvroEnum => ({
  type: 'enum',
  name: 'Kind',
  symbols,
  default: 'UNKNOWN',
});

test('cutting is not chosen where an enum, a type or the order of the fields differs', () => {
  const text = schemaOf('string');
  const [before, inner, after] = text.fields;
  assert.ok(before && inner && after);
  const different: [string, AvroSchema, AvroSchema][] = [
    ['a symbol more', schemaOf(enumOf('A', 'UNKNOWN')), schemaOf(enumOf('A', 'B', 'UNKNOWN'))],
    [
      'another order of symbols',
      schemaOf(enumOf('A', 'B', 'UNKNOWN')),
      schemaOf(enumOf('B', 'A', 'UNKNOWN')),
    ],
    ['a wider number', schemaOf('int'), schemaOf('long')],
    ['another type', schemaOf('string'), schemaOf('int')],
    ['a value that may be null', schemaOf('string'), schemaOf(['null', 'string'])],
    ['a value that may not be null', schemaOf(['null', 'string']), schemaOf('string')],
    ['a list', schemaOf({ type: 'array', items: 'string' }), schemaOf('string')],
    ['another list', schemaOf({ type: 'array', items: 'int' }), schemaOf({ type: 'array', items: 'long' })],
    ['another order of fields', text, { ...text, fields: [inner, before, after] }],
    [
      'a field that the writer has not',
      text,
      { ...text, fields: [...text.fields, { name: 'late', type: ['null', 'string'], default: null }] },
    ],
    ['a union outside the subset', schemaOf(['string', 'null']), schemaOf(['string', 'null'])],
    ['a type outside the subset', schemaOf('bytes'), schemaOf('bytes')],
  ];
  for (const [what, writer, view] of different) assert.equal(compileSlice(writer, view), null, what);
  assert.ok(compileSlice(text, { ...text, fields: [before, after] }), 'it is chosen where only less is kept');
});

test('a writer with more symbols than the view is resolved by the codec, not cut: the word stays the word', () => {
  const writer = schemaOf(enumOf('FIRST', 'A', 'B', 'UNKNOWN'));
  const view = schemaOf(enumOf('A', 'B', 'UNKNOWN'));
  const { type, resolve, cut } = pair(writer, view);
  assert.equal(cut, null);
  const value = Buffer.concat([HEADER, type.toBuffer({ before: '', inner: { leaf: 'B' }, after: 1 })]);
  const decoded = typeOf(view).fromBuffer(resolve(value).subarray(5)) as { inner: { leaf: string } };
  assert.equal(decoded.inner.leaf, 'B');
});

test('bytes that decode but are not as our encoder writes them are left to the resolver', () => {
  const schema = schemaOf({ type: 'array', items: 'boolean' });
  const cut = compileSlice(schema, schema);
  const around = (array: number[]) => Buffer.from([...HEADER, 2, 0x61, ...array, 2]);
  const verdict = (value: Buffer) => cut?.(value, 5, Buffer.alloc(value.length), 5);
  assert.equal(verdict(around([4, 0, 1, 0])), around([4, 0, 1, 0]).length);
  for (const [what, array] of [
    ['two blocks', [2, 0, 2, 1, 0]],
    ['a block with its size', [3, 4, 0, 1, 0]],
    ['a boolean of 2', [4, 0, 2, 0]],
    ['a number in a longer form', [0x84, 0, 0, 1, 0]],
    ['more items than bytes', [0xfe, 0xff, 0x7f, 0, 0]],
    ['bytes after the end', [4, 0, 1, 0, 0]],
  ] as const)
    assert.equal(verdict(around([...array])), NOT_PLAIN, what);
  const text = Buffer.from([...HEADER, 2, 0xff, 0, 2]);
  assert.equal(verdict(text), NOT_PLAIN, 'a text that is not UTF-8');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { arbitrarySchema, arbitraryValue } from '@causeway/schemas/testing/arbitrary-schema';
import avro, { type Schema, type Type } from 'avsc';
import fc from 'fast-check';
import { createLogger } from '../telemetry/log.ts';
import { createCodec } from './codec.ts';
import { NOT_PLAIN, type Walk } from './compile.ts';
import { compileJson } from './json.ts';

// The codec bounds the arrays of every type, which the decoding of hostile bytes needs here too.
createCodec({ registryUrl: 'http://127.0.0.1:1' }, createLogger('test', 'fatal'));

const typeOf = (schema: AvroSchema): Type => avro.Type.forSchema(schema as unknown as Schema);

const compiled = (schema: AvroSchema): Walk => {
  const text = compileJson(schema);
  assert.ok(text);
  return text;
};

const output = Buffer.alloc(1_000_000);

const textOf = (write: Walk, value: Buffer): string | null => {
  const end = write(value, 0, output, 0);
  return end === NOT_PLAIN ? null : output.toString('utf8', 0, end);
};

const schemaAndValues = arbitrarySchema.chain((schema) =>
  fc.record({
    schema: fc.constant(schema),
    values: fc.array(arbitraryValue(schema), { minLength: 1, maxLength: 3 }),
  }),
);

test('the text of any value is that of decoding it and making JSON of it', () => {
  fc.assert(
    fc.property(schemaAndValues, ({ schema, values }) => {
      const type = typeOf(schema);
      const write = compiled(schema);
      for (const data of values) {
        const value = type.toBuffer(data);
        assert.equal(textOf(write, value), JSON.stringify(type.fromBuffer(value)));
      }
    }),
    { numRuns: 300 },
  );
});

test('texts with quotes, line ends, control characters, other alphabets and emoji are escaped as JSON does it', () => {
  const schema: AvroSchema = { type: 'record', name: 'Text', fields: [{ name: 'text', type: 'string' }] };
  const type = typeOf(schema);
  const write = compiled(schema);
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string());
  fc.assert(
    fc.property(texts, (text) => {
      const value = type.toBuffer({ text });
      assert.equal(textOf(write, value), JSON.stringify(type.fromBuffer(value)));
    }),
    { examples: [['"\\'], ['\n\u0000\u001f\u007f'], ['Łukasz O\u2028'], ['👩‍👧'], ['\ufeff']] },
  );
});

/** One byte more, less or another one, anywhere: most of it is not a value of the schema any more. */
const damagedValue = schemaAndValues.chain(({ schema, values }) => {
  const value = typeOf(schema).toBuffer(values[0]);
  return fc.record({
    schema: fc.constant(schema),
    value: fc.oneof(
      fc.nat(value.length).map((length) => value.subarray(0, length)),
      fc.uint8Array({ minLength: 1, maxLength: 4 }).map((more) => Buffer.concat([value, more])),
      fc.tuple(fc.nat(Math.max(value.length - 1, 0)), fc.nat(255)).map(([at, byte]) => {
        const copy = Buffer.from(value);
        if (copy.length > 0) copy[at] = byte;
        return copy;
      }),
    ),
  });
});

test('of damaged bytes there is no text, or the one that decoding gives', () => {
  fc.assert(
    fc.property(damagedValue, ({ schema, value }) => {
      const text = textOf(compiled(schema), value);
      if (text !== null) assert.equal(text, JSON.stringify(typeOf(schema).fromBuffer(value)));
    }),
    { numRuns: 500 },
  );
});

test('too little room is told and nothing is written beyond it', () => {
  for (const { schema, example } of loadCatalogue()) {
    const type = typeOf(schema);
    const write = compiled(schema);
    const value = type.toBuffer(example.data);
    const text = JSON.stringify(type.fromBuffer(value));
    const small = Buffer.alloc(40);
    const end = write(value, 0, small.subarray(0, 32), 0);
    assert.equal(end, Buffer.byteLength(text));
    assert.ok(small.subarray(32).every((byte) => byte === 0));
    assert.equal(textOf(write, value), text);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { object, openApiDocument, schemaOf, text } from './openapi.ts';

test('a body is described as its validator checks it', () => {
  const form = z.strictObject({
    name: z.string().max(10).describe('A name'),
    day: z.iso.date().nullable().describe('A day').optional(),
    tags: z.array(z.string().regex(/^[a-z]+$/)).min(1),
  });
  assert.deepEqual(schemaOf(form), {
    type: 'object',
    required: ['name', 'tags'],
    additionalProperties: false,
    properties: {
      name: { type: 'string', maxLength: 10, description: 'A name' },
      day: { type: ['string', 'null'], format: 'date', description: 'A day' },
      tags: { type: 'array', minItems: 1, items: { type: 'string', pattern: '^[a-z]+$' } },
    },
  });
});

test('what only code can check is added to the description with meta', () => {
  const form = z.strictObject({ a: z.string().optional() }).refine((given) => given.a !== 'b');
  const { minProperties } = schemaOf(form.meta({ minProperties: 1 }));
  assert.equal(minProperties, 1);
});

test('all properties are required unless some are named', () => {
  assert.deepEqual(object({ a: text('A') }).required, ['a']);
  assert.equal(object({ a: text('A') }, []).required, undefined);
});

test('what a service says of itself counts before the defaults', () => {
  const document = openApiDocument(
    { title: 'A', version: '2' },
    { servers: [{ url: 'https://a.example' }], paths: {}, components: {} },
  );
  assert.equal(document.info.version, '2');
  assert.deepEqual(document.servers, [{ url: 'https://a.example' }]);
});

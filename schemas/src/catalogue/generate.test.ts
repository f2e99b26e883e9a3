import assert from 'node:assert/strict';
import test from 'node:test';
import { generateTypes, isCurrent } from './generate.ts';

test('the committed types and the catalogue page are what the schemas generate', () => {
  assert.ok(isCurrent(), 'run `npm run generate`');
});

test('nullable fields may be left out, others not', () => {
  const types = generateTypes();
  assert.match(types, /\n {2}postcode\?: string \| null;/);
  assert.match(types, /\n {2}givenNames\?: string\[\] \| null;/);
  assert.match(types, /\n {2}visitId: string;/);
});

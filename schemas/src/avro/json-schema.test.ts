import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import { deriveView } from '../disclosure/view.ts';
import { dataCheckerOf, jsonSchemaOf } from './json-schema.ts';

const catalogue = loadCatalogue();
const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const admission = () => {
  const found = catalogue.find(({ type }) => type === ADMISSION);
  assert.ok(found);
  return found;
};

test('the example of every event type is valid by its JSON Schema, and nothing more may be in it', () => {
  for (const { type, schema, example } of catalogue) {
    const check = dataCheckerOf(schema);
    assert.deepEqual(check(example.data), [], type);
    assert.deepEqual(check({ ...example.data, extra: 1 }), [
      { path: 'extra', problem: 'is not a field of this event type' },
    ]);
  }
});

test('every fault is named by its path and none by its value', () => {
  const { schema, example } = admission();
  const data = structuredClone(example.data) as Record<string, never> & { person: Record<string, unknown> };
  const person = {
    ...data.person,
    sex: 'Secretly Named',
    name: { familyName: 7, givenNames: ['A', null], 'Secret name': 1 },
  };
  const { admittedAt: _, ...rest } = data;
  const faults = dataCheckerOf(schema)({ ...rest, person, expectedDischargeAt: 'soon: Secret' });
  assert.deepEqual(
    faults.map(({ path }) => path).sort(),
    [
      'admittedAt',
      'expectedDischargeAt',
      'person.name.(another field)',
      'person.name.familyName',
      'person.name.givenNames[1]',
      'person.sex',
    ].sort(),
  );
  assert.doesNotMatch(JSON.stringify(faults), /secret/i);
});

test('a fault is reported for what is no object at all', () => {
  const check = dataCheckerOf(admission().schema);
  for (const data of [null, 1, 'x', []])
    assert.deepEqual(check(data), [{ path: '', problem: 'must be object' }]);
});

test('a field that can be null can be left out when publishing', () => {
  const { schema, example } = admission();
  const { expectedDischargeAt: _, ...rest } = example.data;
  assert.deepEqual(dataCheckerOf(schema)(rest), []);
});

test('the JSON Schema of a view has the released fields only, and no format where a form is general', () => {
  const release = { leaves: ['visitId', 'admittedAt'], generalise: { admittedAt: 'month' as const } };
  const view = deriveView(admission().schema, release, {
    recipient: 'a-council',
    type: ADMISSION,
    agreements: ['a/1'],
  });
  const schema = jsonSchemaOf(view, 'handed-over', new Set(['admittedAt'])) as {
    properties: Record<string, { format?: string }>;
  };
  assert.deepEqual(Object.keys(schema.properties), ['contact', 'visitId', 'admittedAt']);
  assert.equal(schema.properties.admittedAt?.format, undefined);
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const contact = admission().example.data.contact;
  assert.equal(ajv.validate(schema, { contact, visitId: 'V', admittedAt: '2026-10' }), true);
  assert.equal(ajv.validate(schema, { contact, visitId: 'V' }), false);
});

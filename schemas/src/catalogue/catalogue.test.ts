import assert from 'node:assert/strict';
import test from 'node:test';
import { leavesOf, namedTypes } from '../avro/schema.ts';
import { checkNhsNumber, isTestNhsNumber } from '../identifiers/nhs-number.ts';
import { checkPostcode } from '../identifiers/places.ts';
import { misfits } from '../testing/conforms.ts';
import { loadCatalogue, loadCommon, selfContained } from './catalogue.ts';
import { avroName } from './event-type.ts';
import { checkEventType, checkSchema } from './rules.ts';
import { urgencyOf } from './urgency.ts';

const catalogue = loadCatalogue();

test('the catalogue holds the hospital stay: admission and discharge, each with its retraction', () => {
  const types = new Set(catalogue.map(({ type }) => type));
  for (const fact of ['inpatient-admission', 'patient-discharge']) {
    assert.ok(types.has(`uk.causeway.nhs.${fact}.recorded.v1`));
    assert.ok(types.has(`uk.causeway.nhs.${fact}.voided.v1`));
  }
});

for (const { type, schema, siblingOf, example, defaultPriority, actBy } of catalogue) {
  test(`${type} obeys the rules for event schemas`, () => {
    assert.deepEqual([...checkSchema(schema), ...checkEventType(type, schema)], []);
    assert.ok(namedTypes(schema).has(avroName(type)));
  });

  test(`${type} corrects only types that exist`, () => {
    for (const base of siblingOf) assert.ok(catalogue.some((other) => other.type === base));
    assert.equal(siblingOf.length > 0, /\.(voided|corrected)\.v\d+$/.test(type));
  });

  test(`${type} has every leaf that a sibling refers to as its own`, () => {
    for (const { field } of leavesOf(schema)) {
      if (!field.basePath) continue;
      for (const base of catalogue.filter((other) => siblingOf.includes(other.type))) {
        assert.ok(leavesOf(base.schema).some(({ path }) => path === field.basePath));
      }
    }
  });

  test(`${type} has an example that fits its schema`, () => {
    assert.deepEqual(misfits(schema, example.data), []);
    const urgency = urgencyOf({ defaultPriority, ...(actBy && { actBy }) }, example.data, example.time);
    assert.equal(example.priority, urgency.priority);
    assert.equal(Date.parse(example.actBy ?? ''), Date.parse(urgency.actBy ?? ''));
    assert.match(example.subject, /^[A-Za-z0-9_-]{22}$/);
    assert.match(example.source, /^\/[a-z-]+\/[a-z-]+$/);
  });

  test(`${type} has an example about nobody: numbers that are never issued, telephones kept for drama`, () => {
    const text = JSON.stringify(example.data);
    for (const [, number = ''] of text.matchAll(/"nhsNumber":"(\d{10})"/g)) {
      assert.ok(isTestNhsNumber(number) && checkNhsNumber(number).valid);
    }
    for (const [, postcode = ''] of text.matchAll(/"[a-z]*[pP]ostcode":"([^"]+)"/g)) {
      assert.deepEqual(checkPostcode(postcode), { valid: true, value: postcode });
    }
    for (const [telephone] of text.matchAll(/\b0\d{4} \d{6}\b/g)) assert.match(telephone, /^01632 960\d{3}$/);
  });
}

test('what recipients say back tells nothing about a person: feedback has plain fields only', () => {
  const feedback = catalogue.filter(({ type }) => type.startsWith('uk.causeway.exchange.'));
  assert.equal(feedback.length, 2);
  for (const { schema, example } of feedback) {
    for (const { field } of leavesOf(schema)) assert.equal(field.sensitivity, 'plain');
    assert.match(example.inResponseTo ?? '', /^\/[a-z-]+\/[A-Za-z0-9_-]{22}$/);
  }
});

test('a link between two records of a person carries no identifier: the tokens are in its headers', () => {
  const links = catalogue.filter(({ type }) => type.includes('.identity.linked.'));
  assert.ok(links.length > 0);
  for (const { field } of links.flatMap(({ schema }) => leavesOf(schema))) {
    assert.equal(field.sensitivity, 'plain');
  }
});

test('every common type is used by an event type', () => {
  const used = new Set(catalogue.flatMap(({ schema }) => [...namedTypes(schema).keys()]));
  for (const name of loadCommon().keys()) assert.ok(used.has(name), name);
});

test('a common record stands where it is used first and by name after that', () => {
  const common = new Map([
    ['uk.test.Place', { type: 'record' as const, name: 'Place', namespace: 'uk.test', fields: [] }],
  ]);
  const record = {
    type: 'record' as const,
    name: 'Move',
    namespace: 'uk.test',
    fields: [
      { name: 'from', type: ['null', 'uk.test.Place'] },
      { name: 'to', type: 'Place' },
    ],
  };
  const [from, to] = selfContained(record, common).fields;
  assert.deepEqual(from?.type, ['null', common.get('uk.test.Place')]);
  assert.equal(to?.type, 'uk.test.Place');
  assert.throws(() => selfContained(record, new Map()), /unknown type uk.test.Place/);
});

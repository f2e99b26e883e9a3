import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { AvroField, AvroSchema } from '../avro/schema.ts';
import { arbitrarySchema } from '../testing/arbitrary-schema.ts';
import { checkEventType, checkSchema } from './rules.ts';

const contact: AvroField = {
  name: 'contact',
  doc: 'The telephone contact.',
  type: {
    type: 'record',
    name: 'uk.causeway.common.Contact',
    doc: 'Contact.',
    fields: [{ name: 'organisation', type: 'string', doc: 'Who.', sensitivity: 'plain' }],
  },
};

function schemaWith(...fields: AvroField[]): AvroSchema {
  return {
    type: 'record',
    name: 'uk.causeway.test.ThingSeenV1',
    doc: 'A thing.',
    fields: [...fields, contact],
  };
}

const good: AvroField = {
  name: 'place',
  type: ['null', 'string'],
  default: null,
  doc: 'Where.',
  sensitivity: 'location',
};

test('a schema that obeys the rules has no problems', () => {
  assert.deepEqual(checkSchema(schemaWith(good)), []);
  fc.assert(fc.property(arbitrarySchema, (schema) => assert.deepEqual(checkSchema(schema), [])));
});

const broken: Array<[string, AvroField, RegExp]> = [
  ['a nullable field without the default null', { ...good, default: undefined }, /default null/],
  [
    'a default on a field that is not nullable',
    { ...good, type: 'string', default: '' },
    /only a nullable field/,
  ],
  ['a union of two types', { ...good, type: ['string', 'int'] }, /only union/],
  ['a union of three', { ...good, type: ['null', 'string', 'int'] }, /only union/],
  ['a leaf without doc', { ...good, doc: '' }, /no doc/],
  ['a leaf without sensitivity', { name: 'place', type: 'string', doc: 'Where.' }, /sensitivity/],
  ['an unknown type', { ...good, type: 'uk.causeway.test.Nothing', default: undefined }, /unknown type/],
  [
    'a nullable item in a list',
    { ...good, type: ['null', { type: 'array', items: ['null', 'string'] }] },
    /items/,
  ],
  ['a name that is not camelCase', { ...good, name: 'Place_name' }, /camelCase/],
  ['a date without its format', { ...good, name: 'reviewDate' }, /format date/],
  ['a time without its format', { ...good, name: 'seenAt' }, /date-time/],
  [
    'an enum without UNKNOWN',
    { ...good, type: { type: 'enum', name: 'Kind', doc: 'Kind.', symbols: ['a'] }, default: undefined },
    /UNKNOWN/,
  ],
  [
    'a list of parties with a role inside',
    {
      name: 'parties',
      doc: 'Parties.',
      type: {
        type: 'array',
        items: { type: 'record', name: 'Party', doc: 'Party.', fields: [{ ...good, name: 'role' }] },
      },
    },
    /one field per role/,
  ],
  [
    'a record inside itself',
    {
      name: 'node',
      doc: 'Node.',
      type: {
        type: 'record',
        name: 'Node',
        doc: 'Node.',
        fields: [{ name: 'next', type: ['null', 'Node'], default: null }],
      },
    },
    /inside itself/,
  ],
];

for (const [what, field, problem] of broken) {
  test(`${what} is a problem`, () => {
    const problems = checkSchema(schemaWith(field));
    assert.equal(problems.length, 1, problems.join('; '));
    assert.match(problems[0] ?? '', problem);
  });
}

test('an event without a contact, or a sibling without corrects and reason, is a problem', () => {
  const alone: AvroSchema = {
    type: 'record',
    name: 'uk.causeway.test.ThingSeenV1',
    doc: 'A thing.',
    fields: [good],
  };
  assert.match(checkSchema(alone).join(), /^contact: /);
  const sibling = { ...schemaWith(good), siblingOf: ['uk.causeway.test.thing.seen.v1'] };
  assert.deepEqual(
    checkSchema(sibling).map((problem) => problem.split(':')[0]),
    ['corrects', 'reason'],
  );
});

test('a type outside the subset is a problem', () => {
  const map = { name: 'tags', doc: 'Tags.', sensitivity: 'plain', type: { type: 'map', values: 'string' } };
  assert.match(checkSchema(schemaWith(map as unknown as AvroField)).join(), /are allowed/);
});

const record = (name: string, ...fields: AvroField[]): AvroField => ({
  name: name.charAt(0).toLowerCase() + name.slice(1),
  doc: name,
  type: { type: 'record', name: `uk.causeway.common.${name}`, doc: name, fields },
});
const code = (name: string, namespace = 'common'): AvroField => ({
  name: name.charAt(0).toLowerCase() + name.slice(1),
  doc: name,
  sensitivity: 'plain',
  type: {
    type: 'enum',
    name: `uk.causeway.${namespace}.${name}`,
    doc: name,
    symbols: ['UNKNOWN'],
    default: 'UNKNOWN',
  },
});
const aboutSomebody = [record('Person', good), code('PersonCategory')];

test('an event is about a person and says whether that is a child', () => {
  const type = 'uk.causeway.nhs.thing.seen.v1';
  assert.deepEqual(checkEventType(type, schemaWith(...aboutSomebody)), []);
  const problems = checkEventType(type, schemaWith(good)).map((problem) => problem.split(':')[0]);
  assert.deepEqual(problems, ['person', 'personCategory']);
  const list: AvroField = {
    name: 'person',
    doc: 'Who.',
    type: ['null', aboutSomebody[0]?.type ?? ''],
    default: null,
  };
  assert.match(
    checkEventType(type, schemaWith(list, code('PersonCategory'))).join(),
    /^person: .*not nullable/,
  );
});

test('a police event says whether it is a fact, and what the person is to the police', () => {
  const type = 'uk.causeway.police.thing.seen.v1';
  const problems = checkEventType(type, schemaWith(...aboutSomebody)).map((problem) => problem.split(':')[0]);
  assert.deepEqual(problems, ['assertionKind', 'dataSubjectCategory']);
  const told = [code('AssertionKind', 'police'), code('DataSubjectCategory', 'police')];
  assert.deepEqual(checkEventType(type, schemaWith(...aboutSomebody, ...told)), []);
});

test('feedback and links are about nobody', () => {
  for (const type of ['uk.causeway.exchange.thing.seen.v1', 'uk.causeway.nhs.identity.linked.v1']) {
    assert.deepEqual(checkEventType(type, schemaWith(good)), []);
  }
});

test('a name says what happened, and a retraction what it takes back', () => {
  const schema = schemaWith(...aboutSomebody);
  assert.match(checkEventType('uk.causeway.nhs.record.updated.v1', schema).join(), /but not what/);
  assert.match(checkEventType('uk.causeway.nhs.thing.voided.v1', schema).join(), /^voids/);
});

test('where somebody is, free text and numbers are marked as what they are, whatever the author thought', () => {
  const marked = (name: string) =>
    checkEventType(
      'uk.causeway.nhs.thing.seen.v1',
      schemaWith(...aboutSomebody, { ...good, name, sensitivity: 'plain' }),
    );
  for (const [name, sensitivity] of [
    ['ward', 'location'],
    ['lastSeenArea', 'location'],
    ['placingAuthority', 'location'],
    ['circumstances', 'narrative'],
    ['caseReference', 'identifier'],
    ['pncId', 'criminal'],
  ] as const) {
    assert.deepEqual(marked(name), [`${name}: a field of this name is ${sensitivity}`]);
  }
  assert.deepEqual(marked('team'), []);
});

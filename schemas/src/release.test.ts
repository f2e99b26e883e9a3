import assert from 'node:assert/strict';
import test from 'node:test';
import { type Agreement, parseAgreement } from './agreement.ts';
import { leavesOf } from './avro-schema.ts';
import { loadCatalogue } from './catalogue.ts';
import { expandAgreement } from './release.ts';
import { SAMPLE_AGREEMENT } from './testing/sample-agreement.ts';

const catalogue = loadCatalogue();
const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const VOIDED = 'uk.causeway.nhs.inpatient-admission.voided.v1';

function sample(): Agreement {
  const parsed = parseAgreement(SAMPLE_AGREEMENT, 'sample.yaml', catalogue);
  assert.ok('agreement' in parsed);
  return parsed.agreement;
}

function withRelease(release: Agreement['release']): Agreement {
  return { ...sample(), release };
}

const contact = ['organisation', 'team', 'telephone', 'outOfHoursTelephone', 'reference'].map(
  (x) => `contact.${x}`,
);
const name = ['familyName', 'givenNames', 'title', 'suffix', 'preferredName'].map((x) => `person.name.${x}`);

test('paths become leaves in writer order, with the contact and the general forms', () => {
  const { release, problems } = expandAgreement(sample(), catalogue);
  assert.deepEqual(problems, []);
  assert.deepEqual(release[ADMISSION], {
    leaves: [
      ...name,
      'person.dateOfBirth.value',
      'person.dateOfBirth.precision',
      'person.address.postcode',
      ...contact,
      'visitId',
      'admittedAt',
    ],
    generalise: {
      'person.address.postcode': 'outcode',
      'person.dateOfBirth.value': 'year',
      'person.dateOfBirth.precision': 'year',
    },
  });
});

test('a sibling that is not named follows its base: the same paths and forms, what it corrects and why', () => {
  const { release } = expandAgreement(sample(), catalogue);
  assert.deepEqual(Object.keys(release), [ADMISSION, VOIDED]);
  assert.deepEqual(release[VOIDED]?.leaves, [
    ...name,
    'person.dateOfBirth.value',
    'person.dateOfBirth.precision',
    'person.address.postcode',
    ...contact,
    'voids.visit',
    'voids.fact',
    'corrects',
    'reason',
    'admittedAt',
  ]);
  assert.deepEqual(release[VOIDED]?.generalise, release[ADMISSION]?.generalise);
});

test('a base that keeps the visit to itself keeps it in the sibling too', () => {
  const fields = ['admittedAt'];
  const agreement = withRelease({ [ADMISSION]: { fields, generalise: {}, necessity: {} } });
  const { release } = expandAgreement(agreement, catalogue);
  assert.deepEqual(release[VOIDED]?.leaves, [...contact, 'corrects', 'reason', 'admittedAt']);
});

test('a sibling that is named itself is released as it is named', () => {
  const agreement = withRelease({
    [VOIDED]: { fields: ['voids'], generalise: {}, necessity: {} },
    [ADMISSION]: { fields: ['person'], generalise: {}, necessity: {} },
  });
  const { release } = expandAgreement(agreement, catalogue);
  assert.deepEqual(release[VOIDED]?.leaves, [...contact, 'voids.visit', 'voids.fact', 'corrects', 'reason']);
});

test('a name can be given as initials and a time as its month; two forms of one leaf are refused', () => {
  const generalise = { 'person.name': 'initials', admittedAt: 'month' } as const;
  const agreement = withRelease({ [ADMISSION]: { fields: ['visitId'], generalise, necessity: {} } });
  const { release, problems } = expandAgreement(agreement, catalogue);
  assert.deepEqual(problems, []);
  assert.deepEqual(Object.keys(release[ADMISSION]?.generalise ?? {}), [...name, 'admittedAt']);
  const twice = { 'person.dateOfBirth': 'year', 'person.dateOfBirth.value': 'month' } as const;
  const mixed = withRelease({ [ADMISSION]: { fields: ['visitId'], generalise: twice, necessity: {} } });
  assert.match(expandAgreement(mixed, catalogue).problems[0]?.message ?? '', /two general forms/);
});

test('a block that gains a field later widens nothing that was expanded before', () => {
  const [before] = catalogue.filter(({ type }) => type === ADMISSION);
  assert.ok(before);
  const { release } = expandAgreement(sample(), catalogue);
  const grown = {
    ...before,
    schema: {
      ...before.schema,
      fields: [...before.schema.fields, { name: 'late', type: ['null', 'string'], default: null }],
    },
  };
  assert.equal(leavesOf(grown.schema).length, leavesOf(before.schema).length + 1);
  assert.equal(release[ADMISSION]?.leaves.includes('late'), false);
});

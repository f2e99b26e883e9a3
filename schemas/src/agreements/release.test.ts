import assert from 'node:assert/strict';
import test from 'node:test';
import { leavesOf } from '../avro/schema.ts';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import { SAMPLE_AGREEMENT } from '../testing/sample-agreement.ts';
import type { Agreement } from './agreement.ts';
import { parseAgreement } from './parse.ts';
import { expandAgreement } from './release.ts';

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

const DISCHARGE_VOIDED = 'uk.causeway.nhs.patient-discharge.voided.v1';

test('a sibling carries the conditions of its base in its own words, and none that it cannot answer', () => {
  const where = { admissionMethod: ['elective'], personCategory: ['adult'] };
  const { release, problems } = expandAgreement({ ...sample(), where }, catalogue);
  assert.deepEqual(problems, []);
  assert.equal(release[ADMISSION]?.sibling, undefined);
  const voided = catalogue.find(({ type }) => type === VOIDED);
  const paths = leavesOf(voided?.schema as never).map(({ path, field }) => field.basePath ?? path);
  assert.deepEqual(
    Object.keys(release[VOIDED]?.sibling?.where ?? {}).sort(),
    Object.keys(where)
      .filter((path) => paths.includes(path))
      .sort(),
  );
});

test('a sibling that is named itself takes the conditions of its base, even where it lacks the field', () => {
  const agreement = {
    ...withRelease({ [DISCHARGE_VOIDED]: { fields: ['person.name'], generalise: {}, necessity: {} } }),
    where: { dischargeMethod: ['usual'] },
  };
  const { problems } = expandAgreement(agreement, catalogue);
  assert.ok(
    problems.every(({ message }) => !message.includes('no such field')),
    JSON.stringify(problems),
  );
});

test('the case chain is released where a field of that name is written, also with siblings, and is no leaf', () => {
  const { release, problems } = expandAgreement(
    withRelease({ [ADMISSION]: { fields: ['person.name', 'correlationId'], generalise: {}, necessity: {} } }),
    catalogue,
  );
  assert.deepEqual(problems, []);
  for (const type of [ADMISSION, VOIDED]) {
    assert.deepEqual(release[type]?.attributes, ['correlationId']);
    assert.ok(!release[type]?.leaves.includes('correlationId'));
  }
  assert.equal(expandAgreement(sample(), catalogue).release[ADMISSION]?.attributes, undefined);
});

test('links between identities and feedback can be in no agreement', () => {
  const only = { fields: ['contact'], generalise: {}, necessity: {} };
  const { problems, release } = expandAgreement(
    withRelease({
      'uk.causeway.nhs.identity.linked.v1': only,
      'uk.causeway.exchange.acknowledgement.recorded.v1': only,
    }),
    catalogue,
  );
  assert.deepEqual(
    problems.map(({ message }) => message),
    [
      'is read by the exchange and the console only and never released',
      'needs no agreement: it goes to the organisation whose event it answers',
    ],
  );
  assert.deepEqual(release, {});
});

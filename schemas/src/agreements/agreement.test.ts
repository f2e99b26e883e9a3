import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import { SAMPLE_AGREEMENT } from '../testing/sample-agreement.ts';
import { type Agreement, agreementDigest, canonicalJson } from './agreement.ts';
import { describeProblem, parseAgreement } from './parse.ts';

const catalogue = loadCatalogue();

function read(text: string): Agreement {
  const parsed = parseAgreement(text, 'sample.yaml', catalogue);
  assert.ok(
    'agreement' in parsed,
    'problems' in parsed ? parsed.problems.map(describeProblem).join('\n') : '',
  );
  return parsed.agreement;
}

function problemsOf(text: string): string[] {
  const parsed = parseAgreement(text, 'sample.yaml', catalogue);
  return 'problems' in parsed ? parsed.problems.map(describeProblem) : [];
}

/** The sample with one piece of text replaced; fails when the piece is not there. */
function changed(from: string, to: string): string {
  assert.ok(SAMPLE_AGREEMENT.includes(from), from);
  return SAMPLE_AGREEMENT.replace(from, to);
}

test('an agreement with every member is read as it stands', () => {
  const agreement = read(SAMPLE_AGREEMENT);
  assert.equal(agreement.version, 1);
  assert.deepEqual(agreement.where, {
    personCategory: ['adult'],
    admissionMethod: ['elective', 'emergency'],
  });
  assert.deepEqual(agreement.valid, {
    from: '2026-10-01',
    until: '2027-09-30',
    review: '2027-06-01',
    graceDays: 30,
  });
  assert.equal(agreement.contacts.incident, '01632 960001');
});

test('what may be left out gets the narrowest meaning', () => {
  const lines = SAMPLE_AGREEMENT.split('\n').filter(
    (line) => !/^(matching|where|history|feedback|baseline):/.test(line),
  );
  const agreement = read(
    lines.join('\n').replace(', graceDays: 30', '').replace(', handling: [recipients-only]', ''),
  );
  const { matching, where, history, feedback, valid, marking } = agreement;
  assert.deepEqual(
    { matching, where, history, feedback, graceDays: valid.graceDays, handling: marking.handling },
    { matching: 'verified', where: {}, history: false, feedback: false, graceDays: 0, handling: [] },
  );
});

test('every audience is part of the format, and a condition may be a single value', () => {
  const known = read(changed('audience: all', 'audience: { knownAs: [adult-care-package] }'));
  assert.deepEqual(known.audience, { knownAs: ['adult-care-package'] });
  assert.equal(read(changed('audience: all', 'audience: originator')).audience, 'originator');
  assert.deepEqual(read(changed('personCategory: [adult]', 'personCategory: adult')).where.personCategory, [
    'adult',
  ]);
});

const faults: Array<[string, string, string, string]> = [
  ['text that is not YAML', 'title: Hospital', 'title: [Hospital', '5:1: '],
  [
    'a member that is not known',
    'history: false',
    'histry: false',
    '23:1: histry: is not part of an agreement',
  ],
  ['a member that is missing', 'purpose: hospital-discharge\n', '', '1:1: purpose is missing'],
  ['a member given twice', 'history: false', 'feedback: true', '24:1: Map keys must be unique'],
  [
    'a code that no list has',
    'purpose: hospital-discharge',
    'purpose: curiosity',
    '10:10: purpose: must be one of ',
  ],
  [
    'a day that does not exist',
    'until: 2027-09-30',
    'until: 2027-09-31',
    '16:35: valid.until: must be a date',
  ],
  [
    'a telephone number read as a number',
    'incident: 01632 960001',
    'incident: 01632960001',
    '18:62: contacts.incident: must be string (quote it)',
  ],
  ['a retention that is no duration', 'P2Y', '2 years', '14:25: recipient.retention: must be a duration'],
  [
    'an audience of another kind',
    'audience: all',
    'audience: some',
    '20:11: audience: must be all, originator or ',
  ],
  [
    'an interest that no list has',
    'audience: all',
    'audience: { knownAs: [nosy] }',
    '20:23: audience.knownAs[0]: must be one of ',
  ],
  [
    'an active agreement without an assessment',
    'dpia: { reference: DPIA-2026-021, approvedAt: 2026-08-20 }\n',
    '',
    '3:9: status: active needs a dpia',
  ],
  [
    'an active agreement that one party did not approve',
    ', approvedBy: Caldicott Guardian, approvedAt: 2026-09-01',
    '',
    '8:3: parties.westshire-nhs-trust: has not approved',
  ],
  [
    'a recipient that is no party',
    'to: [westshire-council]',
    'to: [westshire-council, westshire-police]',
    '7:1: parties: westshire-police is missing',
  ],
  [
    'a party that is no recipient',
    'to: [westshire-council]',
    'to: [westshire-police]',
    '9:3: parties.westshire-council: is neither',
  ],
  [
    'a source that is its own recipient',
    'to: [westshire-council]',
    'to: [westshire-council, westshire-nhs-trust]',
    '6:25: to[1]: must not be the source',
  ],
  [
    'a party under the general regime without a basis',
    'regime: uk-gdpr, article6: public-task, article9: health-or-social-care, schedule1: [2], approvedBy: Caldicott',
    'regime: uk-gdpr, approvedBy: Caldicott',
    '8:3: parties.westshire-nhs-trust: article6 is missing',
  ],
  [
    'a legal gateway that is not in force',
    'care-act-2014-s6',
    'children-act-2004-s16la',
    '11:51: gateways[1]: children-act-2004-s16la is not in force',
  ],
  [
    'an end before the beginning',
    'until: 2027-09-30, review: 2027-06-01',
    'until: 2026-09-30, review: 2026-10-01',
    '16:35: valid.until: is before valid.from',
  ],
  [
    'a review after the end',
    'review: 2027-06-01',
    'review: 2027-10-01',
    '16:55: valid.review: is after valid.until',
  ],
  [
    'an event type that does not exist',
    'inpatient-admission.recorded.v1',
    'inpatient-admission.recorded.v9',
    '26:3: release.uk.causeway.nhs.inpatient-admission.recorded.v9: no such event type',
  ],
  [
    'a path that does not exist',
    'admittedAt]',
    'admittedOn]',
    '27:36: release.uk.causeway.nhs.inpatient-admission.recorded.v1.fields[2]: admittedOn: no such field',
  ],
  [
    'a path both exact and in a general form',
    'fields: [person.name,',
    'fields: [person.name, person.address,',
    '28:19: ',
  ],
  ['a form that the field cannot take', 'person.dateOfBirth: year', 'person.dateOfBirth: outcode', '28:53: '],
  [
    'a necessity for what is not released',
    'necessity: { person.name:',
    'necessity: { person.sex:',
    '29:18: ',
  ],
  [
    'a condition on a field that does not exist',
    'personCategory: [adult]',
    'personKind: [adult]',
    '22:10: where.personKind: personKind: no such field',
  ],
  [
    'a condition on free text',
    'personCategory: [adult]',
    'visitId: [V1]',
    '22:10: where.visitId: is neither a code nor a yes or no',
  ],
  [
    'a condition with a code that the field does not know',
    'personCategory: [adult]',
    'personCategory: [grown-up]',
    '22:10: where.personCategory: grown-up: must be among',
  ],
  [
    'a condition that UNKNOWN would meet',
    'personCategory: [adult]',
    'personCategory: [UNKNOWN]',
    '22:26: where.personCategory: UNKNOWN never',
  ],
  [
    'a release of nothing',
    '    fields: [person.name, visitId, admittedAt]\n    generalise: { person.address.postcode: outcode, person.dateOfBirth: year }\n',
    '',
    '27:5: release',
  ],
];

for (const [what, from, to, expected] of faults) {
  test(`${what} is refused with line and column`, () => {
    const problems = problemsOf(changed(from, to));
    assert.ok(
      problems.some((problem) => problem.startsWith(`sample.yaml:${expected}`)),
      problems.join('\n') || 'no problem found',
    );
  });
}

test('all problems are reported together, in the order of the file', () => {
  const text = changed('version: 1', 'version: one')
    .replace('audience: all', 'audience: some')
    .replace('P2Y', 'x');
  assert.deepEqual(
    problemsOf(text).map((problem) => problem.split(':')[1]),
    ['2', '14', '20'],
  );
});

test('a file that is empty, a list, or bent on unfolding for ever is refused', () => {
  const bomb = [
    'a: &a [x, x]',
    ...[...'bcdefgh'].map((key, i) => `${key}: &${key} [*${'abcdefg'[i]}, *${'abcdefg'[i]}]`),
  ];
  for (const text of ['', '- 1', 'null', bomb.join('\n'), '? {a: 1}\n: 2', '!!js/function x']) {
    assert.ok(problemsOf(text).length > 0, text);
  }
});

test('a text of very many keys is refused at once, and one of as many as may be is read in a moment', () => {
  const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}: 1`).join('\n');
  const began = performance.now();
  assert.match(problemsOf(keys(20_000)).join('\n'), /is longer than 32768 characters/);
  assert.ok(problemsOf(keys(3_000)).length > 0);
  assert.ok(performance.now() - began < 5_000);
});

test('no text whatever makes the reader throw', () => {
  const piece = fc.constantFrom(
    ...SAMPLE_AGREEMENT.split(/(?<=[\s:,[\]{}])/),
    '&a',
    '*a',
    '!!x',
    '__proto__: ',
    '"',
    '|',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece).map((pieces) => pieces.join('')),
  );
  fc.assert(fc.property(text, (yaml) => assert.ok(parseAgreement(yaml, 'random.yaml', catalogue))));
});

test('the digest depends on the content, not on its layout, its comments or its status', () => {
  const digest = agreementDigest(read(SAMPLE_AGREEMENT));
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.equal(agreementDigest(read(changed('status: active', 'status: draft # for now'))), digest);
  assert.equal(agreementDigest(read(changed('history: false\nfeedback: true', 'feedback: true'))), digest);
  assert.notEqual(agreementDigest(read(changed('visitId, ', ''))), digest);
});

test('equal values have equal canonical JSON', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      assert.equal(canonicalJson(reversed), canonicalJson(value));
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
    }),
  );
});

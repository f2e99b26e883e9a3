import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import { type AgreementRecord, applyRecord, emptyState } from '@causeway/schemas/agreements/log';
import { parseAgreement } from '@causeway/schemas/agreements/parse';
import { SAMPLE_AGREEMENT } from '@causeway/schemas/testing/sample-agreement';
import { testToken } from '@causeway/testing/bus';
import fc from 'fast-check';
import type { Envelope } from '../bus/envelope.ts';
import { createLinks, type Link, linkRecord } from '../reference-data/identity-links.ts';
import { createInterests, type Interest } from '../reference-data/interests.ts';
import type { Organisation } from '../reference-data/organisations.ts';
import { noPeopleKnown, type People } from '../reference-data/people.ts';
import { createSafeguards, type Safeguard } from '../reference-data/safeguards.ts';
import { termRefusal } from './gates.ts';
import {
  decideReleases,
  needsData,
  type Question,
  reasonSeenBy,
  reference,
  rulebookOf,
  ukDate,
} from './release-decision.ts';

const parsed = parseAgreement(SAMPLE_AGREEMENT, 'sample.yaml');
assert.ok('agreement' in parsed);

const TYPE = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const BASE: Agreement = {
  ...parsed.agreement,
  from: 'trust',
  to: ['council'],
  valid: { from: '2026-10-01', until: '2027-09-30', review: '2027-06-01', graceDays: 30 },
  marking: { ceiling: 'OFFICIAL-SENSITIVE', handling: [] },
  where: {},
  history: false,
};

type Version = { id?: string; version?: number; status?: string[]; agreement?: Partial<Agreement> };

const rulesOf = (...versions: Version[]) => {
  const by = 'test';
  const at = '2026-09-01T09:00:00Z';
  const records = versions.flatMap(({ id = 'stay', version = 1, status = ['active'], agreement = {} }) => [
    {
      kind: 'version',
      id,
      version,
      agreement: { ...BASE, ...agreement, id, version },
      release: { [TYPE]: { schemaId: 1, leaves: [], generalise: {} } },
      digest: '',
      by,
      at,
    },
    ...status.map((one) => ({ kind: 'status', id, version, status: one, reason: '', by, at })),
  ]) as AgreementRecord[];
  return rulebookOf(records.reduce(applyRecord, emptyState()));
};

const EVENT: Envelope = {
  id: 'A'.repeat(22),
  source: '/trust/test',
  type: TYPE,
  time: '2026-10-05T14:20:00+01:00',
  subject: 'B'.repeat(22),
  tokens: [],
  otherTokens: [],
  classification: 'OFFICIAL-SENSITIVE',
  handling: [],
  exclude: [],
  replay: false,
  agreement: [],
};

const organisation = (id: string, handlingAccepted: string[] = []): Organisation => ({
  id,
  name: id,
  kind: 'other',
  handlingAccepted,
  dutyContacts: [],
});

const ask = (versions: Version[], event: Partial<Envelope> = {}, question: Partial<Question> = {}) =>
  decideReleases({
    rules: rulesOf(...versions),
    source: 'trust',
    event: { ...EVENT, ...event },
    data: {},
    organisation: (id) => organisation(id),
    people: noPeopleKnown(),
    today: '2026-10-05',
    ...question,
  });

const outcome = (decisions: ReturnType<typeof decideReleases>) =>
  decisions.map((decision) =>
    decision.outcome === 'released'
      ? `${decision.recipient}: ${decision.versions.map(reference).join(' ')}`
      : `${decision.recipient}: ${decision.reason}`,
  );

const CONDITION = { where: { patientClass: ['inpatient'] } };

/** Each gate: agreement, event and question that are refused there, in the order in which gates are asked. */
const REFUSALS: [reason: string, agreement: Partial<Agreement>, event: Partial<Envelope>, data?: unknown][] =
  [
    ['not-active', { valid: { ...BASE.valid, from: '2026-10-06' } }, {}],
    ['expired', { valid: { ...BASE.valid, until: '2026-10-04' } }, {}],
    ['review-overdue', { valid: { ...BASE.valid, review: '2026-09-04', graceDays: 30 } }, {}],
    ['source-restricted', {}, { exclude: ['police', 'council'] }],
    ['above-ceiling', { marking: { ceiling: 'OFFICIAL', handling: [] } }, {}],
    ['handling-not-accepted', {}, { handling: ['conditions-apply'] }],
    ['history-not-agreed', {}, { replay: true }],
    ['condition-not-met', CONDITION, {}, { patientClass: 'day-case' }],
    ['not-known', { audience: { knownAs: ['tenancy'] } }, {}],
  ];

test('an event is released to whom an active agreement names, and decided for nobody else', () => {
  assert.deepEqual(outcome(ask([{}])), ['council: stay/1']);
  assert.deepEqual(ask([{}], { type: 'uk.causeway.nhs.patient-discharge.recorded.v1' }), []);
  assert.deepEqual(ask([{}], {}, { source: 'council' }), []);
  assert.deepEqual(ask([]), []);
  const two = ask([{ agreement: { to: ['council', 'police'] } }, { id: 'b', agreement: { to: ['gp'] } }]);
  assert.deepEqual(outcome(two), ['council: stay/1', 'police: stay/1', 'gp: b/1']);
});

test('each gate refuses with its reason and passes what it is not about', () => {
  for (const [reason, agreement, event, data = {}] of REFUSALS)
    assert.deepEqual(outcome(ask([{ agreement }], event, { data })), [`council: ${reason}`], reason);
  const passing: [Partial<Agreement>, Partial<Envelope>, unknown][] = [
    [{ valid: { ...BASE.valid, from: '2026-10-05', until: '2026-10-05' } }, {}, {}],
    [{ valid: { ...BASE.valid, review: '2026-09-05', graceDays: 30 } }, {}, {}],
    [{ marking: { ceiling: 'OFFICIAL', handling: [] } }, { classification: 'OFFICIAL' }, {}],
    [{}, { exclude: ['police'] }, {}],
    [{ history: true }, { replay: true }, {}],
    [CONDITION, {}, { patientClass: 'inpatient' }],
  ];
  for (const [agreement, event, data] of passing)
    assert.deepEqual(outcome(ask([{ agreement }], event, { data })), ['council: stay/1']);
  assert.deepEqual(outcome(ask([{}], { exclude: ['all'] })), ['council: source-restricted']);
});

test('where several gates refuse, the first in order is the reason', () => {
  for (const [index, [first, agreement, event]] of REFUSALS.entries())
    for (const [, otherAgreement, otherEvent, data = {}] of REFUSALS.slice(index + 1)) {
      const valid = { ...otherAgreement.valid, ...agreement.valid };
      const both = {
        ...otherAgreement,
        ...agreement,
        ...('until' in valid ? { valid } : {}),
      } as Partial<Agreement>;
      const asked = ask([{ agreement: both }], { ...otherEvent, ...event }, { data });
      assert.deepEqual(outcome(asked), [`council: ${first}`]);
    }
});

test('handling needs both the agreement and the undertaking of the recipient, for every code', () => {
  const marking = { ceiling: 'OFFICIAL-SENSITIVE' as const, handling: ['a', 'b'] };
  const cases: [agreed: boolean, accepted: string[], handling: string[], released: boolean][] = [
    [true, ['a', 'b'], ['a', 'b'], true],
    [true, ['a'], ['a', 'b'], false],
    [false, ['a', 'b'], ['a'], false],
    [true, [], ['a'], false],
    [true, ['a', 'b', 'c'], ['c'], false],
    [false, [], [], true],
  ];
  for (const [agreed, accepted, handling, released] of cases) {
    const [decision] = ask(
      [{ agreement: agreed ? { marking } : {} }],
      { handling },
      { organisation: (id) => organisation(id, accepted) },
    );
    assert.equal(
      decision?.outcome,
      released ? 'released' : 'withheld',
      JSON.stringify([agreed, accepted, handling]),
    );
  }
});

test('a condition on an unknown, absent or null value is not met', () => {
  for (const data of [{}, null, undefined, { patientClass: null }, { patientClass: 'UNKNOWN' }, 'inpatient'])
    assert.deepEqual(outcome(ask([{ agreement: CONDITION }], {}, { data })), ['council: condition-not-met']);
  assert.equal(needsData(rulesOf({ agreement: CONDITION }), 'trust', TYPE), true);
  assert.equal(needsData(rulesOf({}), 'trust', TYPE), false);
  assert.equal(needsData(rulesOf({ agreement: CONDITION }), 'council', TYPE), false);
});

test('an organisation that is not registered has no inbox', () => {
  assert.deepEqual(outcome(ask([{}], {}, { organisation: () => undefined })), ['council: no-inbox']);
});

test('a draft names nobody; suspended, ended and superseded agreements refuse, and never bring an older one back', () => {
  assert.deepEqual(ask([{ status: [] }]), []);
  assert.deepEqual(ask([{ status: ['draft'] }]), []);
  for (const last of ['suspended', 'ended'])
    assert.deepEqual(outcome(ask([{ status: ['active', last] }])), ['council: not-active']);
  const newer = { version: 2, agreement: { to: ['police'] } };
  assert.deepEqual(outcome(ask([{}, { ...newer, status: ['active'] }])), ['police: stay/2']);
  assert.deepEqual(
    outcome(ask([{}, { ...newer, status: [] }])),
    ['council: stay/1'],
    'a draft of it changes nothing',
  );
  assert.deepEqual(outcome(ask([{}, { ...newer, status: ['active', 'suspended'] }])), ['police: not-active']);
  assert.deepEqual(outcome(ask([{}, { ...newer, status: ['active', 'ended'] }])), ['police: not-active']);
});

test('of several agreements all that pass release together, and one that passes is enough', () => {
  const open = { id: 'open' };
  const closed = { id: 'closed', agreement: { valid: { ...BASE.valid, until: '2026-10-04' } } };
  assert.deepEqual(outcome(ask([open, closed, { id: 'more' }])), ['council: open/1 more/1']);
});

test('where all refuse, the reason is that of the agreement that came furthest', () => {
  for (const [index, [, nearAgreement]] of REFUSALS.entries())
    for (const [reason, agreement, event, data = {}] of REFUSALS.slice(index + 1)) {
      const asked = ask(
        [
          { id: 'far', agreement },
          { id: 'near', agreement: nearAgreement },
        ],
        event,
        { data },
      );
      const [decision] = asked;
      if (decision?.outcome === 'withheld') assert.equal(decision.reason, reason);
      else assert.deepEqual(nearAgreement, {});
      assert.equal(decision?.versions.length, decision?.outcome === 'withheld' ? 2 : 1);
    }
});

test('the same question always has the same answer, and the question is not changed', () => {
  const rules = rulesOf({}, { id: 'b', agreement: { to: ['council', 'police'], ...CONDITION } });
  fc.assert(
    fc.property(
      fc.constantFrom<Envelope['classification']>('OFFICIAL', 'OFFICIAL-SENSITIVE'),
      fc.array(fc.constantFrom('council', 'police', 'all')),
      fc.boolean(),
      (classification, exclude, replay) => {
        const event = Object.freeze({ ...EVENT, classification, exclude, replay });
        const first = ask([], event, { rules });
        assert.deepEqual(ask([], event, { rules }), first);
        if (exclude.includes('all')) assert.ok(first.every((decision) => decision.outcome === 'withheld'));
        if (exclude.includes('police'))
          assert.ok(
            first.every(({ recipient, outcome: made }) => recipient !== 'police' || made === 'withheld'),
          );
      },
    ),
  );
});

test('the terms of an agreement alone say what a released event may be handed over under', () => {
  const [[version] = []] = rulesOf({}).get(`trust ${TYPE}`)?.values() ?? [];
  assert.ok(version);
  const on = (today: string) => termRefusal(version, today);
  assert.deepEqual(
    ['2026-09-30', '2026-10-01', '2027-07-01', '2027-07-02', '2027-09-30', '2027-10-01'].map(on),
    ['not-active', null, null, 'review-overdue', 'review-overdue', 'expired'],
  );
  assert.equal(termRefusal({ ...version, status: 'suspended' }, '2026-10-05'), 'not-active');
});

test('days begin and end at midnight in the United Kingdom, in summer and in winter', () => {
  const days = [
    '2026-06-30T22:59:59Z',
    '2026-06-30T23:00:00Z',
    '2026-12-31T23:59:59Z',
    '2027-01-01T00:00:00Z',
  ];
  assert.deepEqual(
    days.map((time) => ukDate(new Date(time))),
    ['2026-06-30', '2026-07-01', '2026-12-31', '2027-01-01'],
  );
});

const NHS = testToken('nhs');
const NAME = testToken('name');

type Known = { interests?: Partial<Interest>[]; safeguards?: Partial<Safeguard>[]; links?: Link[] };

const peopleWith = ({ interests = [], safeguards = [], links = [] }: Known): People => {
  const people = { interests: createInterests(), safeguards: createSafeguards(), links: createLinks() };
  const record = (value: object, offset: number) => ({
    offset,
    timestamp: Date.parse('2026-10-01T09:00:00Z'),
    headers: {},
    key: Buffer.from(`${offset}`),
    value: Buffer.from(JSON.stringify(value)),
  });
  const named = { writer: 'test', reference: 'case', tokens: [NHS], since: '2026-01-01' };
  for (const [offset, one] of interests.entries())
    people.interests.apply(
      'council',
      record({ ...named, reason: 'looked-after', expires: '2027-01-01', ...one }, offset),
    );
  for (const [offset, one] of safeguards.entries())
    people.safeguards.apply(
      'police',
      record({ ...named, kind: 'shielded', review: '2027-01-01', ...one }, offset),
    );
  for (const link of links) people.links.apply({ key: null, value: linkRecord(link).value });
  return people;
};

const KNOWN: Partial<Agreement> = { audience: { knownAs: ['looked-after', 'child-protection-plan'] } };
const PERSON = { tokens: [NHS, NAME] };

const askKnown = (agreement: Partial<Agreement>, known: Known, event: Partial<Envelope> = PERSON) => {
  const [decision] = ask([{ agreement }], event, { people: peopleWith(known) });
  if (decision?.outcome !== 'released') return decision?.reason;
  return [decision.match ?? 'nobody was looked up', ...(decision.shielded ? ['shielded'] : [])].join(' ');
};

test('an event goes to whoever knows the person for one of the reasons, and says how certain that is', () => {
  assert.equal(askKnown(KNOWN, { interests: [{}] }), 'verified');
  assert.equal(askKnown(KNOWN, { interests: [{ reason: 'tenancy' }] }), 'not-known');
  assert.equal(askKnown(KNOWN, { interests: [{ until: '2026-10-04' }] }), 'not-known');
  assert.equal(askKnown(KNOWN, {}), 'not-known');
  assert.equal(askKnown({}, { interests: [{}] }), 'nobody was looked up');
  const subject = { interests: [{ tokens: [EVENT.subject] }] };
  assert.equal(askKnown(KNOWN, subject, {}), 'verified', "by the source's own token");
});

test('a match by name and date of birth counts only where the agreement says so, and is said', () => {
  const possible = { interests: [{ tokens: [testToken('other')], demographic: NAME }] };
  assert.equal(askKnown(KNOWN, possible), 'not-known');
  assert.equal(askKnown({ ...KNOWN, matching: 'demographic' }, possible), 'possible');
  const both = { interests: [...possible.interests, {}] };
  assert.equal(askKnown({ ...KNOWN, matching: 'demographic' }, both), 'verified');
});

test('a person is known over a link between identities that nobody has rejected', () => {
  const old = testToken('retired number');
  const link: Link = {
    kind: 'link',
    id: 'l',
    source: 'asserted',
    organisation: 'trust',
    tokens: [NHS],
    otherTokens: [old],
    at: '2026-10-01T09:00:00Z',
  };
  const interests = [{ tokens: [old] }];
  assert.equal(askKnown(KNOWN, { interests }), 'not-known');
  assert.equal(askKnown(KNOWN, { interests, links: [link] }), 'verified');
  assert.equal(
    askKnown({}, { safeguards: [{ tokens: [old], kind: 'objection-upheld' }], links: [link] }),
    'processing-restricted',
  );
});

test('an answer goes to the one whom it answers and to nobody else', () => {
  const agreement = { audience: 'originator' as const, to: ['council', 'police'] };
  const id = 'A'.repeat(22);
  assert.deepEqual(outcome(ask([{ agreement }], { inResponseTo: `/police/${id}` })), [
    'council: not-known',
    'police: stay/1',
  ]);
  assert.deepEqual(outcome(ask([{ agreement }])), ['council: not-known', 'police: not-known']);
});

test('safeguards of any organisation hold for everybody, by a possible match too', () => {
  for (const kind of ['processing-restricted', 'objection-upheld'] as const)
    for (const named of [{ tokens: [NHS] }, { tokens: [], demographic: NAME }])
      assert.equal(askKnown({}, { safeguards: [{ kind, ...named }] }), 'processing-restricted');
  assert.equal(askKnown({}, { safeguards: [{}] }), 'nobody was looked up shielded');
  assert.equal(askKnown(KNOWN, { safeguards: [{}], interests: [{}] }), 'verified shielded');
  assert.equal(askKnown({}, { safeguards: [{ tokens: [testToken('other')] }] }), 'nobody was looked up');
  const other = { tokens: [], otherTokens: [NHS] };
  assert.equal(
    askKnown({}, { safeguards: [{}] }, other),
    'nobody was looked up shielded',
    'of somebody else in it',
  );
  assert.equal(askKnown({}, { safeguards: [{ kind: 'objection-upheld' }] }, other), 'nobody was looked up');
});

test('what withdraws an event reaches whoever can have got it', () => {
  const base = rulesOf({ agreement: { ...KNOWN, where: { method: ['elective'] } } });
  for (const versions of base.get(`trust ${TYPE}`)?.values() ?? [])
    for (const { record } of versions) {
      const release = record.release[TYPE];
      if (release) release.sibling = { where: { method: ['elective'] } };
    }
  const closed = peopleWith({ interests: [{ until: '2026-10-04' }] });
  const about = (data: unknown, people = closed) => outcome(ask([], PERSON, { rules: base, data, people }));
  assert.deepEqual(about({}), ['council: stay/1'], 'the case was closed since, and the method is not said');
  assert.deepEqual(about({ method: 'UNKNOWN' }), ['council: stay/1']);
  assert.deepEqual(about({ method: 'maternity' }), ['council: condition-not-met']);
  assert.deepEqual(
    about({}, noPeopleKnown()),
    ['council: not-known'],
    'who never knew the person got nothing',
  );
});

test('feedback goes without an agreement, to the organisation that it answers and to nobody else', () => {
  const type = 'uk.causeway.exchange.acknowledgement.recorded.v1';
  const inResponseTo = `/police/${'A'.repeat(22)}`;
  const feedback = (event: Partial<Envelope>, question: Partial<Question> = {}) =>
    ask([], { type, ...event }, question);
  assert.deepEqual(outcome(feedback({ inResponseTo })), ['police: ']);
  assert.deepEqual(feedback({}), []);
  assert.deepEqual(feedback({ inResponseTo: `/trust/${'A'.repeat(22)}` }), [], 'nobody answers himself');
  assert.deepEqual(outcome(feedback({ inResponseTo }, { organisation: () => undefined })), [
    'police: no-inbox',
  ]);
  assert.deepEqual(outcome(feedback({ inResponseTo, exclude: ['all'] })), ['police: source-restricted']);
});

test('a link between identities goes to nobody, whatever an agreement says', () => {
  const type = 'uk.causeway.nhs.identity.linked.v1';
  const rules = rulesOf({});
  const naming = new Map([[`trust ${type}`, rules.get(`trust ${TYPE}`) ?? new Map()]]);
  assert.deepEqual(ask([], { type }, { rules: naming }), []);
});

test('that a source restricted an event is told to the source alone', () => {
  assert.equal(reasonSeenBy('trust', 'trust', 'source-restricted'), 'source-restricted');
  assert.equal(reasonSeenBy('council', 'trust', 'source-restricted'), null);
  assert.equal(reasonSeenBy('council', 'trust', 'not-known'), 'not-known');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Agreement, AgreementStatus } from '@causeway/schemas/agreements/agreement';
import {
  type AgreementRecord,
  type AgreementsState,
  applyRecord,
  emptyState,
} from '@causeway/schemas/agreements/log';
import type { TypeRelease } from '@causeway/schemas/agreements/release';
import type { AvroSchema } from '@causeway/schemas/avro/schema';
import type { Release } from '@causeway/schemas/disclosure/view';
import type { Envelope } from '../bus/envelope.ts';
import type { SafeguardKind } from '../reference-data/safeguards.ts';
import { authoriseDelivery } from './delivery-decision.ts';
import type { PolicySnapshot } from './policy-snapshot.ts';
import { rulebookOf } from './release-decision.ts';

const TYPE = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const BOTH: Release = { leaves: ['person.name', 'person.sex', 'place', 'method'], generalise: {} };
const NAME: Release = { leaves: ['person.name'], generalise: {} };

/** What lies in the inbox, and the view that it was written with. */
const DATA = { person: { name: 'A', sex: 'female' }, place: 'ward', method: 'elective' };
const SCHEMA: AvroSchema = {
  type: 'record',
  name: 'View',
  fields: [
    {
      name: 'person',
      type: {
        type: 'record',
        name: 'Person',
        fields: [
          { name: 'name', type: 'string' },
          { name: 'sex', type: 'string' },
        ],
      },
    },
    { name: 'place', type: 'string', sensitivity: 'location' },
    { name: 'method', type: 'string' },
  ],
};
const ONLY_NAME = { person: { name: 'A' } };

type Loaded = {
  id: string;
  version: number;
  status: AgreementStatus;
  valid?: Partial<Agreement['valid']>;
  to?: string[];
  release?: Record<string, TypeRelease>;
} & Partial<Pick<Agreement, 'marking' | 'where' | 'audience' | 'matching' | 'history'>>;

const rulesOf = (...agreements: Loaded[]) => {
  const records = agreements.flatMap(
    ({ id, version, status, valid, to = ['a-council'], release = { [TYPE]: BOTH }, ...rest }) => {
      const term = { from: '2026-01-01', until: '2026-12-31', review: '2026-12-01', graceDays: 30, ...valid };
      const marking = { ceiling: 'OFFICIAL-SENSITIVE', handling: ['adoption'] };
      const agreement = {
        ...{ id, version, from: 'a-trust', to, valid: term, marking, audience: 'all', matching: 'verified' },
        ...rest,
      } as unknown as Agreement;
      const pinned = Object.fromEntries(
        Object.entries(release).map(([type, granted]) => [type, { ...granted, schemaId: 1 }]),
      );
      const common = { id, version, by: 'test', at: '2026-01-01T00:00:00Z' };
      return [
        { kind: 'version', ...common, agreement, release: pinned, digest: '' },
        { kind: 'status', ...common, status, reason: 'test' },
      ] satisfies AgreementRecord[];
    },
  );
  return records.reduce(applyRecord, emptyState());
};

const ask = (
  state: AgreementsState,
  agreement: string[],
  today = '2026-06-01',
  recipient = 'a-council',
  event: Partial<Envelope> = {},
  known: Partial<PolicySnapshot> = {},
) => {
  const ruling: PolicySnapshot = {
    rules: rulebookOf(state),
    version: (reference) => state.versions.get(reference),
    handlingAccepted: (_, codes) => [...codes],
    protecting: () => [],
    today,
    ...known,
  };
  const sent: Envelope = {
    id: 'A'.repeat(22),
    source: '/a-trust/adt',
    type: TYPE,
    time: '2026-05-01T09:00:00Z',
    subject: 'B'.repeat(22),
    tokens: [],
    otherTokens: [],
    classification: 'OFFICIAL-SENSITIVE',
    handling: [],
    exclude: [],
    replay: false,
    agreement,
    ...event,
  };
  return authoriseDelivery(ruling, { event: sent, data: DATA, schema: SCHEMA }, recipient);
};

const said = (answer: ReturnType<typeof ask>) =>
  answer.outcome === 'withhold' ? answer.reason : { agreements: answer.event.agreement, data: answer.data };

test('an event goes out whole while the agreement that released it is in force', () => {
  const rules = rulesOf({ id: 'one', version: 1, status: 'active' });
  assert.deepEqual(said(ask(rules, ['one/1'])), { agreements: ['one/1'], data: DATA });
});

test('an event is withheld once its agreement is suspended or ended', () => {
  for (const status of ['suspended', 'ended'] as const) {
    const rules = rulesOf({ id: 'one', version: 1, status });
    assert.deepEqual(ask(rules, ['one/1']), { outcome: 'withhold', reason: 'not-active' });
  }
});

test('the first and the last day of an agreement are in its term, the days around it are not', () => {
  const rules = rulesOf({ id: 'one', version: 1, status: 'active', valid: { review: '2027-01-01' } });
  const outcomes = ['2025-12-31', '2026-01-01', '2026-12-31', '2027-01-01'].map((day) => {
    const answer = ask(rules, ['one/1'], day);
    return answer.outcome === 'withhold' ? answer.reason : answer.outcome;
  });
  assert.deepEqual(outcomes, ['not-active', 'release', 'release', 'expired']);
});

test('an event is withheld when the review of its agreement is overdue beyond the days of grace', () => {
  const rules = rulesOf({
    id: 'one',
    version: 1,
    status: 'active',
    valid: { review: '2026-03-01', graceDays: 10 },
  });
  assert.equal(ask(rules, ['one/1'], '2026-03-11').outcome, 'release');
  assert.deepEqual(ask(rules, ['one/1'], '2026-03-12'), { outcome: 'withhold', reason: 'review-overdue' });
});

test('an event without any agreement, or under one that nobody knows, is withheld', () => {
  const rules = rulesOf({ id: 'one', version: 1, status: 'active' });
  assert.equal(ask(rules, []).outcome, 'withhold');
  assert.equal(ask(rules, ['another/1']).outcome, 'withhold');
});

test('an agreement that did not put the event there does not count for it', () => {
  const rules = rulesOf(
    { id: 'one', version: 1, status: 'ended' },
    { id: 'two', version: 1, status: 'active' },
  );
  assert.equal(ask(rules, ['one/1']).outcome, 'withhold');
});

test('an event is withheld from a recipient whom the newer version does not name any more', () => {
  const rules = rulesOf(
    { id: 'one', version: 1, status: 'active' },
    { id: 'one', version: 2, status: 'active', to: ['a-school'] },
  );
  assert.equal(ask(rules, ['one/1']).outcome, 'withhold');
  assert.equal(ask(rules, ['one/1'], '2026-06-01', 'a-charity').outcome, 'withhold');
});

test('under a newer version of its agreement an event is narrowed to what that grants', () => {
  const rules = rulesOf(
    { id: 'one', version: 1, status: 'active' },
    { id: 'one', version: 2, status: 'active', release: { [TYPE]: NAME } },
  );
  assert.deepEqual(said(ask(rules, ['one/1'])), { agreements: ['one/2'], data: ONLY_NAME });
});

test('when one of two agreements has ended an event is narrowed to what the other grants', () => {
  const rules = rulesOf(
    { id: 'one', version: 1, status: 'ended' },
    { id: 'two', version: 1, status: 'active', release: { [TYPE]: NAME } },
  );
  assert.deepEqual(said(ask(rules, ['one/1', 'two/1'])), { agreements: ['two/1'], data: ONLY_NAME });
});

type Loading = Omit<Loaded, 'id' | 'version' | 'status'>;

/** What comes of an event that version 1 put there once version 2 is in force. */
const under = (one: Loading, two: Loading, event: Partial<Envelope> = {}) =>
  said(
    ask(
      rulesOf(
        { id: 'a', version: 1, status: 'active', ...one },
        { id: 'a', version: 2, status: 'active', ...two },
      ),
      ['a/1'],
      '2026-06-01',
      'a-council',
      event,
    ),
  );
const WHOLE = { agreements: ['a/2'], data: DATA };

test('a lower ceiling, a withdrawn undertaking and history that is not agreed any more withhold', () => {
  const official = { marking: { ceiling: 'OFFICIAL' as const, handling: [] } };
  assert.equal(under({}, official), 'above-ceiling');
  assert.deepEqual(under({}, official, { classification: 'OFFICIAL' }), WHOLE);
  const handling = { handling: ['adoption'] };
  assert.deepEqual(under({}, {}, handling), WHOLE);
  const none = { marking: { ceiling: 'OFFICIAL-SENSITIVE' as const, handling: [] } };
  assert.equal(under({}, none, handling), 'handling-not-accepted');
  const rules = rulesOf({ id: 'a', version: 1, status: 'active' });
  const without = { handlingAccepted: () => [] };
  assert.equal(
    said(ask(rules, ['a/1'], '2026-06-01', 'a-council', handling, without)),
    'handling-not-accepted',
  );
  assert.equal(under({ history: true }, {}, { replay: true }), 'history-not-agreed');
});

test('a new condition is asked of what the record holds, and is not met where it does not hold it', () => {
  assert.deepEqual(under({}, { where: { method: ['elective'] } }), WHOLE);
  assert.equal(under({}, { where: { method: ['emergency'] } }), 'condition-not-met');
  assert.equal(under({}, { where: { risk: ['high'] } }), 'condition-not-met');
  assert.deepEqual(under({ where: { risk: ['high'] } }, { where: { risk: ['high'] } }), WHOLE);
  assert.deepEqual(under({ where: { risk: ['high'] } }, { where: { risk: ['high', 'medium'] } }), WHOLE);
  assert.equal(
    under({ where: { risk: ['high', 'medium'] } }, { where: { risk: ['high'] } }),
    'condition-not-met',
  );
  const general = { release: { [TYPE]: { ...BOTH, generalise: { method: 'year' as const } } } };
  assert.equal(under(general, { ...general, where: { method: ['elective'] } }), 'condition-not-met');
  const withdrawal = { release: { [TYPE]: { ...BOTH, sibling: { where: { risk: ['high'] } } } } };
  assert.deepEqual(under({}, withdrawal), WHOLE, 'what withdraws an event reaches whoever can have got it');
});

test('an audience that is narrower now is asked of what the record says of the match', () => {
  const knownAs = (...reasons: string[]) => ({ audience: { knownAs: reasons } });
  assert.equal(under({}, knownAs('tenancy')), 'not-known');
  assert.deepEqual(
    under(knownAs('tenancy'), knownAs('tenancy', 'looked-after'), { match: 'verified' }),
    WHOLE,
  );
  assert.equal(
    under(knownAs('tenancy', 'looked-after'), knownAs('tenancy'), { match: 'verified' }),
    'not-known',
  );
  const possible = { match: 'possible' as const };
  const both = { ...knownAs('tenancy'), matching: 'demographic' as const };
  assert.deepEqual(under(both, both, possible), WHOLE);
  assert.equal(under(both, knownAs('tenancy'), possible), 'not-known');
  assert.equal(under({}, { audience: 'originator' }), 'not-known');
  const answer = { inResponseTo: `/a-council/${'A'.repeat(22)}` };
  assert.deepEqual(under({}, { audience: 'originator' }, answer), WHOLE);
});

test('a person who came under protection since is withheld, or goes out without any place', () => {
  const rules = rulesOf({ id: 'one', version: 1, status: 'active' });
  const protectedBy = (...kinds: SafeguardKind[]) =>
    said(
      ask(
        rules,
        ['one/1'],
        '2026-06-01',
        'a-council',
        {},
        {
          protecting: ([subject]) => (subject === 'B'.repeat(22) ? kinds : []),
        },
      ),
    );
  assert.equal(protectedBy('processing-restricted'), 'processing-restricted');
  assert.equal(protectedBy('shielded', 'objection-upheld'), 'processing-restricted');
  const { place: _, ...rest } = DATA;
  assert.deepEqual(protectedBy('shielded'), { agreements: ['one/1'], data: rest });
});

test('the case chain stays only where the version in force releases it', () => {
  const chained = { release: { [TYPE]: { ...BOTH, attributes: ['correlationId' as const] } } };
  const chain = (two: Loading) => {
    const rules = rulesOf(
      { id: 'a', version: 1, status: 'active', ...chained },
      { id: 'a', version: 2, status: 'active', ...two },
    );
    const answer = ask(rules, ['a/1'], '2026-06-01', 'a-council', { correlationId: 'case-1' });
    return answer.outcome === 'release' ? answer.event.correlationId : answer.reason;
  };
  assert.equal(chain(chained), 'case-1');
  assert.equal(chain({}), undefined);
});

test('feedback is handed to the one whom it answers, and a link between identities to nobody', () => {
  const feedback = {
    type: 'uk.causeway.exchange.acknowledgement.recorded.v1',
    inResponseTo: `/a-council/${'A'.repeat(22)}`,
  };
  const none = rulesOf();
  const to = (recipient: string, event: Partial<Envelope>, agreement: string[] = []) =>
    ask(none, agreement, '2026-06-01', recipient, event).outcome;
  assert.equal(to('a-council', feedback), 'release');
  assert.equal(to('a-school', feedback), 'withhold');
  const linked = 'uk.causeway.nhs.identity.linked.v1';
  const naming = rulesOf({ id: 'a', version: 1, status: 'active', release: { [linked]: BOTH } });
  assert.equal(ask(naming, ['a/1'], '2026-06-01', 'a-council', { type: linked }).outcome, 'withhold');
});

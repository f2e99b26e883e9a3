import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Agreement, AgreementStatus } from '@causeway/schemas/agreement';
import { type AgreementRecord, applyRecord, emptyState } from '@causeway/schemas/agreement-log';
import type { Release } from '@causeway/schemas/view';
import { rulebookOf } from './decide.ts';
import { handOver, narrow } from './hand-over.ts';

const TYPE = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const BOTH: Release = { leaves: ['person.name', 'person.sex'], generalise: {} };
const NAME: Release = { leaves: ['person.name'], generalise: {} };

type Loaded = {
  id: string;
  version: number;
  status: AgreementStatus;
  valid?: Partial<Agreement['valid']>;
  to?: string[];
  release?: Record<string, Release>;
};

const rulesOf = (...agreements: Loaded[]) => {
  const records = agreements.flatMap(
    ({ id, version, status, valid, to = ['a-council'], release = { [TYPE]: BOTH } }) => {
      const term = { from: '2026-01-01', until: '2026-12-31', review: '2026-12-01', graceDays: 30, ...valid };
      const agreement = { id, version, from: 'a-trust', to, valid: term } as unknown as Agreement;
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
  return rulebookOf(records.reduce(applyRecord, emptyState()));
};

const ask = (
  rules: ReturnType<typeof rulesOf>,
  agreement: string[],
  today = '2026-06-01',
  recipient = 'a-council',
) => handOver({ rules, event: { source: '/a-trust/adt', type: TYPE, agreement }, recipient, today });

test('an event goes out whole while the agreement that released it is in force', () => {
  const rules = rulesOf({ id: 'one', version: 1, status: 'active' });
  assert.deepEqual(ask(rules, ['one/1']), { outcome: 'release', agreements: ['one/1'], release: 'whole' });
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
  assert.deepEqual(ask(rules, ['one/1']), { outcome: 'release', agreements: ['one/2'], release: NAME });
});

test('when one of two agreements has ended an event is narrowed to what the other grants', () => {
  const rules = rulesOf(
    { id: 'one', version: 1, status: 'ended' },
    { id: 'two', version: 1, status: 'active', release: { [TYPE]: NAME } },
  );
  assert.deepEqual(ask(rules, ['one/1', 'two/1']), {
    outcome: 'release',
    agreements: ['two/1'],
    release: NAME,
  });
});

test('narrowing keeps the granted leaves in blocks and lists and nothing else', () => {
  const data = {
    person: { name: 'A', sex: null, address: { postcode: 'WE4 5TS', lines: ['1', '2'] } },
    children: [
      { name: 'B', school: 'S' },
      { name: null, school: 'T' },
    ],
    codes: ['x', 'y'],
    ward: 'W',
  };
  const leaves = ['person.sex', 'person.address.postcode', 'children[].name', 'codes', 'absent.leaf'];
  const narrowed = narrow(data, { leaves, generalise: { 'person.address.postcode': 'outcode' } });
  assert.deepEqual(narrowed, {
    person: { sex: null, address: { postcode: 'WE4' } },
    children: [{ name: 'B' }, { name: null }],
    codes: ['x', 'y'],
  });
});

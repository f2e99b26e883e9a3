import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { ActByRule } from '../avro/schema.ts';
import { millisecondsOf, urgencyOf } from './urgency.ts';

const type = (actBy?: ActByRule) => ({ defaultPriority: 'same-day' as const, ...(actBy && { actBy }) });
const due = (actBy: ActByRule, occurredAt: string, data = {}) =>
  urgencyOf(type(actBy), data, occurredAt).actBy;

test('a type without a rule has its default priority and no deadline', () => {
  assert.deepEqual(urgencyOf(type(), {}, '2026-11-13T16:00:00Z'), { priority: 'same-day' });
});

test('elapsed hours run day and night and over the change of the clocks', () => {
  const rule: ActByRule = { within: 'PT24H', counted: 'elapsed' };
  assert.equal(due(rule, '2026-11-13T16:00:00Z'), '2026-11-14T16:00:00+00:00');
  assert.equal(due(rule, '2026-10-24T16:00:00+01:00'), '2026-10-25T15:00:00+00:00');
});

test('working hours stop at five, and over the weekend', () => {
  const rule: ActByRule = { within: 'PT4H', counted: 'working-hours' };
  assert.equal(due(rule, '2026-11-12T10:30:00Z'), '2026-11-12T14:30:00+00:00');
  assert.equal(due(rule, '2026-11-13T16:00:00Z'), '2026-11-16T12:00:00+00:00');
  assert.equal(due(rule, '2026-11-14T03:00:00Z'), '2026-11-16T13:00:00+00:00');
  assert.equal(due(rule, '2026-11-12T22:00:00Z'), '2026-11-13T13:00:00+00:00');
  assert.equal(
    due({ within: 'PT10H', counted: 'working-hours' }, '2026-11-12T10:00:00Z'),
    '2026-11-13T12:00:00+00:00',
  );
  assert.equal(due(rule, '2026-07-01T09:00:00Z'), '2026-07-01T14:00:00+01:00');
});

test('working days end when the office closes', () => {
  const rule: ActByRule = { within: 'P1D', counted: 'working-days' };
  assert.equal(due(rule, '2026-11-13T10:00:00Z'), '2026-11-16T17:00:00+00:00');
  assert.equal(
    due({ within: 'P15D', counted: 'working-days' }, '2026-11-02T10:00:00Z'),
    '2026-11-23T17:00:00+00:00',
  );
});

test('what a school must know is due before the next school day begins', () => {
  const rule: ActByRule = { before: 'next-school-day' };
  assert.equal(due(rule, '2026-11-13T23:30:00Z'), '2026-11-16T08:30:00+00:00');
  assert.equal(due(rule, '2026-11-11T02:30:00Z'), '2026-11-12T08:30:00+00:00');
});

test('a code in the event chooses the deadline and the priority; without one there is none', () => {
  const rule: ActByRule = {
    by: 'grade',
    cases: {
      red: { within: 'PT4H', counted: 'working-hours', priority: 'urgent' },
      green: { within: 'PT72H', counted: 'elapsed' },
    },
  };
  const at = '2026-11-12T10:00:00Z';
  assert.deepEqual(urgencyOf(type(rule), { grade: 'red' }, at), {
    priority: 'urgent',
    actBy: '2026-11-12T14:00:00+00:00',
  });
  assert.deepEqual(urgencyOf(type(rule), { grade: 'green' }, at), {
    priority: 'same-day',
    actBy: '2026-11-15T10:00:00+00:00',
  });
  assert.deepEqual(urgencyOf(type(rule), { grade: 'UNKNOWN' }, at), { priority: 'same-day' });
});

test('a deadline is never before the event, and more time is never an earlier deadline', () => {
  const at = fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
  const counted = fc.constantFrom('elapsed', 'working-hours', 'working-days');
  fc.assert(
    fc.property(at, counted, fc.integer({ min: 1, max: 60 }), (date, way, length) => {
      const within = (hours: number) => (way === 'working-days' ? `P${hours}D` : `PT${hours}H`);
      const dueIn = (hours: number) =>
        Date.parse(due({ within: within(hours), counted: way }, date.toISOString()) ?? '');
      assert.ok(dueIn(length) >= date.getTime() - 1_000);
      assert.ok(dueIn(length + 1) > dueIn(length));
    }),
  );
});

test('a duration that is no whole number of days or hours is an error', () => {
  for (const text of ['P1W', 'PT30M', '', 'P1DT1H']) assert.throws(() => millisecondsOf(text));
});

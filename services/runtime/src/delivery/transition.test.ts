import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Item } from './queue.ts';
import { type Policy, transition } from './transition.ts';

const NOW = 1_000_000;
const policy: Policy = {
  schedule: { pauses: [1_000, 5_000], giveUpAfterMs: 60_000, jitter: 0 },
  random: () => 0.5,
};
const item: Item = Object.freeze({
  position: 7,
  event: { id: 'e', type: 't', subject: 's', priority: 'routine' as const, corrects: null },
  since: NOW - 10,
  parked: false,
  tries: 0,
  firstTry: null,
  due: 0,
  deadLetter: null,
  redrive: null,
});

test('each outcome decides what follows, when the next attempt is due and what the circuit learns', () => {
  const of = (outcome: Parameters<typeof transition>[1], before: Item = item) => {
    const { item: after, effects } = transition(before, outcome, policy, NOW);
    return [effects.next, effects.outcome, effects.code, effects.receiver, after.tries, after.due];
  };
  const code = 'c';
  assert.deepEqual(of({ outcome: 'delivered' }), ['done', 'delivered', 'ok', 'well', 1, 0]);
  assert.deepEqual(of({ outcome: 'refused', code }), ['dead-letter', 'refused', code, 'well', 1, 0]);
  assert.deepEqual(of({ outcome: 'gone', code }), ['stop', 'gone', code, 'unknown', 1, NOW]);
  const unreachable = ['postpone', 'unreachable', code, 'in-trouble', 0];
  assert.deepEqual(of({ outcome: 'unreachable', code }), [...unreachable, NOW + 2_000]);
  assert.deepEqual(of({ outcome: 'unreachable', code, afterMs: 9_000 }), [...unreachable, NOW + 9_000]);
  assert.deepEqual(of({ outcome: 'retry', code }), ['park', 'retry', code, 'unknown', 1, NOW + 1_000]);
  const last = { ...item, tries: 2, firstTry: NOW - 6_000 };
  assert.deepEqual(of({ outcome: 'retry', code, blame: 'receiver' }, last), [
    'dead-letter',
    'gave-up',
    code,
    'in-trouble',
    3,
    0,
  ]);
});

test('the first attempt is remembered, and the given item stays as it is', () => {
  const first = transition(item, { outcome: 'retry', code: 'c' }, policy, NOW).item;
  const second = transition(first, { outcome: 'retry', code: 'c' }, policy, NOW + 1_000).item;
  assert.deepEqual([first.firstTry, second.firstTry, second.tries], [NOW, NOW, 2]);
  assert.deepEqual([item.firstTry, item.tries, item.due], [null, 0, 0]);
});

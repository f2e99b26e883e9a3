import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FetchedPartition } from './kafka-session.ts';
import { createReadAhead } from './read-ahead.ts';

/** An answer of the broker: records at these offsets, and where to go on. */
const answer = (partition: number, offsets: readonly number[], next: number): FetchedPartition => ({
  topic: 'inbox.one',
  partition,
  records: offsets.map((offset) => ({
    offset,
    timestamp: 0,
    key: null,
    value: Buffer.alloc(10),
    headers: {},
  })),
  next,
  endOffset: 100,
  outOfRange: false,
});

const offsetsOf = (part: FetchedPartition | undefined) => part?.records.map(({ offset }) => offset);

test('what was read beyond a page is there for the next one, over gaps and with where to go on', () => {
  const ahead = createReadAhead();
  ahead.keep(10, answer(0, [10, 11, 15, 16], 20));
  assert.deepEqual(offsetsOf(ahead.from(0, 11)), [11, 15, 16]);
  assert.deepEqual(offsetsOf(ahead.from(0, 12)), [15, 16]);
  assert.equal(ahead.from(0, 16)?.next, 20);
});

test('what lies before, behind or in another partition is not there and has to be fetched', () => {
  const ahead = createReadAhead();
  ahead.keep(10, answer(0, [10, 11], 20));
  for (const [partition, offset] of [
    [0, 9],
    [0, 12],
    [0, 20],
    [1, 10],
  ] as const)
    assert.equal(ahead.from(partition, offset), undefined);
});

test('what was read more than five seconds ago is forgotten, and so is the oldest where it is too much', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let clock = 0;
  t.mock.method(performance, 'now', () => clock);
  const ahead = createReadAhead();
  ahead.keep(0, answer(0, [0, 1], 2));
  clock = 5_001;
  assert.equal(ahead.from(0, 0), undefined);
  const many = (first: number) => Array.from({ length: 6_000 }, (_, index) => first + index);
  ahead.keep(0, answer(0, many(0), 6_000));
  ahead.keep(6_000, answer(0, many(6_000), 12_000));
  assert.equal(ahead.from(0, 0), undefined);
  assert.equal(ahead.from(0, 6_000)?.records.length, 6_000);
});

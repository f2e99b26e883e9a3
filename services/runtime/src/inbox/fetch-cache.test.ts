import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FetchedPartition } from '../kafka/broker-client.ts';
import { createFetchCache } from './fetch-cache.ts';

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
  const ahead = createFetchCache();
  ahead.keep(10, answer(0, [10, 11, 15, 16], 20), 'all');
  assert.deepEqual(offsetsOf(ahead.from(0, 11)), [11, 15, 16]);
  assert.deepEqual(offsetsOf(ahead.from(0, 12)), [15, 16]);
  assert.equal(ahead.from(0, 16)?.next, 20);
});

test('what lies before, behind or in another partition is not there and has to be fetched', () => {
  const ahead = createFetchCache();
  ahead.keep(10, answer(0, [10, 11], 20), 'all');
  for (const [partition, offset] of [
    [0, 9],
    [0, 12],
    [0, 20],
    [1, 10],
  ] as const)
    assert.equal(ahead.from(partition, offset), undefined);
});

test('answers that follow one another are read as one, up to the first hole, whatever order they came in', () => {
  const parts = [
    [0, [0, 1, 2], 4],
    [4, [4, 5], 6],
    [5, [5, 6], 8],
    [8, [], 9],
    [9, [9], 10],
    [12, [12], 13],
  ] as const;
  const orders = fc.shuffledSubarray([...parts], { minLength: parts.length });
  fc.assert(
    fc.property(orders, fc.integer({ min: 0, max: 9 }), (order, from) => {
      const ahead = createFetchCache();
      for (const [first, offsets, next] of order) ahead.keep(first, answer(0, offsets, next), 'all');
      const all = [0, 1, 2, 4, 5, 6, 9];
      assert.deepEqual(
        offsetsOf(ahead.from(0, from)),
        all.filter((offset) => offset >= from),
      );
      assert.equal(ahead.from(0, from)?.next, 10);
      ahead.clear();
    }),
  );
});

test('what one reader has read is dropped when he comes back for what follows, what others read is not', () => {
  const ahead = createFetchCache();
  ahead.keep(0, answer(0, [0, 1], 2), 'one');
  ahead.keep(2, answer(0, [2, 3], 4), 'one');
  ahead.keep(2, answer(1, [2, 3], 4), 'all');
  ahead.keep(90, answer(0, [90], 92), 'one');
  ahead.passed(0, 4);
  ahead.passed(1, 4);
  assert.equal(ahead.from(0, 0), undefined);
  assert.equal(ahead.from(0, 2), undefined);
  assert.deepEqual(offsetsOf(ahead.from(1, 2)), [2, 3]);
  assert.deepEqual(offsetsOf(ahead.from(0, 90)), [90]);
});

test('what was read more than a second ago is forgotten, and so is the oldest where it is too much', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let clock = 0;
  t.mock.method(performance, 'now', () => clock);
  const ahead = createFetchCache();
  ahead.keep(0, answer(0, [0, 1], 2), 'all');
  clock = 1_001;
  assert.equal(ahead.from(0, 0), undefined);
  const many = (first: number) => Array.from({ length: 6_000 }, (_, index) => first + index);
  ahead.keep(0, answer(0, many(0), 6_000), 'all');
  ahead.keep(6_000, answer(0, many(6_000), 12_000), 'all');
  assert.equal(ahead.from(0, 0), undefined);
  assert.equal(ahead.from(0, 6_000)?.records.length, 6_000);
});

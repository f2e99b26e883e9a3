import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ageSeconds,
  type LagSample,
  type OldestWaiting,
  partitionLags,
  standingOf,
  waitingIn,
} from './lag.ts';

const bounds = fc
  .tuple(fc.nat(1_000_000), fc.nat(1_000_000))
  .map(([start, length]) => ({ partition: 0, start, end: start + length }));

test('an outbox that nobody has begun waits from its oldest kept record', () => {
  const lags = partitionLags([{ partition: 0, start: 40, end: 100 }], new Map());
  assert.deepEqual(lags, [{ partition: 0, start: 40, end: 100, position: 40, waiting: 60 }]);
});

test('records that retention took away no longer wait', () => {
  assert.equal(waitingIn(partitionLags([{ partition: 0, start: 40, end: 100 }], new Map([[0, 10]]))), 60);
});

test('a position beyond the end means a topic made anew, all of which waits', () => {
  assert.equal(waitingIn(partitionLags([{ partition: 0, start: 0, end: 5 }], new Map([[0, 900]]))), 5);
});

test('whatever the broker says, no more waits than is kept and never less than nothing', () => {
  fc.assert(
    fc.property(bounds, fc.option(fc.nat(3_000_000), { nil: undefined }), (partition, committed) => {
      const offsets = new Map(committed === undefined ? [] : [[0, committed]]);
      const [lag] = partitionLags([partition], offsets);
      assert.ok(lag && lag.waiting >= 0 && lag.waiting <= partition.end - partition.start);
      assert.equal(lag.position + lag.waiting, partition.end);
    }),
  );
});

test('with the exchange stopped the lag grows by every event that is published', () => {
  fc.assert(
    fc.property(bounds, fc.nat(1_000), fc.nat(1_000), (partition, decided, published) => {
      const committed = new Map([[0, Math.min(partition.start + decided, partition.end)]]);
      const before = waitingIn(partitionLags([partition], committed));
      const after = waitingIn(partitionLags([{ ...partition, end: partition.end + published }], committed));
      assert.equal(after - before, published);
    }),
  );
});

test('age is never negative, whatever the clocks of broker and console say', () => {
  assert.equal(ageSeconds({ partition: 0, offset: 0, at: 5_000 }, 4_000), 0);
  assert.equal(ageSeconds({ partition: 0, offset: 0, at: 5_000 }, 9_500), 4.5);
});

/** Looks every two seconds, at each of which this was the oldest. */
function looks(...oldest: (OldestWaiting | null)[]): LagSample[] {
  return oldest.map((one, i) => ({ at: 100_000 + i * 2_000, oldest: one }));
}
const waitsSince = (at: number, offset = 7): OldestWaiting => ({ partition: 2, offset, at });
const nineLooks = <T>(of: (i: number) => T) => Array.from({ length: 9 }, (_, i) => of(i));

test('an outbox without waiting events is up to date, or has had none yet', () => {
  assert.equal(standingOf(looks(null), true), 'up-to-date');
  assert.equal(standingOf(looks(null), false), 'nothing-yet');
  assert.equal(standingOf([], false), 'nothing-yet');
});

test('events in the transaction that is being written are up to date', () => {
  assert.equal(standingOf(looks(waitsSince(99_000)), true), 'up-to-date');
});

test('the same event first in line for fifteen seconds means that nothing moves', () => {
  assert.equal(standingOf(looks(...nineLooks(() => waitsSince(99_000))), true), 'not-moving');
});

test('one stuck partition counts as not moving while the others go on', () => {
  const withOthers = nineLooks(() => waitsSince(50_000));
  assert.equal(standingOf(looks(...withOthers), true), 'not-moving');
});

test('an age that grows while events move is falling behind, one that shrinks is catching up', () => {
  const growing = nineLooks((i) => waitsSince(80_000 + i * 500, i));
  const shrinking = nineLooks((i) => waitsSince(60_000 + i * 5_000, i));
  assert.equal(standingOf(looks(...growing), true), 'falling-behind');
  assert.equal(standingOf(looks(...shrinking), true), 'catching-up');
});

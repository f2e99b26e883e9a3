import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { RetryableError } from '../errors.ts';
import type { FetchedPartition, Position } from '../kafka/broker-client.ts';
import type { Reader } from '../kafka/reader.ts';
import { createLogger } from '../telemetry/log.ts';
import { createTail } from './tail.ts';

const TOPIC = 'inbox.a-council';
const log = createLogger('test', 'silent');

const RECORD = { offset: 0, timestamp: 0, key: null, value: null, headers: {} };

/** A log whose ends a test moves; counts the readers that are open and the looks at it. */
const createLog = (ends: number[]) => {
  const state = { ends, starts: ends.map(() => 0), failing: false, open: 0, opened: 0, looks: 0 };
  const open = (): Reader => {
    state.open += 1;
    state.opened += 1;
    const fetch = async (positions: readonly Position[]): Promise<FetchedPartition[]> => {
      state.looks += 1;
      await delay(1);
      if (state.failing) throw new RetryableError('kafka-unavailable', 'away');
      return positions.map(({ topic, partition, offset }) => {
        const endOffset = state.ends[partition] ?? 0;
        const outOfRange = offset > endOffset;
        return {
          topic,
          partition,
          records: endOffset > offset ? [RECORD] : [],
          next: offset,
          endOffset: outOfRange ? -1 : endOffset,
          outOfRange,
        };
      });
    };
    const close = async () => {
      state.open -= 1;
    };
    return { fetch, close } as unknown as Reader;
  };
  return { state, open };
};

const settings = { waitMs: 1, pauseMs: () => 0, idleMs: 20, maxBytes: 1, partitionMaxBytes: 1 };
const noted = () => {};
const never = new AbortController().signal;

test('everybody who waits at the end is woken by one reader when the end moves', async () => {
  const { state, open } = createLog([5, 7]);
  const tail = createTail(open, TOPIC, settings, noted, log);
  const waiting = Promise.all([tail.beyond([5, 7], never), tail.beyond([5, 7], never)]);
  state.ends = [5, 8];
  assert.deepEqual(await waiting, [
    [5, 8],
    [5, 8],
  ]);
  assert.equal(state.opened, 1);
  await tail.close();
});

test('who is behind somebody else who waits is woken at once', async () => {
  const { open } = createLog([9]);
  const tail = createTail(open, TOPIC, settings, noted, log);
  const left = new AbortController();
  const waiting = tail.beyond([9], left.signal);
  await tail.beyond([3], never);
  left.abort();
  await waiting;
  await tail.close();
});

test('a wait ends when its signal aborts, and nobody waiting means nobody looking', async () => {
  const { state, open } = createLog([1]);
  const tail = createTail(open, TOPIC, settings, noted, log);
  assert.deepEqual(await tail.beyond([1], AbortSignal.timeout(15)), []);
  assert.deepEqual(await tail.beyond([1], AbortSignal.abort()), []);
  while (state.open > 0) await delay(5);
  const { looks } = state;
  await delay(20);
  assert.equal(state.looks, looks);
  await tail.close();
});

test('a tail that was given back opens again for the next who waits', async () => {
  const { state, open } = createLog([1]);
  const tail = createTail(open, TOPIC, settings, noted, log);
  await tail.beyond([1], AbortSignal.timeout(5));
  while (state.open > 0) await delay(5);
  const waiting = tail.beyond([1], never);
  state.ends = [2];
  await waiting;
  assert.equal(state.opened, 2);
  await tail.close();
  assert.equal(state.open, 0);
});

test('a failure wakes those who wait, and the tail goes on by itself', async () => {
  const { state, open } = createLog([1]);
  const tail = createTail(open, TOPIC, settings, noted, log);
  state.failing = true;
  assert.deepEqual(await tail.beyond([1], never), []);
  const waiting = tail.beyond([1], never);
  state.failing = false;
  state.ends = [2];
  await waiting;
  await tail.close();
});

test('a log that was made anew does not keep its readers waiting for the old end', async () => {
  const { state, open } = createLog([100]);
  const tail = createTail(open, TOPIC, settings, noted, log);
  const waiting = tail.beyond([100], never);
  state.ends = [0];
  await waiting;
  const again = tail.beyond([0], never);
  state.ends = [1];
  await again;
  await tail.close();
});

test('closing wakes everybody', async () => {
  const { open } = createLog([1]);
  const tail = createTail(open, TOPIC, settings, noted, log);
  const waiting = tail.beyond([1], never);
  await tail.close();
  await waiting;
  await tail.beyond([1], never);
});

test('a tail that is closed between two looks opens nothing any more', async () => {
  const { state, open } = createLog([1]);
  const tail = createTail(open, TOPIC, { ...settings, pauseMs: () => 30 }, noted, log);
  const first = tail.beyond([1], never);
  state.ends = [2];
  await first;
  const second = tail.beyond([2], never);
  await delay(5);
  await tail.close();
  await second;
  await delay(40);
  assert.equal(state.open, 0);
});

test('what comes one after the other is looked for a few together, by all who wait', async () => {
  const { state, open } = createLog([1]);
  const tail = createTail(open, TOPIC, { ...settings, pauseMs: () => 50 }, noted, log);
  let end = 1;
  const began = performance.now();
  for (let turn = 0; turn < 4; turn += 1) {
    const waiting = Promise.all([tail.beyond([end], never), tail.beyond([end], never)]);
    end += 1;
    state.ends = [end];
    await waiting;
  }
  assert.ok(performance.now() - began >= 3 * 45);
  await tail.close();
});

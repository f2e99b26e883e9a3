import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryableError } from '../errors.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { backOff, createWaker, type LoopOptions, type NextStep, runLoop } from './run-loop.ts';

const started = (steps: (() => NextStep)[], more: Partial<LoopOptions> = {}) => {
  const lines: Record<string, unknown>[] = [];
  const pauses: number[] = [];
  const closing = new AbortController();
  const metrics = createMetrics('any');
  const ended = runLoop({
    name: 'inbox-tail',
    signal: closing.signal,
    step: async () => {
      const step = steps.shift();
      if (step) return step();
      closing.abort();
      throw new RetryableError('kafka-closed', 'closed');
    },
    retryMs: 100,
    log: createLogger('any', 'info', { write: (line) => void lines.push(JSON.parse(line)) }),
    metrics,
    pause: async (ms) => void pauses.push(ms),
    ...more,
  });
  return { ended, lines, pauses, metrics, closing };
};

const errorIn = (line: Record<string, unknown> | undefined) =>
  line?.err as Record<string, string> | undefined;

const fails = (error: Error) => () => {
  throw error;
};
const away = fails(new RetryableError('kafka-unavailable', 'Kafka cannot be reached'));

test('a step says when the next one follows, and by default it follows at once', async () => {
  const { ended, pauses, lines } = started([() => 250, () => undefined, () => 40]);
  await ended;
  assert.deepEqual(pauses, [250, 40]);
  assert.deepEqual(lines, []);
});

test('a failed step is tried again, counted each time and logged once until it succeeds', async () => {
  const { ended, pauses, lines, metrics } = started([away, away, () => undefined, away], {
    fields: { organisation: 'westshire-council' },
  });
  await ended;
  assert.deepEqual(pauses, [100, 100, 100]);
  assert.deepEqual(
    lines.map(({ event, loop, organisation }) => [event, loop, organisation]),
    ['loop.retrying', 'loop.recovered', 'loop.retrying'].map((event) => [
      event,
      'inbox-tail',
      'westshire-council',
    ]),
  );
  assert.equal(errorIn(lines[0])?.code, 'kafka-unavailable');
  assert.match(await metrics.text(), /^causeway_loop_restarts_total\{loop="inbox-tail",service="any"\} 3$/m);
});

test('another failure is logged as well', async () => {
  const { ended, lines } = started([away, fails(new RetryableError('database-unavailable', 'away'))]);
  await ended;
  assert.equal(lines.length, 2);
});

test('the message of an error that is not ours is not logged', async () => {
  const { ended, lines } = started([() => JSON.parse('Maja Lindqvist')]);
  await ended;
  assert.doesNotMatch(JSON.stringify(lines), /Maja/);
  assert.equal(errorIn(lines[0])?.type, 'SyntaxError');
  assert.match(errorIn(lines[0])?.stack ?? '', /run-loop\.test/);
});

test('pauses after failures grow, and are short again after a success', async () => {
  const { ended, pauses } = started([away, away, away, () => undefined, away], {
    retryMs: backOff(100, 300),
  });
  await ended;
  assert.deepEqual(pauses, [100, 200, 300, 100]);
});

test('what a failed step left behind is put in order before the pause, and not when the loop ends', async () => {
  const cleared: unknown[] = [];
  const { ended } = started([away], { onError: (error) => void cleared.push(error) });
  await ended;
  assert.equal(cleared.length, 1);
});

test('a step can be the last one', async () => {
  const { ended, closing } = started([away, () => 'done', () => assert.fail('a step after the last one')]);
  await ended;
  assert.equal(closing.signal.aborted, false);
});

test('a pause ends when the loop ends', async () => {
  const closing = new AbortController();
  const { ended } = started([() => 60_000], { signal: closing.signal, pause: createWaker().pause });
  setImmediate(() => closing.abort());
  await ended;
});

test('a loop whose steps wait for nothing lets timers run', async () => {
  const closing = new AbortController();
  const timer = setTimeout(() => closing.abort(), 5);
  let steps = 0;
  const step = async () => {
    steps += 1;
    if (steps < 1_000_000) return;
    clearTimeout(timer);
    assert.fail('no timer ran in a million steps');
  };
  await started([], { signal: closing.signal, step, onError: () => closing.abort() }).ended;
  assert.ok(steps < 1_000_000);
});

test('a loop that is woken during a step or a pause does not wait', async () => {
  const waker = createWaker();
  const wakeSoon = () => {
    setImmediate(waker.wake);
    return 60_000;
  };
  const wakeNow = () => {
    waker.wake();
    return 60_000;
  };
  await started([wakeNow, wakeSoon, wakeSoon], { pause: waker.pause }).ended;
});

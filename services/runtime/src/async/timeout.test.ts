import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { endingAfter, onceThere, withTimeout } from './timeout.ts';

test('what answers in time is passed on, error and all', async () => {
  assert.equal(await withTimeout(1_000, 'kafka', Promise.resolve(7)), 7);
  const error = new Error('refused');
  await assert.rejects(withTimeout(1_000, 'kafka', Promise.reject(error)), error);
});

test('what does not answer in time is a failure that may pass', async () => {
  const never = new Promise(() => {});
  await assert.rejects(withTimeout(5, 'kafka', never), { name: 'RetryableError', code: 'kafka-slow' });
  await assert.rejects(withTimeout(5, 'kafka', never, 'kafka-unavailable'), { code: 'kafka-unavailable' });
});

test('what is there once is waited for until then and no longer', async () => {
  const start = Promise.withResolvers<void>();
  const ready = onceThere(5, 'database', start.promise);
  await assert.rejects(ready(), { name: 'RetryableError', code: 'database-slow' });
  start.resolve();
  await ready();
  const error = new Error('never');
  await assert.rejects(onceThere(1_000, 'database', Promise.reject(error))(), error);
});

test('a wait ends after its time, with another signal, or at once where that was aborted before', async () => {
  const { signal } = endingAfter(5);
  await once(signal, 'abort');
  const stopping = new AbortController();
  const waiting = endingAfter(60_000, stopping.signal);
  stopping.abort();
  assert.equal(waiting.signal.aborted, true);
  assert.equal(endingAfter(60_000, stopping.signal).signal.aborted, true);
});

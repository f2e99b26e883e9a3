import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonWords } from './reasons.ts';

test('how a delivery ended and what the receiver said make one sentence', () => {
  const titles = ['refused-ar', 'gave-up-server-error', 'gave-up-something-new', 'refused', 'never-heard-of'];
  assert.deepEqual(
    titles.map((reason) => reasonWords(reason).title),
    [
      'The receiver refused it for good: it rejected the message',
      'The receiver did not take it in all its tries: it answered with a server error',
      'The receiver did not take it in all its tries: something new',
      'The receiver refused it for good',
      'Never heard of',
    ],
  );
});

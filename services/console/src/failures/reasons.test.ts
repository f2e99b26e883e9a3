import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonWords } from './reasons.ts';

test('how a delivery ended and what the receiver said make one sentence', () => {
  const titles = ['refused-ar', 'gave-up-server-error', 'gave-up-something-new', 'refused', 'never-heard-of'];
  assert.deepEqual(
    titles.map((reason) => reasonWords(reason).title),
    [
      'The receiver refused it permanently: it rejected the message',
      'The receiver did not accept it in any attempt: it answered with a server error',
      'The receiver did not accept it in any attempt: something new',
      'The receiver refused it permanently',
      'Never heard of',
    ],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultIn, killOneOfTwo } from '../testing/two-gateways.ts';

test('one of two gateways is killed while it delivers: every event arrives, in order per subject', async () => {
  const survived = await killOneOfTwo({ events: 400, subjects: 40, kills: 1 });
  assert.equal(survived.killed, 1);
  assert.equal(faultIn(survived), null);
});

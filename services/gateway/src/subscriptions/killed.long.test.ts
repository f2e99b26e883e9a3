import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultIn, killOneOfTwo } from '../testing/two-gateways.ts';

test('gateways are killed six times over in turn: every event arrives, in order per subject', async () => {
  const survived = await killOneOfTwo({ events: 6_000, subjects: 300, kills: 6 });
  assert.equal(survived.killed, 6);
  assert.equal(faultIn(survived), null);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { killedTakingOut } from './testing/killing.ts';
import { type Sandbox, startSandbox } from './testing/sandbox-process.ts';

let sandbox: Sandbox;
before(async () => {
  sandbox = await startSandbox();
});
after(() => sandbox?.stop());

test('a thousand messages of a mailbox are all published and none is left, whenever the adapter is killed', async (t) => {
  const { records, events } = await killedTakingOut(sandbox, 1_000, 12);
  assert.equal(events, 1_000);
  t.diagnostic(`${events} events in ${records} records`);
});

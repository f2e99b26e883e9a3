import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { goThrough } from './testing-kill.ts';

describe('a council database that changes while its adapter is killed', { timeout: 120_000 }, () => {
  let bus: TestBus;
  before(async () => {
    bus = await createTestBus(1);
  });
  after(() => bus?.close());

  it('is on the bus as it is at the end, whatever was told of it twice', async () => {
    const verdict = await goThrough(bus, {
      rows: 300,
      batch: 60,
      pauseMs: 300,
      sweepSeconds: 2,
      kills: 2,
      livesMs: [1_500, 2_500],
    });
    assert.deepEqual(verdict.onTheBus, verdict.inTheDatabase);
    assert.equal(verdict.conflicting, 0);
  });
});

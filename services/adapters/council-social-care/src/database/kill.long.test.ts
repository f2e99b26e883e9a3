import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { goThrough } from './testing-kill.ts';

describe('a council database of which 50,000 rows change while its adapter is killed', {
  timeout: 1_200_000,
}, () => {
  let bus: TestBus;
  before(async () => {
    bus = await createTestBus(1);
  });
  after(() => bus?.close());

  it('is on the bus as it is at the end, whatever was told of it twice', async (t) => {
    const verdict = await goThrough(bus, {
      rows: 50_000,
      batch: 1_000,
      pauseMs: 3_000,
      sweepSeconds: 15,
      kills: 15,
      livesMs: [5_000, 20_000],
    });
    t.diagnostic(
      `${verdict.events} records, ${verdict.repeated} of them repeats of an id with the same content`,
    );
    assert.equal(verdict.onTheBus.length, verdict.inTheDatabase.length);
    assert.deepEqual(verdict.onTheBus, verdict.inTheDatabase);
    assert.equal(verdict.conflicting, 0);
  });
});

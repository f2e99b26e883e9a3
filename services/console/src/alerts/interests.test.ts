import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { countInterests, isUnusual } from './interests.ts';

let bus: TestBus;
before(async () => {
  bus = await createTestBus(2);
});
after(() => bus?.close());

test('interests are counted as they were published, whatever compaction has taken away since', async () => {
  const [council = '', police = ''] = bus.organisations;
  const topic = topicsOf(council).interests;
  // The same key again and again is one record after compaction, and a hundred that were published.
  const value = Buffer.from('{}');
  await bus.producer.send(Array.from({ length: 100 }, () => ({ topic, partition: 0, key: 'one', value })));
  const reader = bus.kafka.reader();
  try {
    const counts = await countInterests(reader, [council, police], Date.now());
    assert.deepEqual(counts, [
      { organisation: council, today: 100, usually: 0 },
      { organisation: police, today: 0, usually: 0 },
    ]);
    const inTwoDays = await countInterests(reader, [council], Date.now() + 2 * 86_400_000);
    assert.equal(inTwoDays[0]?.today, 0);
    assert.ok(Math.abs((inTwoDays[0]?.usually ?? 0) - 100 / 7) < 0.1);
  } finally {
    await reader.close();
  }
});

test('many more than in the week before are unusual; few are not, however quiet it was', () => {
  const counted = (today: number, usually: number) => isUnusual({ organisation: 'council', today, usually });
  assert.deepEqual(
    [counted(100, 0), counted(101, 0), counted(500, 120), counted(601, 120)],
    [false, true, false, true],
  );
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { connectKafka } from '@causeway/runtime/kafka/connect';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { testEnvironment } from '../testing/partnership.ts';
import { KEY, startWorld, type World } from '../testing/world.ts';
import { createCursors } from './cursor.ts';

let world: World;

before(async () => {
  world = await startWorld();
});

after(() => world.close());

/** What a week does to a log: everything that was read before is taken away, up to where the cursor stands. */
const age = async (cursor: string): Promise<number[]> => {
  const offsets = createCursors([KEY]).read(cursor, world.partnership.recipient);
  assert.ok(offsets);
  const { KAFKA_BROKERS = '', KAFKA_USERNAME = '', KAFKA_PASSWORD = '' } = testEnvironment();
  const access = { username: KAFKA_USERNAME, password: KAFKA_PASSWORD, clientId: 'time' };
  const kafka = connectKafka(
    { brokers: KAFKA_BROKERS.split(','), ...access },
    createLogger('test', 'silent'),
  );
  const admin = await kafka.admin();
  const before_ = offsets.map((offset, partition) => ({ partition, offset }));
  await admin.deleteRecords(topicsOf(world.partnership.recipient).inbox, before_);
  await kafka.close();
  return offsets;
};

const write = async (partitions: readonly number[], aborted = false): Promise<string[]> => {
  const entries = await Promise.all(partitions.map((partition) => world.partnership.entry(partition, {})));
  await world.partnership.write(entries, { aborted });
  return entries.map(({ headers }) => headers.ce_id ?? '');
};

test('a cursor kept for a week over an idle partition, aborted transactions and markers misses nothing and repeats nothing', async () => {
  await write([0, 1, 2, 2]);
  const kept = await world.end();
  await age(kept);
  // Partition 1 stays idle, 2 gets nothing but what is aborted, and what is committed elsewhere has such things between it.
  const expected: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    await write([0, 2, 4], true);
    expected.push(...(await write([0, 3])));
    await write([2], true);
  }
  const first = await world.readAll(kept, 2);
  assert.deepEqual(first.events.map(({ id }) => id).toSorted(), expected.toSorted());
  const again = await world.readAll(kept, 100);
  assert.deepEqual(again.events.map(({ id }) => id).toSorted(), expected.toSorted());

  // The cursor has gone past markers and aborted records: those are taken away too, and it is as good as before.
  const offsets = await age(first.next);
  const keptOffsets = createCursors([KEY]).read(kept, world.partnership.recipient) ?? [];
  assert.equal(offsets[1], keptOffsets[1], 'nothing came into the idle partition');
  assert.ok((offsets[2] ?? 0) > (keptOffsets[2] ?? 0), 'what was aborted was passed');
  assert.deepEqual((await world.readAll(first.next)).events, []);
  const later = await write([1, 2]);
  const next = await world.readAll(first.next);
  assert.deepEqual(next.events.map(({ id }) => id).toSorted(), later.toSorted());
});

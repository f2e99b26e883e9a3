import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { connectDatabase, type Database } from '../postgres/database.ts';
import { createLogger } from '../telemetry/log.ts';
import { createDedupStore } from './dedup-store.ts';

const log = createLogger('test', 'silent');
let database: Database;

before(async () => {
  const schema = `memory_${randomBytes(6).toString('hex')}`;
  const url = process.env.CAUSEWAY_TEST_DATABASE_URL ?? '';
  database = connectDatabase({ url, schema, log });
  await database.migrate(new URL('./migrations', import.meta.url));
});
after(() => database.close());

const eventId = () => randomBytes(16).toString('base64url').slice(0, 22);

/** The database, which asks what is remembered at once and gives the answer once something was written down meanwhile. */
const answeringAfterTheNextWrite = () => {
  const written = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  let slow = false;
  const query: Database['query'] = async (text, parameters) => {
    const rows = await database.query(text, parameters);
    if (text.includes('insert into')) written.resolve();
    if (slow && text.includes('union all')) {
      asked.resolve();
      await written.promise;
    }
    return rows as never;
  };
  return { database: { ...database, query }, asked: asked.promise, slowDown: () => (slow = true) };
};

test('an event and a fact that are written down while they are asked about are known all the same', async () => {
  const slow = answeringAfterTheNextWrite();
  const store = createDedupStore(slow.database, log);
  const [visit, fact, id] = ['visit', 'admission', eventId()];
  const first = await store.lookup([id], []);
  assert.equal(first.hasEvent(id), false);
  first.addEvent(id);
  first.addFact({ visit, fact, id });

  slow.slowDown();
  const asking = store.lookup([id], [{ visit, fact, written: false }]);
  await slow.asked;
  store.record(first);
  const second = await asking;
  // What was written down is taken off the list of what is open right after the write has been answered.
  await new Promise(setImmediate);
  assert.equal(second.hasEvent(id), true);
  assert.equal(second.lastEvent(visit, fact), id);
  await store.close();
});

test('an event of a group that was not published is not known afterwards', async () => {
  const store = createDedupStore(database, log);
  const id = eventId();
  const first = await store.lookup([id], []);
  first.addEvent(id);
  store.discard(first);
  assert.equal((await store.lookup([id], [])).hasEvent(id), false);
  await store.close();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectDatabase } from '@causeway/runtime/postgres/database';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { freshSchema, testEnvironment } from '../testing/partnership.ts';
import { createSubscriptionStore } from './subscription-store.ts';

const MOST = 10;

test('an organisation that makes many subscriptions at once gets no more than it may have', async (t) => {
  const schema = freshSchema();
  const database = connectDatabase({
    url: testEnvironment().DATABASE_URL ?? '',
    schema: schema.name,
    log: createLogger('test', 'silent'),
    connections: 5,
  });
  t.after(async () => {
    await database.close();
    await schema.drop();
  });
  await database.migrate(new URL('../../migrations', import.meta.url));
  const store = createSubscriptionStore(database);
  const add = (id: string, organisation: string) =>
    store.add(
      {
        id,
        organisation,
        endpoint: 'https://hooks.example.org/',
        types: null,
        filter: null,
        status: 'paused',
        reason: null,
        expires: null,
        secret: Buffer.from('encrypted'),
        previous_secret: null,
        previous_until: null,
      },
      MOST,
    );
  const made = await Promise.all(
    Array.from({ length: 3 * MOST }, (_, index) => add(`sub_${index}`, 'council')),
  );
  const kept = (await store.of('council')).length;
  assert.equal(made.filter(Boolean).length, kept);
  assert.ok(kept <= MOST);
  for (let index = kept; index < MOST; index += 1) assert.ok(await add(`sub_more_${index}`, 'council'));
  assert.equal(await add('sub_too_many', 'council'), false);
  assert.equal(await add('sub_other', 'police'), true);
});

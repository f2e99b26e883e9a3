import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectDatabase } from '@causeway/runtime/postgres/database';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { freshSchema, testEnvironment } from '../testing/partnership.ts';
import { createAttempts, KEPT } from './attempts.ts';

test('of a burst of tries the last thousand of each subscription are listed, the newest first', async (t) => {
  const schema = freshSchema();
  const log = createLogger('test', 'silent');
  const { DATABASE_URL: url = '' } = testEnvironment();
  const database = connectDatabase({ url, schema: schema.name, log, connections: 2 });
  t.after(async () => {
    await database.close();
    await schema.drop();
  });
  await database.migrate(new URL('../../migrations', import.meta.url));
  for (const id of ['busy', 'quiet'])
    await database.query(
      `insert into webhook_subscription (id, organisation, endpoint, status, secret)
       values ($1, 'council', 'https://hooks.example.org/', 'active', 'encrypted')`,
      [id],
    );
  const attempts = createAttempts(database, log);
  const note = (subscription: string, offset: number) =>
    attempts.note(
      {
        kind: 'attempt',
        subscription,
        position: `0-${offset}`,
        outcome: 'delivered',
        code: 'ok',
        attempt: 1,
        durationMs: 1,
        at: '2026-01-01T00:00:00Z',
      },
      undefined,
    );
  note('quiet', 1);
  const burst = 2 * KEPT;
  for (let offset = 0; offset < burst; offset += 1) note('busy', offset);
  await attempts.close();
  const positionsOf = async (id: string) =>
    (await attempts.list(id, burst, undefined)).map(({ position }) => position);
  assert.deepEqual(
    await positionsOf('busy'),
    Array.from({ length: KEPT }, (_, index) => `0-${burst - 1 - index}`),
  );
  assert.deepEqual(await positionsOf('quiet'), ['0-1']);
});

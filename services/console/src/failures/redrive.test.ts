import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { parseRedrive } from '@causeway/runtime/bus/redrive-request';
import { RetryableError } from '@causeway/runtime/errors';
import type { KafkaRecord } from '@causeway/runtime/kafka/broker-client';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { testVariable } from '@causeway/testing/bus';
import { openStore, type Store } from '../store/store.ts';
import { redrive, sendRedrives } from './redrive.ts';

const log = createLogger('console', 'silent');
const schema = `test_${randomBytes(6).toString('hex')}`;
const stop = new AbortController();
let store: Store;

before(async () => {
  store = openStore({ url: testVariable('DATABASE_URL'), schema, log, signal: stop.signal });
  await store.migrated;
  await store.query(
    `insert into dead_letter (organisation, "offset", at, component, reason, origin, attempts, bytes)
     select 'council', n, now(), 'sink', 'AE', '0-1', 1, 9 from generate_series(1, 20) as n`,
  );
});
after(async () => {
  stop.abort();
  await store?.query(`drop schema ${schema} cascade`);
  await store?.close();
});

const viewer = { subject: 'lead', roles: [] };
const asking = () => ({ viewer, reason: 'the engine works again', at: new Date() });
/** A broker that takes records in and loses its answer as often as is said. */
const brokerThatLoses = (answers: number) => {
  const sent: KafkaRecord[] = [];
  let lost = 0;
  const send = async (records: readonly KafkaRecord[]) => {
    sent.push(...records);
    lost += 1;
    if (lost <= answers) throw new RetryableError('kafka-unavailable', 'no answer');
    return [];
  };
  return { sent, producer: { send } };
};

test('of two who ask for the same dead letters at once, each dead letter is asked for by one', async () => {
  const { sent, producer } = brokerThatLoses(0);
  const each = await Promise.all(
    Array.from({ length: 3 }, () =>
      redrive({ store, producer, log }, ['council'], { state: 'waiting' }, asking()),
    ),
  );
  assert.equal(
    each.reduce((sum, { count }) => sum + count, 0),
    20,
  );
  const letters = sent.map(({ value }) => parseRedrive(value ?? null).deadLetter);
  assert.deepEqual([letters.length, new Set(letters).size], [20, 20]);
});

test('a request whose answer was lost, or that was never sent, is sent again under its own id and then no more', async () => {
  await store.query("update dead_letter set state = 'waiting'");
  await store.query('delete from redrive');
  const { sent, producer } = brokerThatLoses(1);
  const { count } = await redrive({ store, producer, log }, ['council'], { picked: ['council/7'] }, asking());
  assert.equal(count, 1);
  const [row] = await store.query('select id, sent_at from redrive');
  assert.equal(row?.sent_at, null);
  await store.query("update redrive set asked_at = now() - interval '1 minute'");
  const sending = sendRedrives({ store, producer, log });
  while ((await store.query('select 1 from redrive where sent_at is null')).length > 0);
  await sending.close();
  assert.deepEqual(
    sent.map(({ key }) => key),
    [row?.id, row?.id],
  );
});

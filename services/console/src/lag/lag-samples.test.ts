import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { testVariable } from '@causeway/testing/bus';
import { openStore, type Store } from '../store/store.ts';
import { keepSamples, lookAtDeliveries, thin } from './lag-samples.ts';

const schema = `test_${randomBytes(6).toString('hex')}`;
const stop = new AbortController();
let store: Store;

before(async () => {
  const log = createLogger('console', 'silent');
  store = openStore({ url: testVariable('DATABASE_URL'), schema, log, signal: stop.signal });
  await store.migrated;
});
after(async () => {
  stop.abort();
  await store?.query(`drop schema ${schema} cascade`);
  await store?.close();
});
beforeEach(() => store.query('truncate journey, reader, reader_type, open_delivery, lag_sample, flow'));

const NOW = Date.parse('2026-10-05T12:00:00Z');
const TYPE = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const ago = (seconds: number) => new Date(NOW - seconds * 1000);

let events = 0;
const release = async (secondsAgo: number, { partition = 0, type = TYPE, delivered = false } = {}) => {
  events += 1;
  const id = `event-${String(events).padStart(12, '0')}`;
  await store.query(
    `insert into journey (source, event_id, recipient, type, partition, agreements, released_at, delivered_at)
     values ('trust', $1, 'council', $2, $3, '{a/1}', $4, $5)`,
    [id, type, partition, ago(secondsAgo), delivered ? ago(0) : null],
  );
  return id;
};
const hasRead = async (secondsAgo: number, { partition = 0, name = 'sink' } = {}) => {
  await store.query(
    `insert into reader (organisation, name, partition, pulls, through, last_at, last_code)
     values ('council', $1, $2, false, $3, now(), 'ok')`,
    [name, partition, ago(secondsAgo)],
  );
  await store.query("insert into reader_type values ('council', $1, $2) on conflict do nothing", [
    name,
    TYPE,
  ]);
};
const look = () => lookAtDeliveries(store.query, NOW);

test('the lag of a stopped subscription keeps growing in events and in seconds', async () => {
  await hasRead(100);
  await release(60);
  const [first] = (await look()).readers;
  assert.deepEqual([first?.events, first?.seconds], [1, 60]);
  await release(5);
  const [later] = (await lookAtDeliveries(store.query, NOW + 30_000)).readers;
  assert.deepEqual([later?.events, later?.seconds], [2, 90]);
});

test('a partition that it never had anything of counts as well', async () => {
  await hasRead(100);
  await release(60, { partition: 4 });
  assert.equal((await look()).readers[0]?.events, 1);
});

test('what it had, and types that it does not take, are no lag', async () => {
  await release(60);
  await hasRead(30);
  await release(10, { type: 'uk.causeway.police.missing-person.reported.v1' });
  assert.deepEqual([(await look()).readers[0]?.events, (await look()).readers[0]?.seconds], [0, 0]);
});

test('what is tried again is lag from the moment of its release, however often it was tried', async () => {
  const event = await release(500);
  await hasRead(10);
  await store.query(
    `insert into open_delivery values ('council', 'sink', '0-1', 'trust', $1, $2, $3, 4, 'AE')`,
    [event, TYPE, ago(20)],
  );
  const [reader] = (await look()).readers;
  assert.deepEqual([reader?.events, reader?.retrying, reader?.seconds], [1, 1, 500]);
});

test('per type and organisation it says what nobody has yet', async () => {
  await release(60);
  await release(40);
  await release(40, { delivered: true });
  assert.deepEqual((await look()).inboxes, [{ organisation: 'council', type: TYPE, events: 2, seconds: 60 }]);
});

test('thinning keeps the worst of each step, and counts what flowed exactly', async () => {
  const base = Math.floor((Date.now() - 2 * 86_400_000) / 600_000) * 600_000;
  for (let step = 0; step < 60; step += 1) {
    const at = base + step * 10_000;
    const row = {
      organisation: 'council',
      kind: 'exchange' as const,
      name: '',
      events: step,
      seconds: step % 7,
    };
    await keepSamples(store.query, at, [row]);
    await store.query("insert into flow values ($1, 'trust', 'council', 'type', 'released', 3)", [
      new Date(at),
    ]);
  }
  await store.transaction(thin);
  await store.transaction(thin);
  const rows = await store.query('select events, seconds from lag_sample');
  assert.deepEqual(rows, [{ events: 59, seconds: 6 }]);
  assert.deepEqual(await store.query('select events from flow'), [{ events: 180 }]);
});

test('a look that two instances take at once is kept once', async () => {
  const row = { organisation: 'council', kind: 'exchange' as const, name: '', events: 1, seconds: 1 };
  await keepSamples(store.query, NOW, [row]);
  await keepSamples(store.query, NOW, [row]);
  assert.equal((await store.query('select 1 from lag_sample')).length, 1);
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { testVariable } from '@causeway/testing/bus';
import { openStore, type Store } from '../store/store.ts';
import { lookForAttention } from './attention.ts';

const schema = `test_${randomBytes(6).toString('hex')}`;
const stop = new AbortController();
let store: Store;

before(async () => {
  const log = createLogger('console', 'silent');
  store = openStore({ url: testVariable('DATABASE_URL'), schema, log, signal: stop.signal });
  await store.migrated;
});
beforeEach(() => store.query('truncate journey, flow, dead_letter'));
after(async () => {
  stop.abort();
  await store?.query(`drop schema ${schema} cascade`);
  await store?.close();
});

type Given = {
  id: string;
  minutesAgo: number;
  priority?: string;
  dueInMinutes?: number;
  deliveredMinutesAgo?: number;
  ended?: string;
  type?: string;
};
const release = ({ id, minutesAgo, priority, dueInMinutes, deliveredMinutesAgo, ended, type }: Given) =>
  store.query(
    `insert into journey (source, event_id, recipient, type, partition, agreements, priority, released_at, act_by, delivered_at, ended)
     values ('police', $1, 'council', $2, 0, '{missing/1}', $3, now() - make_interval(mins => $4),
       now() + make_interval(mins => $5), now() - make_interval(mins => $6), $7)`,
    [
      id,
      type ?? 'uk.causeway.police.missing-person.reported.v1',
      priority ?? null,
      minutesAgo,
      dueInMinutes ?? null,
      deliveredMinutesAgo ?? null,
      ended ?? null,
    ],
  );
const look = () => lookForAttention(store.query, Date.now());

test('somebody is rung up for what is immediate and not there, failed or not acted on in time, the most pressing first', async () => {
  await release({ id: 'immediate-just-released', minutesAgo: 2, priority: 'immediate' });
  await release({ id: 'immediate-late', minutesAgo: 6, priority: 'immediate' });
  await release({ id: 'immediate-delivered', minutesAgo: 6, priority: 'immediate', deliveredMinutesAgo: 6 });
  await release({ id: 'immediate-failed', minutesAgo: 1, priority: 'immediate', ended: 'dead-letter' });
  await release({ id: 'immediate-withheld-since', minutesAgo: 9, priority: 'immediate', ended: 'withheld' });
  await release({ id: 'urgent-not-seen', minutesAgo: 90, dueInMinutes: -30, deliveredMinutesAgo: 89 });
  await release({ id: 'urgent-in-time', minutesAgo: 90, dueInMinutes: 30 });
  await release({ id: 'routine-not-there', minutesAgo: 500 });
  await release({
    id: 'feedback',
    minutesAgo: 90,
    dueInMinutes: -30,
    type: 'uk.causeway.exchange.delivery.overdue.v1',
  });
  const { pressing, onTheirWay } = await look();
  assert.deepEqual(
    pressing.map(({ eventId }) => eventId),
    ['immediate-late', 'immediate-failed', 'urgent-not-seen'],
  );
  assert.equal(onTheirWay, 1);
  const [strict] = (await lookForAttention(store.query, Date.now(), 60)).pressing.slice(1);
  assert.equal(strict?.eventId, 'immediate-just-released', 'with a minute’s patience it is late');
});

/** An event every minute from `from` to `to` minutes ago. */
const sends = (system: string, from: number, to: number) =>
  store.query(
    `insert into flow (at, source, system, recipient, type, outcome, events)
     select now() - make_interval(mins => m), 'trust', $1, '', 'uk.causeway.nhs.x.v1', 'decided', 1 from generate_series($3::int, $2::int) as m`,
    [system, from, to],
  );

test('of two systems of one organisation the one that has fallen silent is named, a slow one is not', async () => {
  await sends('nhs-trust', 90, 0);
  await sends('nhs-mesh', 90, 40);
  await store.query(
    `insert into flow (at, source, system, recipient, type, outcome, events)
     select now() - make_interval(hours => h), 'trust', 'nightly', '', 'uk.causeway.nhs.x.v1', 'decided', 1 from generate_series(1, 100, 3) as h`,
  );
  const { silent } = await look();
  assert.deepEqual(
    silent.map(({ organisation, system, usually }) => [organisation, system, Math.round(usually)]),
    [['trust', 'nhs-mesh', 60]],
  );
  assert.ok(Math.abs((silent[0]?.seconds ?? 0) - 2_400) < 5);
});

test('failures are counted by who gave them up', async () => {
  const bury = (component: string, offset: number, state: string) =>
    store.query(
      `insert into dead_letter (organisation, "offset", at, component, reason, origin, attempts, bytes, state)
       values ('trust', $2, now(), $1, 'AE', '0-1', 1, 1, $3)`,
      [component, offset, state],
    );
  await bury('nhs-trust', 1, 'waiting');
  await bury('nhs-trust', 2, 'done');
  await bury('nhs-mesh', 3, 'waiting');
  const { failing } = await look();
  assert.deepEqual(failing, [
    { organisation: 'trust', component: 'nhs-mesh', waiting: 1, today: 1 },
    { organisation: 'trust', component: 'nhs-trust', waiting: 1, today: 2 },
  ]);
});

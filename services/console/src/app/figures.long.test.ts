import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { testVariable } from '@causeway/testing/bus';
import { lookForAttention } from '../alerts/attention.ts';
import { countDeadLetters, deadLetterGroups, listDeadLetters } from '../failures/dead-letters.ts';
import { flowTotals } from '../flow/flow-totals.ts';
import { lookAtDeliveries } from '../lag/lag-samples.ts';
import { openStore, type Store } from '../store/store.ts';
import { durations } from '../value/value.ts';

const schema = `test_${randomBytes(6).toString('hex')}`;
const stop = new AbortController();
let store: Store;

before(async () => {
  const log = createLogger('console', 'silent');
  store = openStore({ url: testVariable('DATABASE_URL'), schema, log, signal: stop.signal });
  await store.migrated;
  for (let part = 0; part < 20; part += 1) await store.query(JOURNEYS, [part]);
  await store.query(DEAD_LETTERS);
  await store.query('analyze journey');
  await store.query(
    "insert into reader select 'council', 'sink', p, false, now() - interval '5 minutes', now(), 'ok' from generate_series(0, 5) as p",
  );
  await store.query(
    "insert into reader_type values ('council', 'sink', 'uk.causeway.nhs.inpatient-admission.recorded.v1')",
  );
});
after(async () => {
  stop.abort();
  await store?.query(`drop schema ${schema} cascade`);
  await store?.close();
});

/** A million releases in 90 days, of which the newest few hundred are not delivered yet. */
const JOURNEYS = `
insert into journey (source, event_id, recipient, type, partition, agreements, priority, occurred_at, released_at, delivered_at)
select 'trust', 'event-' || ($1::int * 50000 + n), 'council', 'uk.causeway.nhs.inpatient-admission.recorded.v1', n % 6, '{stay/1}',
  case when n % 100 = 0 then 'immediate' end, at - interval '1 minute', at, case when at < now() - interval '5 minutes' then at end
from (select n, now() - ($1::int * 50000 + n) * interval '7 seconds' as at from generate_series(1, 50000) as n) as made`;
const DEAD_LETTERS = `
insert into dead_letter (organisation, "offset", at, component, reason, origin, attempts, bytes)
select 'council', n, now() - n * interval '1 minute', 'sink', 'reason-' || n % 20, '/council/sink', 1, 900 from generate_series(1, 10000) as n`;

const own = ['council', 'trust'];
const questions: Record<string, () => Promise<unknown>> = {
  'the list of failures': () => listDeadLetters(store.query, own, { state: 'waiting' }, { limit: 51 }),
  'failures by reason': () => deadLetterGroups(store.query, own, { state: 'waiting' }),
  'the number of failures': () => countDeadLetters(store.query, own, { reason: 'reason-3' }),
  'the figures of Value': () => durations(store.query),
  'the totals of Flow, asked in the background': () => flowTotals(store.query),
  'what needs somebody, asked in the background': () => lookForAttention(store.query, Date.now()),
  'the lag of deliveries, asked in the background': () => lookAtDeliveries(store.query, Date.now()),
};

for (const [what, ask] of Object.entries(questions))
  test(`with a million releases and 10,000 dead letters, ${what} takes under 200 ms`, async (t) => {
    await ask();
    const begun = performance.now();
    await ask();
    const ms = performance.now() - begun;
    t.diagnostic(`${ms.toFixed(0)} ms`);
    assert.ok(ms < 200, `${ms.toFixed(0)} ms`);
  });

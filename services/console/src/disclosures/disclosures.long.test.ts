import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import { connectDatabase } from '@causeway/runtime/postgres/database';
import { createLinks } from '@causeway/runtime/reference-data/identity-links';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { testVariable } from '@causeway/testing/bus';
import { createDisclosures } from './search.ts';

const EVENTS = 1_000_000;
const PEOPLE = 50_000;
const LIMIT_MS = 1_000;

test('one person’s disclosures among one million events are found in under a second', async (t) => {
  const log = createLogger('test', 'silent');
  const schema = `disclosures_${randomBytes(5).toString('hex')}`;
  const options = { url: testVariable('DATABASE_URL'), schema, log, statementMs: 280_000 };
  const database = connectDatabase(options);
  t.after(async () => {
    await database.query(`drop schema if exists ${schema} cascade`);
    await database.close();
  });
  await database.migrate(new URL('../../disclosure-migrations/', import.meta.url));
  const tokeniser = createTokeniser(Buffer.from('a partnership key for tests only'));
  const token = tokeniser.nhs('9990123454');
  await database.query(`insert into chain (topic, partition, next) values ('ledger.trust', 0, 0)`);
  await database.query(
    `insert into event select 1, n, 'event-' || n, 'uk.causeway.test.happened.v1', 'trust', null,
       timestamptz '2026-01-01' + n * interval '10 s', 'OFFICIAL', 'digest', n from generate_series(1, ${EVENTS}) n`,
  );
  await database.query(
    `insert into person select case when n % ${PEOPLE} = 0 then $1 else 'person-' || n % ${PEOPLE} end, 1, n, false
     from generate_series(1, ${EVENTS}) n`,
    [token],
  );
  await database.query(
    `insert into disclosure select 1, n, r, 'released', null, '{stay/1}', 1, 'digest',
       timestamptz '2026-01-01' + n * interval '10 s'
     from generate_series(1, ${EVENTS}) n, unnest(array['council', 'police']) r`,
  );
  const disclosures = createDisclosures({
    index: { database, standing: () => ({ current: true, since: 0 }), close: async () => undefined },
    links: createLinks(),
    tokeniser,
    ledger: { record: async () => undefined },
  });
  for (const organisation of [undefined, 'council']) {
    const viewer = { subject: 'lead', roles: [], ...(organisation ? { organisation } : {}) };
    const begun = performance.now();
    const person = { scheme: 'nhs', value: '9990123454', reason: 'test' } as const;
    const found = await disclosures.search(viewer, person);
    const ms = performance.now() - begun;
    assert.equal(found.disclosures.length, EVENTS / PEOPLE);
    t.diagnostic(`${EVENTS} events, as ${organisation ?? 'all'}: ${ms.toFixed(0)} ms`);
    assert.ok(ms < LIMIT_MS, `${ms} ms`);
  }
  const begun = performance.now();
  const latest = await disclosures.ofRecipient({ subject: 'lead', roles: [] }, 'council');
  t.diagnostic(`the latest 1,000 of a recipient: ${(performance.now() - begun).toFixed(0)} ms`);
  assert.ok(latest.more);
});

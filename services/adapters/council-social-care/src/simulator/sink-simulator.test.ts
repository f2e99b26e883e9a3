import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connectDatabase, type Database } from '@causeway/runtime/postgres/database';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { testVariable } from '@causeway/testing/bus';
import { contactRow } from '../contacts/contact.ts';
import { createContactTable } from '../contacts/table.ts';
import { prepareCouncilDatabase } from './prepare.ts';
import { prepareContactTable, refuseRealDatabase } from './prepare-contacts.ts';
import { type DeskBehaviour, showTheDesk, workTheDesk } from './sink-simulator.ts';

const MISSING = 'uk.causeway.police.missing-person.reported.v1';
const name = `desk_${randomBytes(5).toString('hex')}`;
const log = createLogger('test', 'silent');
let server: Database;
let council: Database;

before(async () => {
  const url = new URL(testVariable('DATABASE_URL'));
  server = connectDatabase({ url: url.href, schema: 'public', log, connections: 1 });
  await server.query(`create database ${name}`);
  url.pathname = `/${name}`;
  council = connectDatabase({ url: url.href, schema: 'public', log, connections: 4 });
  await refuseRealDatabase(council);
  await prepareCouncilDatabase(url.href);
  await Promise.all([prepareContactTable(council), prepareContactTable(council)]);
});
after(async () => {
  await council?.close();
  await server?.query(`drop database ${name} with (force)`);
  await server?.close();
});

const arrive = async (type: string): Promise<string> => {
  const entry = loadCatalogue().find((one) => one.type === type);
  assert.ok(entry);
  const { data, ...event } = entry.example;
  const id = randomBytes(16).toString('base64url');
  const envelope = { ...event, id, tokens: [], otherTokens: [], exclude: [], replay: false, agreement: [] };
  const row = contactRow({ event: envelope, data, position: '0-1' }, entry);
  await createContactTable(council, { schema: 'public', table: 'inbound_contact' }).put(row, undefined);
  return id;
};

const look = (behaviour: DeskBehaviour = 'well') =>
  workTheDesk({ database: council, pauseMs: 0, behave: () => behaviour });
const stateOf = async (id: string) => {
  const [row] = await council.query<{ state: string; reference: string | null }>(
    'select state, reference from inbound_contact where event_id = $1',
    [id],
  );
  return row;
};

describe('the simulated front door', { timeout: 30_000 }, () => {
  it('sees a contact, takes the child on under a reference of its own, and decides', async () => {
    const id = await arrive(MISSING);
    await look('odd');
    assert.equal((await stateOf(id))?.state, 'On my desk');
    await look();
    await look();
    assert.equal((await stateOf(id))?.state, 'accepted');
    const referrals = await council.query<Record<string, unknown>>(
      'select fact_referral_id, origin_reference, outcome_code, surname from child_social.fact_referrals join child_social.dim_person using (dim_person_id)',
    );
    assert.deepEqual(
      referrals.map((one) => [`R-${one.fact_referral_id}`, one.origin_reference, one.surname]),
      [[(await stateOf(id))?.reference, `/westshire-police/${id}`, 'Fakenham-Smith']],
    );
    await look();
    const [decided] = await council.query<{ outcome: string }>('select outcome from casework.referral');
    assert.match(String(decided?.outcome), /^[a-z_]+$/);
  });

  it('finds the same child again, and opens one referral for each child of a household', async () => {
    const before = await council.query('select 1 from casework.person');
    await arrive(MISSING);
    await arrive('uk.causeway.police.domestic-abuse-incident.attended.v1');
    await look();
    await look();
    const people = await council.query('select 1 from casework.person');
    assert.equal(people.length, before.length + 1);
    const referrals = await council.query('select 1 from casework.referral');
    assert.equal(referrals.length, 3);
  });

  it('shows what lies on its desk, one line for each contact', async (t) => {
    const server = showTheDesk(council).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const lines = (await (await fetch(`http://127.0.0.1:${port}/`)).text()).trim().split('\n');
    const rows = (await (await fetch(`http://127.0.0.1:${port}/contacts`)).json()) as object[];
    assert.equal(lines.length, rows.length);
    assert.match(
      lines.at(-1) ?? '',
      /^#1 accepted .* \| Missing child, high risk\. .* \| ring Westshire Police/,
    );
  });

  it('refuses to play in a database that holds anything else', async () => {
    await refuseRealDatabase(council);
    await council.query('create table clients (id int)');
    await assert.rejects(refuseRealDatabase(council), { code: 'not-simulated' });
    await council.query('drop table clients');
    await council.query('alter schema casework rename to something_else');
    await assert.rejects(refuseRealDatabase(council), { code: 'not-simulated' });
    await council.query('alter schema something_else rename to casework');
  });
});

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import pg from 'pg';
import { createTestCouncil, type TestCouncil } from '../database/testing.ts';
import { fillHistory } from './history.ts';
import { HAPPENINGS } from './news.ts';

let council: TestCouncil;
let client: pg.Client;

before(async () => {
  council = await createTestCouncil();
  client = new pg.Client({ connectionString: council.url });
  await client.connect();
});
after(async () => {
  await client?.end();
  await council?.drop();
});

const count = async (what: string) =>
  Number((await council.query(`select count(*) as n from ${what}`))[0]?.n);

it('gives a council its children and adults once, all of it long before today', async () => {
  await fillHistory(client);
  await fillHistory(client);
  assert.equal(await count('casework.person'), 220);
  assert.equal(await count('casework.child_protection_plan where ended_on is null'), 20);
  assert.equal(await count('casework.child_protection_plan where ended_on is not null'), 20);
  assert.equal(await count('casework.care_episode where ended_on is null'), 15);
  assert.equal(await count('casework.care_package'), 100);
  assert.equal(
    await count("casework.child_protection_plan where updated_at > now() - interval '30 days'"),
    0,
  );
});

it('lets everything happen that a council has news of', async () => {
  await council.query('select setseed(0.5)');
  const missed: number[] = [];
  for (let turn = 0; turn < HAPPENINGS.length; turn += 1) {
    if (turn === 9)
      await council.query(
        "update casework.section47_enquiry set started_at = started_at - interval '1 minute'",
      );
    if (!(await HAPPENINGS[turn]?.(client))) missed.push(turn);
  }
  assert.deepEqual(missed, []);
});

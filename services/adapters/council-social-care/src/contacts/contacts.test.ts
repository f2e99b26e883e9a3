import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeHeaders } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { type RunningAdapter, release, runAdapter } from '@causeway/testing/adapter-process';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { sinkAgreement } from '@causeway/testing/sink-agreement';
import { createTestCouncil, type TestCouncil } from './testing/council-database.ts';

const TYPE = 'uk.causeway.police.missing-person.reported.v1';

let bus: TestBus;
let council: TestCouncil;
let running: RunningAdapter[] = [];
let agreement: string;
let from: string;
let to: string;
/** Longer in `npm run test:long`. */
const SECONDS = Number(process.env.CONTACTS_SOAK_SECONDS ?? 3);
const KILLS = Math.max(2, Math.floor(SECONDS / 3));
const schema = `contacts_${randomBytes(5).toString('hex')}`;

before(async () => {
  bus = await createTestBus(2);
  [from = '', to = ''] = bus.organisations;
  agreement = await bus.activate(sinkAgreement(from, to, 'person.name, description'));
  council = await createTestCouncil();
  running = [start(), start()];
});

after(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await council?.close();
  await bus?.close();
});

const start = () =>
  runAdapter(bus, to, new URL('../..', import.meta.url), {
    COUNCIL_SOCIAL_CARE_DATABASE_SCHEMA: schema,
    COUNCIL_SOCIAL_CARE_CONTACTS_URL: council.url,
    COUNCIL_SOCIAL_CARE_CONTACTS_SCHEMA: council.schema,
    COUNCIL_SOCIAL_CARE_ANSWERS_SECONDS: '1',
  });

const until = async (is: () => boolean | Promise<boolean>, what: string, ms = 60_000): Promise<void> => {
  const deadline = Date.now() + ms;
  while (!(await is())) {
    if (Date.now() > deadline)
      throw new Error(`it did not come to this: ${what}\n${running.map((one) => one.log().slice(-2_000))}`);
    await delay(50);
  }
};

const ids = async (): Promise<string[]> =>
  (await council.dba.query<{ event_id: string }>('select event_id from inbound_contact')).map(
    (row) => row.event_id,
  );

const send = (person: string) =>
  release(bus, { from, to, type: TYPE, person, envelope: { agreement: [agreement] } });

/** What the partner was told, by the event: its states in order. */
const heard = async (): Promise<Map<string, string[]>> => {
  const told = new Map<string, string[]>();
  for (const { headers, value } of await bus.records(topicsOf(to).outbox)) {
    const { inResponseTo = '', id } = decodeHeaders(headers);
    const { data } = await bus.codec.decode(value ?? Buffer.alloc(0));
    const event = inResponseTo.split('/')[2] ?? '';
    const words = `${id} ${(data as { state: string }).state}`;
    const known = told.get(event) ?? [];
    if (!known.includes(words)) told.set(event, [...known, words]);
  }
  return told;
};

test('every event is one row and each answer is told once, with two adapters that are killed again and again and a desk that answers', async (t) => {
  const sent: string[] = [];
  const states = ['seen', 'accepted', 'not-ours', 'unable'];
  let kills = 0;
  const begun = Date.now();
  const end = begun + SECONDS * 1_000;
  while (Date.now() < end) {
    for (let index = 0; index < 5; index += 1) sent.push(await send(`person-${index}`));
    await council.dba.query(
      `update inbound_contact set state = ($1::text[])[1 + contact_id % 4], team = 'Front door'
       where state = 'new' and contact_id % 3 > 0`,
      [states],
    );
    await delay(20);
    if (kills < KILLS && Date.now() > begun + ((kills + 1) * SECONDS * 1_000) / (KILLS + 2)) {
      const which = kills % 2;
      await running[which]?.kill();
      running[which] = start();
      kills += 1;
    }
  }
  assert.equal(kills, KILLS);
  await until(async () => new Set(await ids()).size === sent.length, 'every event is in the table');
  const rows = await ids();
  assert.deepEqual([...rows].sort(), [...sent].sort());
  await council.dba.query("update inbound_contact set state = 'accepted', team = 'Front door'");
  await until(async () => {
    const told = await heard();
    return sent.every((id) => told.get(id)?.at(-1)?.endsWith(' accepted'));
  }, 'every partner was told in the end that it was accepted');
  for (const said of (await heard()).values()) {
    const words = said.map((one) => one.split(' ')[1]);
    assert.ok(words.length <= 2 && words.at(-1) === 'accepted', `told ${words.join(', ')}`);
  }
  t.diagnostic(`${sent.length} events, ${kills} kills`);
});

test('events wait while the table is gone, /ready says so, and they arrive once it is back', async () => {
  const [one] = running;
  await until(() => one?.admin() !== undefined, 'the adapter says where its /ready is');
  const check = async () => {
    const answer = await fetch(`${one?.admin()}/ready`);
    const { checks } = (await answer.json()) as { checks: Record<string, { ok: boolean; message?: string }> };
    return checks.contacts;
  };
  await until(async () => (await check())?.ok === true, 'the table is found');
  await council.dba.query('alter table inbound_contact rename to away');
  const id = await send('somebody');
  await until(async () => (await check())?.ok === false, 'the table is missed');
  assert.match(
    String((await check())?.message),
    new RegExp(`the table ${council.schema}.inbound_contact is not there`),
  );
  await council.dba.query('alter table away rename to inbound_contact');
  await until(async () => (await ids()).includes(id), 'the event arrives');
  assert.deepEqual(await bus.records(topicsOf(to).deadLetter), []);
});

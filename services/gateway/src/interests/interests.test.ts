import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { type BusWorld, startBusWorld } from '../testing/bus-world.ts';
import { type Answer, eventually, problemOf } from '../testing/world.ts';

let world: BusWorld;
let council: string;
let other: string;

before(async () => {
  world = await startBusWorld();
  [council = '', other = ''] = world.bus.organisations;
});

after(() => world.close());

const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
const json = { 'content-type': 'application/json' };
const put = (reference: string, body: unknown, organisation = council): Promise<Answer> =>
  world.ask(organisation, 'PUT', `/v1/interests/${encodeURIComponent(reference)}`, body, json);
const list = async (organisation: string, query = '') =>
  (await world.ask(organisation, 'GET', `/v1/interests${query}`)).body as unknown as {
    interests: { reference: string; expires: string }[];
    next: string | null;
  };

test('an interest is published with tokens of the person and nothing that identifies', async () => {
  const body = {
    reason: 'looked-after',
    since: '2026-01-01',
    expires: day(300),
    identifiers: { nhsNumber: '999 000 0018' },
    localid: 'case:77',
    person: { familyName: 'Exampleton', firstName: 'Alda', dateOfBirth: '2014-02-17' },
  };
  const answer = await put('case/77', body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.deepEqual(answer.body as unknown, {
    reference: 'case/77',
    writer: 'gateway',
    reason: 'looked-after',
    since: '2026-01-01',
    until: null,
    expires: day(300),
  });
  const [record] = await world.bus.untilRecords(topicsOf(council).interests, 1);
  const text = `${record?.key} ${record?.value}`;
  for (const clear of ['999', 'Exampleton', 'Alda', '2014']) assert.ok(!text.includes(clear), clear);
  const tokeniser = createTokeniser(Buffer.from(world.env.PARTNERSHIP_KEY ?? ''));
  const { tokens, demographic } = JSON.parse(String(record?.value));
  assert.deepEqual(tokens, [tokeniser.nhs('9990000018'), tokeniser.local(council, 'case', '77')]);
  assert.equal(typeof demographic, 'string');
});

test('an organisation sees, replaces and withdraws its own interests only', async () => {
  const body = (expires: string) => ({ reason: 'open-referral', expires, tokens: ['t'.repeat(22)] });
  for (const reference of ['a', 'b', 'c']) assert.equal((await put(reference, body(day(10)))).status, 200);
  assert.equal((await put('a', body(day(20)))).status, 200);
  const seen = await eventually(
    () => list(council),
    ({ interests }) => interests.length === 4 && interests[0]?.expires === day(20),
  );
  assert.deepEqual(
    seen.interests.map(({ reference }) => reference),
    ['a', 'b', 'c', 'case/77'],
  );
  assert.deepEqual((await list(other)).interests, []);
  const first = await list(council, '?limit=2');
  const second = await list(council, `?limit=2&after=${encodeURIComponent(String(first.next))}`);
  assert.deepEqual(
    [...first.interests, ...second.interests].map(({ reference }) => reference),
    ['a', 'b', 'c', 'case/77'],
  );
  assert.equal(second.next, null);
  assert.equal(
    ((await world.ask(council, 'GET', '/v1/interests/a')).body as Record<string, unknown>).expires,
    day(20),
  );
  assert.equal((await world.ask(council, 'DELETE', '/v1/interests/a')).status, 204);
  const gone = await eventually(
    () => world.ask(council, 'GET', '/v1/interests/a'),
    ({ status }) => status === 404,
  );
  assert.equal(problemOf(gone), '404 not-found');
  assert.equal((await world.ask(other, 'DELETE', '/v1/interests/b')).status, 204);
  assert.equal((await world.ask(council, 'GET', '/v1/interests/b')).status, 200);
});

test('a body that is not an interest is refused with every fault and no value', async () => {
  const body = {
    reason: 'Secret',
    since: '2026-02-30',
    expires: day(401),
    identifiers: { nhsNumber: '9990000019', upn: 'Secret' },
    localid: 'Secret',
    more: 'Secret',
  };
  const answer = await put('x', body);
  assert.equal(problemOf(answer), '400 invalid-body');
  const paths = (answer.body.faults as { path: string }[]).map(({ path }) => path);
  for (const path of ['reason', 'since', 'identifiers.nhsNumber', 'identifiers.upn', 'localid', ''])
    assert.ok(paths.includes(path), `${path} in ${paths}`);
  assert.doesNotMatch(JSON.stringify(answer.body), /Secret|9990000019/);
  const good = { reason: 'looked-after', tokens: ['t'.repeat(22)] };
  const refused = async (more: object) => problemOf(await put('x', { ...good, ...more }));
  assert.equal(await refused({ expires: day(401) }), '400 invalid-body');
  assert.equal(await refused({ expires: day(9), tokens: [] }), '400 invalid-body');
  const many = Array.from({ length: 20 }, (_, index) => String(index).padStart(22, 'x'));
  assert.equal(await refused({ expires: day(9), tokens: many, localid: 'case:1' }), '400 invalid-body');
  assert.equal(
    await refused({ expires: day(9), since: '2026-02-01', until: '2026-01-01' }),
    '400 invalid-body',
  );
  assert.equal(problemOf(await put('white space', good)), '404 not-found');
  assert.equal(
    problemOf(await world.ask(council, 'PUT', '/v1/interests/x', 'no json', json)),
    '400 invalid-json',
  );
});

test('a cursor that is longer than any that was given is refused', async () => {
  const answer = await world.ask(council, 'GET', `/v1/interests?after=${'a'.repeat(301)}`);
  assert.equal(problemOf(answer), '400 invalid-parameter');
});

test('an interest that ended before it began is refused, also where it begins today', async () => {
  const expires = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10);
  const ended = { reason: 'looked-after', until: '2000-01-01', expires, tokens: ['t'.repeat(22)] };
  const answer = await put('ended', ended);
  assert.equal(problemOf(answer), '400 invalid-body');
  assert.match(JSON.stringify(answer.body), /must not be before since/);
});

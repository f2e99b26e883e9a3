import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Person, rolesOf } from '../access/viewer.ts';
import { parseCookies } from './cookies.ts';
import { createSessions, isOwnForm, ownPath, SESSION_MS } from './session.ts';

const PERSON: Person = {
  subject: 'account-1',
  name: 'Operations',
  roles: ['operator'],
  organisation: 'a-council',
};
const KEY = 'a session key for tests only';
const PAGES = ['/throughput'];

test('a session can be opened by whoever sealed it, for eight hours', async () => {
  let now = Date.now();
  const sessions = createSessions(KEY, () => now);
  const cookie = await sessions.begin(PERSON);
  const session = await sessions.open(cookie);
  assert.equal(session?.subject, 'account-1');
  assert.equal(session?.organisation, 'a-council');
  now += SESSION_MS + 1_000;
  assert.equal(await sessions.open(cookie), undefined);
});

test('a session sealed with another key, or changed anywhere, is no session', async () => {
  const sessions = createSessions(KEY, Date.now);
  const cookie = await sessions.begin(PERSON);
  assert.equal(await createSessions('another key of the same length', Date.now).open(cookie), undefined);
  const rotated = createSessions(['another key of the same length', KEY], Date.now);
  assert.equal((await rotated.open(cookie))?.subject, PERSON.subject);
  assert.equal(await sessions.open(await rotated.begin(PERSON)), undefined);
  for (const position of [10, 60, 100, cookie.length - 2]) {
    const other = cookie[position] === 'A' ? 'B' : 'A';
    assert.equal(
      await sessions.open(cookie.slice(0, position) + other + cookie.slice(position + 1)),
      undefined,
    );
  }
});

test('what is in a session cannot be read from the cookie', async () => {
  const cookie = await createSessions(KEY, Date.now).begin(PERSON);
  const parts = cookie.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
  assert.ok(parts.every((part) => !part.includes('operator') && !part.includes('account-1')));
});

test('a log-in attempt is never taken for a session', async () => {
  const sessions = createSessions(KEY, Date.now);
  const attempt = await sessions.beginAttempt({
    state: 's',
    nonce: 'n',
    verifier: 'v',
    returnTo: '/throughput',
  });
  assert.equal(await sessions.open(attempt), undefined);
  assert.equal(await sessions.openAttempt(await sessions.begin(PERSON)), undefined);
});

test('two log-ins share neither session nor form token', async () => {
  const sessions = createSessions(KEY, Date.now);
  const [first, second] = await Promise.all(
    [sessions.begin(PERSON), sessions.begin(PERSON)].map(async (c) => sessions.open(await c)),
  );
  assert.ok(first && second);
  assert.notEqual(first.id, second.id);
  assert.equal(isOwnForm(first, first.csrf), true);
  assert.equal(isOwnForm(first, second.csrf), false);
  assert.equal(isOwnForm(first, undefined), false);
  assert.equal(isOwnForm(first, [first.csrf]), false);
});

test('only the two roles of the console count', () => {
  assert.deepEqual(rolesOf(['operator', 'administrator']), ['operator']);
  assert.deepEqual(rolesOf('operator'), []);
  assert.deepEqual(rolesOf(undefined), []);
});

test('one returns to own pages only', () => {
  assert.equal(
    ownPath('/throughput?organisation=a-council', PAGES, '/throughput'),
    '/throughput?organisation=a-council',
  );
  const elsewhere = [
    'https://elsewhere.example/throughput',
    '//elsewhere.example/throughput',
    '/\\elsewhere.example/throughput',
    '/\t/elsewhere.example/throughput',
    'throughput',
    '/sign-out',
    '/throughput/../sign-out',
    'javascript:alert(1)',
    ['/throughput'],
    undefined,
  ];
  for (const path of elsewhere) assert.equal(ownPath(path, PAGES, '/home'), '/home', String(path));
});

test('no spelling whatsoever leads to another host or another page', () => {
  const characters = fc.constantFrom(
    '/',
    '\\',
    '@',
    ':',
    '.',
    '%2f',
    '%5c',
    't',
    '\t',
    '\n',
    'throughput',
    '?',
    '#',
    'x.example',
  );
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 12 }), (parts) => {
      const path = ownPath(parts.join(''), PAGES, '/throughput');
      const target = new URL(path, 'https://console.example');
      assert.equal(target.origin, 'https://console.example');
      assert.match(target.pathname, /^\/throughput(\/|$)/);
    }),
  );
});

test('cookies are read whatever surrounds them', () => {
  const cookies = parseCookies('a=1; causeway-session=ey.J==; a=2; odd; =x');
  assert.deepEqual(
    [...cookies],
    [
      ['a', '1'],
      ['causeway-session', 'ey.J=='],
    ],
  );
  assert.equal(parseCookies(undefined).size, 0);
});

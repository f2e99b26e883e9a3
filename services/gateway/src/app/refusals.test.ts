import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createCursors } from '../reading/cursor.ts';
import { answerOf, eventually, freePort, KEY, problemOf, startWorld, type World } from '../testing/world.ts';

let world: World;

before(async () => {
  world = await startWorld();
});

after(() => world.close());

test('every token that is not right is refused with its problem', async () => {
  const { recipient } = world.partnership;
  const soon = Math.floor(Date.now() / 1000);
  const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${world.token.split('.')[1]}.`;
  const refused: [string, string][] = [
    ['', '401 invalid-token'],
    ['nonsense', '401 invalid-token'],
    [unsigned, '401 invalid-token'],
    [await world.issuer.forged(recipient), '401 invalid-token'],
    [await world.issuer.token(recipient, { exp: soon - 60 }), '401 invalid-token'],
    [await world.issuer.token(recipient, { nbf: soon + 60 }), '401 invalid-token'],
    [await world.issuer.token(recipient, { aud: 'causeway-console' }), '401 invalid-token'],
    [await world.issuer.token(recipient, { iss: 'https://another.example' }), '401 invalid-token'],
    [await world.issuer.token(recipient, {}, { typ: 'JWT' }), '401 invalid-token'],
    [await world.issuer.token(recipient, { scope: 'events:write' }), '403 insufficient-scope'],
    [await world.issuer.token(recipient, { organisation: undefined }), '403 organisation-required'],
    [await world.issuer.token('nobody-knows-it'), '403 organisation-unknown'],
  ];
  for (const [bearer, expected] of refused)
    assert.equal(problemOf(await world.get('/v1/events', bearer)), expected);
});

test('a request that cannot be read as it is says what to change', async () => {
  const own = await world.end();
  const foreign = createCursors([KEY]).issue('another-council', [0, 0, 0, 0, 0, 0]);
  const unsigned = Buffer.from([1, 6, 0, 0, 0, 0, 0, 0]).toString('base64url');
  const more = createCursors([KEY]).issue(world.partnership.recipient, [0, 0, 0, 0, 0, 0, 0]);
  const otherKey = createCursors([`not ${KEY}`]).issue(world.partnership.recipient, [0, 0, 0, 0, 0, 0]);
  const changed = Buffer.from(own, 'base64url');
  changed[2] = (changed[2] ?? 0) ^ 1;
  for (const after of [foreign, unsigned, more, otherKey, changed.toString('base64url'), `${own}A`, 'x']) {
    assert.equal(problemOf(await world.events(`?after=${after}`)), '400 invalid-cursor');
    const stream = await fetch(`${world.url}/v1/events/stream`, {
      headers: { authorization: `Bearer ${world.token}`, 'last-event-id': after },
    });
    assert.equal(problemOf(await answerOf(stream)), '400 invalid-cursor', 'as Last-Event-ID too');
  }
  const faults = [
    'limit=0',
    'limit=1001',
    'limit=ten',
    'limit=',
    'wait=31',
    'wait=-1',
    'wait=1.5',
    'type=x',
    'subject=x',
  ];
  for (const query of [...faults, 'after=', 'limit=1&limit=2', 'offset=1', 'LIMIT=1', '=', 'type=%00']) {
    assert.equal(problemOf(await world.events(`?${query}`)), '400 invalid-parameter', query);
  }
  const { body } = await world.events('?limit=0&wait=99&page=2');
  assert.deepEqual(
    (body.parameters as { parameter: string }[]).map(({ parameter }) => parameter),
    ['page', 'limit', 'wait'],
  );
});

test('other addresses, methods, bodies and very long addresses are refused', async () => {
  assert.equal(problemOf(await world.get('/v1/nothing')), '404 not-found');
  assert.equal(problemOf(await world.get('/v1/events/')), '404 not-found');
  assert.equal(problemOf(await world.events(`?type=${'x'.repeat(5_000)}`)), '414 uri-too-long');
  const send = async (method: string, body?: string) =>
    answerOf(await fetch(`${world.url}/v1/openapi.json`, { method, ...(body ? { body } : {}) }));
  const deleted = await send('DELETE');
  assert.equal(problemOf(deleted), '405 method-not-allowed');
  assert.equal(deleted.headers.get('allow'), 'GET, HEAD');
  assert.equal(problemOf(await send('PUT', 'x'.repeat(100_000))), '405 method-not-allowed');
});

test('every answer, a refusal too, forbids browsers to embed, to guess, to keep and to go back to plain http', async () => {
  for (const { headers } of [await world.get('/v1/openapi.json', ''), await world.get('/v1/nothing')]) {
    assert.match(String(headers.get('content-security-policy')), /default-src 'self'/);
    assert.match(String(headers.get('strict-transport-security')), /max-age=\d{8}/);
    assert.deepEqual(
      ['x-content-type-options', 'x-frame-options', 'cache-control', 'x-powered-by'].map((name) =>
        headers.get(name),
      ),
      ['nosniff', 'SAMEORIGIN', 'no-store', null],
    );
  }
});

test('the OpenAPI document needs no token', async () => {
  const { status, body } = await world.get('/v1/openapi.json', '');
  assert.deepEqual([status, body.openapi], [200, '3.1.1']);
});

test('without Kafka a request is answered 503 with Retry-After in time', async () => {
  const away = await world.start({ KAFKA_BROKERS: `127.0.0.1:${await freePort()}` });
  try {
    const begun = performance.now();
    const answer = await world.events('', away.url);
    assert.equal(problemOf(answer), '503 unavailable');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    assert.ok(performance.now() - begun < 9_000);
    assert.equal((await fetch(`${away.service.adminUrl}/ready`)).status, 503);
  } finally {
    await away.service.stop();
  }
});

test('without the registry nothing is passed: 503 until it answers', async () => {
  const from = await world.end();
  await world.partnership.write([await world.partnership.entry(0, {})]);
  const away = await world.start({
    SCHEMA_REGISTRY_URL: `http://127.0.0.1:${await freePort()}/apis/ccompat/v7`,
  });
  try {
    assert.equal(
      problemOf(
        await eventually(
          () => world.events(`?after=${from}`, away.url),
          // A gateway that has just begun does not know the agreements for a moment.
          (answer) => answer.status !== 200 && problemOf(answer) !== '503 agreements-not-current',
        ),
      ),
      '503 unavailable',
    );
  } finally {
    await away.service.stop();
  }
  assert.equal((await world.events(`?after=${from}`)).body.events.length, 1);
});

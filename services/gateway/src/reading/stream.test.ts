import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { openStream } from '../testing/event-source.ts';
import { eventually, type Gateway, KEY, problemOf, startWorld, type World } from '../testing/world.ts';
import { createCursors } from './cursor.ts';

let world: World;

before(async () => {
  world = await startWorld();
  // What is in force is not known in the first moments.
  await world.partnership.write([await world.partnership.entry(0, {})]);
  await world.end();
});

after(() => world.close());

const stream = (query: string, headers: Record<string, string> = {}, base = world.url, token = world.token) =>
  openStream(`${base}/v1/events/stream${query}`, token, headers);

const idOf = (message: { data?: string } | undefined): string => JSON.parse(message?.data ?? '{}').id;

test('a stream hands over what is there and what comes, each with a cursor as its id', async () => {
  const from = await world.end();
  const first = await world.partnership.entry(0, {});
  await world.partnership.write([first]);
  const source = await stream(`?after=${from}`);
  assert.equal(source.headers.get('content-type'), 'text/event-stream');
  const [one] = await source.take(1);
  assert.equal(idOf(one), first.headers.ce_id);
  const second = await world.partnership.entry(3, {});
  await world.partnership.write([second]);
  const [two] = await source.take(1);
  assert.equal(idOf(two), second.headers.ce_id);
  source.close();
  // The cursor of the stream is a cursor of the page, and the other way round.
  const page = await world.events(`?after=${one?.id}`);
  assert.deepEqual(
    page.body.events.map(({ id }) => id),
    [second.headers.ce_id],
  );
});

test('a stream that is opened again with the last id goes on behind it, whatever the address says', async () => {
  const from = await world.end();
  const entries = await Promise.all([0, 1, 2, 3, 4, 5, 0, 1].map((at) => world.partnership.entry(at, {})));
  await world.partnership.write(entries.slice(0, 4));
  await world.partnership.write([await world.partnership.entry(2, {})], { aborted: true });
  await world.partnership.write(entries.slice(4));
  const seen: string[] = [];
  let last = from;
  for (let connection = 0; connection < 4; connection += 1) {
    const source = await stream('?from=2020-01-01T00:00:00Z', { 'last-event-id': last });
    for (const message of await source.take(2)) {
      seen.push(idOf(message));
      last = message.id ?? '';
    }
    source.close();
  }
  assert.deepEqual(seen.toSorted(), entries.map(({ headers }) => headers.ce_id ?? '').toSorted());
  assert.deepEqual((await world.events(`?after=${last}`)).body.events, []);
});

test('a reading can start at a time', async () => {
  const before = await world.end();
  await world.partnership.write([await world.partnership.entry(0, {})]);
  await world.readAll(before);
  const time = encodeURIComponent(new Date(Date.now() + 5).toISOString());
  while (Date.now() < Date.parse(decodeURIComponent(time)) + 5);
  const entry = await world.partnership.entry(0, {});
  await world.partnership.write([entry, await world.partnership.entry(1, {})]);
  const { body } = await world.events(`?from=${time}`);
  assert.equal(body.events.length, 2);
  const ahead = await world.events('?from=2999-01-01T00:00:00Z');
  assert.deepEqual(ahead.body.events, []);
  assert.equal(ahead.body.next, await world.end());
  const both = await world.events(`?from=${time}&after=${before}`);
  assert.equal(problemOf(both), '400 invalid-parameter');
  assert.equal(problemOf(await world.events('?from=yesterday')), '400 invalid-parameter');
});

test('a stream without events sends heartbeats that move its cursor past what is not for it', async () => {
  const other = await world.start({ GATEWAY_STREAM_HEARTBEAT_SECONDS: '1' });
  try {
    const source = await stream(
      `?after=${await world.end()}&type=uk.causeway.nhs.patient-discharge.recorded.v1`,
      {},
      other.url,
    );
    await world.partnership.write([await world.partnership.entry(0, {})]);
    const end = await world.end();
    for (;;) {
      const message = await source.next();
      assert.ok(message !== undefined && message.data === undefined);
      if (message.id === end) break;
    }
    source.close();
  } finally {
    await other.service.stop();
  }
});

test('a stream that cannot begin is refused like a page', async () => {
  const foreign = createCursors([KEY]).issue('another-council', [0, 0, 0, 0, 0, 0]);
  const beyond = createCursors([KEY]).issue(world.partnership.recipient, [0, 9e9, 0, 0, 0, 0]);
  const refusal = async (query: string, headers = {}) => {
    const source = await stream(query, headers);
    const status = source.status;
    source.close();
    return status;
  };
  assert.equal(await refusal(`?after=${foreign}`), 400);
  assert.equal(await refusal('', { 'last-event-id': foreign }), 400);
  assert.equal(await refusal(`?after=${beyond}`), 410);
  assert.equal(await refusal('?limit=1'), 400);
});

test('stopping ends a stream with a reason and its cursor; so does the end of its token', async () => {
  const other = await world.start();
  const from = await world.end();
  const source = await stream(`?after=${from}`, {}, other.url);
  const short = await world.issuer.token(world.partnership.recipient, {
    exp: Math.floor(Date.now() / 1000) + 2,
  });
  const brief = await stream(`?after=${from}`, {}, other.url, short);
  const [expired] = await brief.take(1);
  assert.deepEqual([expired?.event, expired?.data, expired?.id], ['end', '{"reason":"token-expired"}', from]);
  assert.equal(await brief.next(), undefined);
  const stopped = other.service.stop();
  const [end] = await source.take(1);
  assert.deepEqual([end?.event, end?.data, end?.id], ['end', '{"reason":"stopping"}', from]);
  assert.deepEqual((await stopped).unreleased, []);
});

test('a client may have so many streams and no more', async () => {
  const other = await world.start({ GATEWAY_STREAMS_PER_CLIENT: '2' });
  try {
    const from = await world.end();
    const open = [
      await stream(`?after=${from}`, {}, other.url),
      await stream(`?after=${from}`, {}, other.url),
    ];
    const refused = await world.get('/v1/events/stream', world.token, other.url);
    assert.equal(problemOf(refused), '429 too-many-streams');
    open[0]?.close();
    const again = await eventually(
      () => stream(`?after=${from}`, {}, other.url),
      ({ status }) => status === 200,
    );
    assert.equal(again.status, 200);
    for (const source of [...open, again]) source.close();
  } finally {
    await other.service.stop();
  }
});

test('a client that asks too often is told when to come again, and nobody else is', async () => {
  const other = await world.start({ GATEWAY_REQUESTS_PER_SECOND: '1' });
  try {
    const ask = (token = world.token) => world.get('/v1/events', token, other.url);
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask()));
    const refused = answers.filter(({ status }) => status === 429);
    assert.equal(refused.length, 2);
    for (const answer of refused) {
      assert.equal(problemOf(answer), '429 too-many-requests');
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    }
    const neighbour = await world.issuer.token(world.partnership.recipient, { client_id: 'another' });
    assert.equal((await ask(neighbour)).status, 200);
  } finally {
    await other.service.stop();
  }
});

test('a reader that takes nothing is cut off and holds up nobody else', async () => {
  // More than the buffers of the system take.
  const ward = 'w'.repeat(700_000);
  const data = { person: { name: null, sex: null }, ward };
  const from = await world.end();
  const other: Gateway = await world.start({ GATEWAY_SLOW_SECONDS: '3' });
  const { hostname, port } = new URL(other.url);
  const socket = connect({ host: hostname, port: Number(port) });
  try {
    socket.pause();
    socket.write(
      `GET /v1/events/stream?after=${from} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${world.token}\r\n\r\n`,
    );
    const source = await stream(`?after=${from}`, {}, other.url);
    for (let round = 0; round < 24; round += 1)
      await world.partnership.write([await world.partnership.entry(round % 6, {}, data)], { settled: false });
    await source.take(24);
    source.close();
    const gone = () => metric(other, 'causeway_gateway_streams_ended_total{', 'too-slow');
    assert.equal(await eventually(gone, (count) => count === 1), 1);
  } finally {
    socket.destroy();
    await other.service.stop();
  }
});

const metric = async ({ service }: Gateway, ...parts: string[]): Promise<number> => {
  const text = await (await fetch(`${service.adminUrl}/metrics`)).text();
  const line = text.split('\n').find((one) => parts.every((part) => one.includes(part)));
  return Number(line?.split(' ').at(-1) ?? 0);
};

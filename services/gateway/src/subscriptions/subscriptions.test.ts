import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventId } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { testToken } from '@causeway/testing/bus';
import { Webhook } from 'standardwebhooks';
import { agreementYaml, type BusWorld, startBusWorld } from '../testing/bus-world.ts';
import { ADMISSION, type Arriving, arrive } from '../testing/inbox.ts';
import { type Receiver, startReceiver } from '../testing/receiver.ts';
import { type Answer, eventually, problemOf } from '../testing/world.ts';

let world: BusWorld;
let trust: string;
let council: string;
let agreement: string;
let count = 0;
const receivers: Receiver[] = [];
const made: string[] = [];

before(async () => {
  world = await startBusWorld();
  [trust = '', council = ''] = world.bus.organisations;
  const release = { [ADMISSION]: { fields: ['visitId'] } };
  agreement = await world.bus.activate(agreementYaml(`hooks-${trust}`, trust, [council], release));
  await eventually(
    () => world.ask(council, 'GET', '/v1/agreements'),
    ({ body }) => JSON.stringify(body).includes('"active"'),
  );
});

afterEach(async () => {
  for (const id of made.splice(0)) await manage('DELETE', `/${id}`);
  await Promise.all(receivers.splice(0).map((one) => one.close()));
});

after(() => world.close());

const manage = (method: string, path: string, body?: unknown, organisation = council): Promise<Answer> =>
  world.ask(
    organisation,
    method,
    `/v1/subscriptions${path}`,
    body,
    body === undefined ? {} : { 'content-type': 'application/json' },
  );

const receive = async (answer?: Receiver['answer']): Promise<Receiver> => {
  const receiver = await startReceiver(answer);
  receivers.push(receiver);
  return receiver;
};

type Subscription = { id: string; secret: string; status: string };

const subscribe = async (receiver: Receiver, more: object = {}): Promise<Subscription> => {
  const { status, body } = await manage('POST', '', { endpoint: receiver.url, ...more });
  assert.equal(status, 201, JSON.stringify(body));
  const subscription = body as unknown as Subscription;
  made.push(subscription.id);
  return subscription;
};

/** Ids of events for the council, one for each person that is named. */
const send = async (people: readonly string[], about: Partial<Arriving> = {}): Promise<string[]> => {
  const events = people.map((person): Arriving => {
    count += 1;
    const id = eventId(['webhooks', trust], Buffer.from(String(count)), 0);
    return { id, source: `/${trust}/adt`, agreement: [agreement], subject: testToken(person), ...about };
  });
  await arrive(world.bus, council, events);
  return events.map(({ id }) => id);
};

const idsOf = (receiver: Receiver): string[] => receiver.taken.map(({ id }) => id);
const statusOf = async (id: string) => (await manage('GET', `/${id}`)).body;

test('an event is brought as the same CloudEvent that reading gives, signed, and its delivery is listed', async () => {
  const receiver = await receive();
  const { id, secret, status } = await subscribe(receiver);
  assert.deepEqual([status, secret.slice(0, 6)], ['active', 'whsec_']);
  const [event = ''] = await send(['ann']);
  await receiver.until(1);
  const [delivered] = receiver.taken;
  assert.ok(delivered);
  const verified = new Webhook(secret).verify(delivered.body, delivered.headers);
  assert.equal(delivered.headers['content-type'], 'application/cloudevents+json');
  assert.equal(delivered.headers['webhook-id'], event);
  const read = await world.ask(council, 'GET', `/v1/events?subject=${testToken('ann')}`);
  assert.deepEqual(verified, read.body.events[0]);
  const listed = await eventually(
    () => manage('GET', `/${id}/deliveries`),
    ({ body }) => (body.deliveries as unknown[]).length > 0,
  );
  const [first] = listed.body.deliveries as Record<string, unknown>[];
  assert.deepEqual(
    [first?.event, first?.outcome, first?.status, first?.attempt],
    [event, 'delivered', '204', 1],
  );
  const shown = await manage('GET', '');
  assert.ok(!JSON.stringify(shown.body).includes(secret));
});

test('an organisation sees and changes its own subscriptions only', async () => {
  const { id } = await subscribe(await receive());
  assert.deepEqual((await manage('GET', '', undefined, trust)).body.subscriptions, []);
  for (const [method, path] of [
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['POST', '/pause'],
    ['POST', '/resume'],
    ['POST', '/test'],
    ['POST', '/rotate-secret'],
    ['GET', '/deliveries'],
    ['GET', '/dead-letters'],
    ['POST', '/redrive'],
    ['POST', '/replay'],
  ] as const) {
    const body = method === 'PATCH' || path === '/redrive' || path === '/replay' ? {} : undefined;
    assert.equal(
      problemOf(await manage(method, `/${id}${path}`, body, trust)),
      '404 not-found',
      `${method} ${path}`,
    );
  }
  const reader = await world.issuer.token(council, { scope: 'events:read' });
  const refused = await fetch(`${world.url}/v1/subscriptions`, {
    headers: { authorization: `Bearer ${reader}` },
  });
  assert.equal(refused.status, 403);
});

test('what cannot be subscribed to is refused with every fault named', async () => {
  const { url: endpoint } = await receive();
  const problem = async (body: unknown) => problemOf(await manage('POST', '', body));
  assert.equal(await problem({}), '400 invalid-body');
  assert.equal(await problem({ endpoint, more: 1 }), '400 invalid-body');
  assert.equal(
    await problem({ endpoint, types: ['uk.causeway.nhs.nothing.recorded.v1'] }),
    '400 invalid-body',
  );
  assert.equal(await problem({ endpoint, types: [] }), '400 invalid-body');
  assert.equal(await problem({ endpoint, expires: '2020-01-01T00:00:00Z' }), '400 invalid-body');
  assert.equal(await problem({ endpoint, filter: { subject: 'ann' } }), '400 invalid-body');
  for (const bad of [
    'http://10.0.0.1/',
    'https://169.254.169.254/',
    'https://0x7f.1/',
    'https://a:b@hooks.example.org/',
    'ftp://x',
  ])
    assert.equal(await problem({ endpoint: bad }), '400 endpoint-refused', bad);
  const lacking = await manage('POST', '', { endpoint, filter: { ward: 'A' } });
  assert.equal(problemOf(lacking), '400 invalid-body');
  assert.deepEqual(lacking.body.faults, [
    { path: 'filter.ward', problem: 'is not a field that your organisation receives for these types' },
  ]);
});

test('what the database could not keep as text is refused, or names nothing', async () => {
  const receiver = await receive();
  const { id } = await subscribe(receiver);
  for (const text of ['\u0000', 'a\u0000b', '\ud800', '\udc00\ud800']) {
    const filter = { filter: { visitId: text } };
    assert.equal(
      problemOf(await manage('POST', '', { endpoint: receiver.url, ...filter })),
      '400 invalid-body',
    );
    assert.equal(problemOf(await manage('PATCH', `/${id}`, filter)), '400 invalid-body');
    assert.equal(problemOf(await manage('POST', `/${id}/redrive`, { events: [text] })), '400 invalid-body');
  }
  for (const path of ['/%00', `/${id}%00`, '/%00/deliveries', '/%00/dead-letters', '/%EF%BF%BF'])
    assert.equal(problemOf(await manage('GET', path)), '404 not-found', path);
});

test('a filter on type, subject and fields lets through what is equal', async () => {
  const [byField, bySubject, byType] = await Promise.all([receive(), receive(), receive()]);
  await subscribe(byField, { filter: { type: ADMISSION, visitId: 'V-2' } });
  await subscribe(bySubject, { filter: { subject: testToken('bob') } });
  await subscribe(byType, { types: [ADMISSION] });
  const [one = ''] = await send(['ann'], { data: { visitId: 'V-1' } });
  const [two = ''] = await send(['bob'], { data: { visitId: 'V-2' } });
  await Promise.all([byField.until(1), bySubject.until(1), byType.until(2)]);
  assert.deepEqual(
    [idsOf(byField), idsOf(bySubject), idsOf(byType).sort()],
    [[two], [two], [one, two].sort()],
  );
});

test('a failing endpoint gets events again in order per subject and holds up neither other subjects nor other endpoints', async () => {
  const failing = new Set<string>();
  const [flaky, well] = await Promise.all([receive(({ id }) => (failing.has(id) ? 500 : 200)), receive()]);
  await Promise.all([subscribe(flaky), subscribe(well)]);
  const id = eventId(['webhooks', trust], Buffer.from(String(count + 1)), 0);
  failing.add(id);
  const [first, second] = await send(['carl', 'carl']);
  const [other = ''] = await send(['dora']);
  await Promise.all([well.until(3), flaky.until(1)]);
  assert.deepEqual(idsOf(flaky), [other]);
  failing.clear();
  await flaky.until(3);
  assert.deepEqual(idsOf(flaky).slice(1), [first, second]);
});

test('redirects are not followed, and 429 with Retry-After is obeyed', async () => {
  const elsewhere = await receive();
  let tries = 0;
  const receiver = await receive((_event, response) => {
    tries += 1;
    if (tries > 1) return 200;
    response.writeHead(429, { 'retry-after': '6' }).end();
    return undefined;
  });
  const redirecting = await receive((_event, response) => {
    response.writeHead(307, { location: elsewhere.url }).end();
    return undefined;
  });
  await Promise.all([subscribe(receiver), subscribe(redirecting)]);
  await send(['eve']);
  await receiver.until(1);
  const [first, second] = receiver.asked;
  assert.ok((second?.at ?? 0) - (first?.at ?? 0) >= 5_990);
  assert.ok(redirecting.asked.length > 0);
  assert.deepEqual(elsewhere.asked, []);
});

test('410 disables a subscription, and what waited comes when it is resumed', async () => {
  let gone = true;
  const receiver = await receive(() => (gone ? 410 : 200));
  const { id } = await subscribe(receiver);
  const [event] = await send(['fay']);
  const disabled = await eventually(
    () => statusOf(id),
    ({ status }) => status === 'disabled',
  );
  assert.deepEqual([disabled.status, disabled.reason], ['disabled', 'gone']);
  gone = false;
  assert.equal((await manage('POST', `/${id}/resume`)).status, 200);
  await receiver.until(1);
  assert.deepEqual(idsOf(receiver), [event]);
});

test('nothing is sent while a subscription is paused and nothing is lost; a deleted one gets nothing more', async () => {
  const [receiver, witness] = await Promise.all([receive(), receive()]);
  const { id } = await subscribe(receiver);
  await subscribe(witness);
  assert.equal((await manage('POST', `/${id}/pause`)).body.status, 'paused');
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const [event = ''] = await send(['gil']);
  await witness.until(1);
  assert.deepEqual(receiver.asked, []);
  await manage('POST', `/${id}/resume`);
  await receiver.until(1);
  assert.deepEqual(idsOf(receiver), [event]);
  assert.equal((await manage('DELETE', `/${id}`)).status, 204);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await send(['gil']);
  await witness.until(2);
  assert.equal(receiver.asked.length, 1);
});

test('a test event says at once what the endpoint answered, without keeping what it repeats', async () => {
  const receiver = await receive((_event, response) => {
    response.writeHead(500).end('no such patient 9434765919');
    return undefined;
  });
  const { id, secret } = await subscribe(receiver);
  const { body } = await manage('POST', `/${id}/test`);
  assert.deepEqual(
    [body.delivered, body.status, body.code, body.answer],
    [false, 500, 'server-error', 'no such patient ##########'],
  );
  const [asked] = receiver.asked;
  assert.equal(
    (new Webhook(secret).verify(asked?.body ?? '', asked?.headers ?? {}) as { type: string }).type,
    'uk.causeway.gateway.test.v1',
  );
});

test('after a rotation the old secret verifies beside the new one', async () => {
  const receiver = await receive();
  const { id, secret } = await subscribe(receiver);
  const { body } = await manage('POST', `/${id}/rotate-secret`);
  const next = String(body.secret);
  assert.notEqual(next, secret);
  await manage('POST', `/${id}/test`);
  const [asked] = receiver.asked;
  for (const one of [secret, next])
    assert.ok(new Webhook(one).verify(asked?.body ?? '', asked?.headers ?? {}));
});

test('a subscription ends at the time that was set for it', async () => {
  const receiver = await receive();
  const { id } = await subscribe(receiver, { expires: new Date(Date.now() + 1_500).toISOString() });
  const ended = await eventually(
    () => statusOf(id),
    ({ status }) => status === 'expired',
  );
  assert.equal(ended.status, 'expired');
  await send(['hal']);
  assert.equal(problemOf(await manage('POST', `/${id}/resume`)), '409 subscription-expired');
  const { body } = await manage('PATCH', `/${id}`, { expires: null });
  assert.equal(body.expires, null);
  await manage('POST', `/${id}/resume`);
  await receiver.until(1);
});

test('a replay brings everything since a time once more', async () => {
  const receiver = await receive();
  const from = new Date().toISOString();
  const { id } = await subscribe(receiver);
  const events = await send(['ida', 'ida']);
  await receiver.until(2);
  assert.equal((await manage('POST', `/${id}/replay`, { from })).status, 202);
  await receiver.until(4);
  assert.deepEqual(idsOf(receiver), [...events, ...events]);
});

test('what is given up is a dead letter that can be counted and tried again', async () => {
  const receiver = await receive();
  const { id } = await subscribe(receiver);
  const [whole = ''] = await send(['jan']);
  await receiver.until(1);
  const found = (await world.bus.records(topicsOf(council).inbox)).find(
    ({ headers }) => headers.ce_id?.toString() === whole,
  );
  assert.ok(found);
  // Broken on its way: nobody can ever read it.
  const headers = Object.fromEntries(
    Object.entries(found.headers).map(([name, value]) => [name, value?.toString() ?? '']),
  );
  await world.bus.producer.send([
    {
      topic: topicsOf(council).inbox,
      key: found.key?.toString() ?? null,
      value: Buffer.from([9, 9]),
      headers: { ...headers, ce_id: 'broken-event-000000000' },
    },
  ]);
  const letters = await eventually(
    () => manage('GET', `/${id}/dead-letters`),
    ({ body }) => (body.deadLetters as unknown[]).length > 0,
  );
  const [letter] = letters.body.deadLetters as Record<string, unknown>[];
  assert.deepEqual([letter?.event, letter?.redrivenAt], ['broken-event-000000000', null]);
  assert.match(String(letter?.reason), /^undecodable-/);
  const dry = await manage('POST', `/${id}/redrive`, { dryRun: true });
  assert.deepEqual([dry.status, dry.body.count, dry.body.request], [200, 1, null]);
  const many = {
    dryRun: true,
    events: Array.from({ length: 1_000 }, (_, index) => `${index}`.padStart(64, '0')),
  };
  assert.equal((await manage('POST', `/${id}/redrive`, many)).status, 200, 'as many as the document allows');
  const redriven = await manage('POST', `/${id}/redrive`, { events: ['broken-event-000000000'] });
  assert.deepEqual([redriven.status, redriven.body.count], [202, 1]);
  const again = await eventually(
    () => manage('GET', `/${id}/dead-letters`),
    ({ body }) => (body.deadLetters as unknown[]).length > 1,
  );
  assert.equal((again.body.deadLetters as unknown[]).length, 2);
  assert.notEqual((again.body.deadLetters as Record<string, unknown>[])[0]?.redrivenAt, null);
  // Whoever watches dead letters hears who asked for it, and what came of it.
  const told = await eventually(
    async () =>
      (await world.bus.records(topicsOf(council).deliveries))
        .map(({ value }) => JSON.parse(String(value)) as Record<string, unknown>)
        .filter((one) => String(one.request ?? one.redrive).startsWith(String(redriven.body.request))),
    (records) => records.length > 1,
  );
  assert.deepEqual(told.map(({ kind, outcome, by }) => [kind, outcome, by]).sort(), [
    ['attempt', 'undecodable', undefined],
    ['redrive', 'queued', council],
  ]);
  assert.equal(told[0]?.deadLetter, told[1]?.deadLetter);
  assert.equal(typeof told[0]?.deadLetter, 'number');
});

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { decodeHeaders } from '@causeway/runtime/bus/envelope';
import { redriveRecord } from '@causeway/runtime/bus/redrive-request';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { freePort } from '@causeway/testing/free-port';
import fc from 'fast-check';
import {
  type Issuer,
  type RunningForce,
  runForce,
  sampleAgreement,
  startIssuer,
  until,
} from './testing/adapter-on-the-bus.ts';

const REPORTED = 'uk.causeway.police.missing-person.reported.v1';
/** Of the fixtures: must never be seen outside the values of records. */
const PERSONAL =
  /Fakenham|Placeholder|Sampleson|Inventson|Gita|Finn|999 ?000 ?0018|Imaginary|2011-03-14|rucksack/;

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8'));

let bus: TestBus;
let issuer: Issuer;
let adapter: RunningForce;
let [force, council] = ['', ''];
let token: string;
let options: Parameters<typeof runForce>[2];

before(async () => {
  bus = await createTestBus(2);
  [force = '', council = ''] = bus.organisations;
  await bus.activate(
    sampleAgreement(`reports-${force}`, {
      from: force,
      to: council,
      type: REPORTED,
      fields: ['description', 'risk'],
    }),
  );
  issuer = await startIssuer(force);
  token = await issuer.token();
  options = {
    issuer,
    rmsPort: await freePort(),
    schema: `police_${randomBytes(5).toString('hex')}`,
    env: { POLICE_RECORDS_SINK: 'true' },
  };
  adapter = await runForce(bus, force, options);
  await adapter.ready();
});

after(async () => {
  await adapter?.stop();
  await issuer?.close();
  await bus?.close();
});

type Answered = {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { events?: string[]; faults?: { pointer: string }[] };
};

const post = async (body: unknown, headers: Record<string, string> = {}): Promise<Answered> => {
  const response = await fetch(`${adapter.url}/v1/incidents`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/vnd.api+json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse((await response.text()) || 'null'),
  };
};

/** The fixture of a report, of another case. */
const report = (reference: string = `WP-MIS-${randomBytes(4).toString('hex')}`) => {
  const sent = fixture('missing-child-reported');
  sent.data.id = reference;
  sent.data.attributes.customerReferenceNumber = reference;
  return sent;
};

const outbox = async () =>
  (await bus.records(topicsOf(force).outbox)).map(({ headers }) => decodeHeaders(headers));
const letters = async () => bus.records(topicsOf(force).deadLetter);

describe('a document that is sent', () => {
  it('is an event on the bus when it is answered with 202, with its id', async () => {
    const sent = report();
    const { status, body } = await post(sent);
    assert.equal(status, 202);
    assert.deepEqual([body.outcome, body.warnings], ['published', []]);
    const [event] = (await outbox()).filter(({ id }) => id === body.events?.[0]);
    assert.equal(event?.type, REPORTED);
    assert.equal(event?.priority, 'immediate');
    assert.equal(event?.classification, 'OFFICIAL-SENSITIVE');
    assert.equal(event?.tokens.length, 1);
  });

  it('has the same answer under the same key, also after a kill, and is one event', async () => {
    const sent = report();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await post(sent, headers);
    assert.deepEqual((await post(sent, headers)).body, first.body);
    assert.deepEqual((await post(sent)).body, first.body);
    await adapter.kill();
    adapter = await runForce(bus, force, options);
    await adapter.ready();
    const again = await post(sent, headers);
    assert.deepEqual([again.status, again.body], [first.status, first.body]);
    assert.equal((await outbox()).filter(({ id }) => id === first.body.events?.[0]).length, 1);
    const other = await post(report(), headers);
    assert.deepEqual([other.status, other.body.type], [422, 'urn:causeway:problem:idempotency-key-reused']);
  });

  it('of which no agreement names the fact is not kept', async () => {
    const { status, body } = await post(fixture('mental-health-detention'));
    assert.deepEqual([status, body.outcome, body.events], [202, 'not-shared', []]);
  });

  it('is published when it is sent again after an agreement has come to name it', async () => {
    const sent = fixture('police-protection');
    assert.equal((await post(sent)).body.outcome, 'not-shared');
    const type = 'uk.causeway.police.child-protection-power.used.v1';
    await bus.activate(
      sampleAgreement(`power-${force}`, { from: force, to: council, type, fields: ['caseReference'] }),
    );
    await until(async () => (await post(sent)).body.outcome === 'published', 'it is published');
  });

  it('of a form that is not modelled is kept', async () => {
    const before = (await letters()).length;
    const { status, body } = await post(fixture('skeleton'));
    assert.deepEqual([status, body.outcome], [202, 'kept']);
    const kept = (await letters()).slice(before);
    assert.equal(kept[0]?.headers['dl-reason']?.toString(), 'not-modelled');
  });

  it('survives the death of the adapter while many are sent: each is answered in the end, and is one event', async () => {
    const sent = Array.from({ length: 80 }, () => report());
    const ids = new Set<string>();
    const send = async (one: object): Promise<void> => {
      for (;;) {
        const answer = await post(one).catch(() => undefined);
        if (answer?.status === 202) return void ids.add(answer.body.events?.[0] ?? '');
        assert.ok(answer === undefined || answer.status === 503, `status ${answer?.status}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const sending = Promise.all(
      [0, 1, 2, 3, 4].map(async (lane) => {
        for (const one of sent.filter((_, index) => index % 5 === lane)) await send(one);
      }),
    );
    await until(() => ids.size > 20, 'some are answered');
    await adapter.kill();
    adapter = await runForce(bus, force, options);
    await sending;
    assert.equal(ids.size, sent.length);
    const events = (await outbox()).filter(({ id }) => ids.has(id));
    assert.equal(new Set(events.map(({ id }) => id)).size, sent.length);
    // A repeat after the crash may lie there twice: it has the same id, and the exchange knows it.
    assert.ok(events.length - sent.length <= 5);
  });
});

describe('a document that cannot be taken', () => {
  it('is answered with every fault, kept, and can be redriven', async () => {
    const before = (await letters()).length;
    const sent = report();
    sent.data.attributes.risk = 'catastrophic';
    sent.data.attributes.sharing = { classification: 'PSCL_0002', handlingCode: 'C' };
    const { status, body, headers } = await post(sent);
    assert.equal(status, 422);
    assert.equal(headers.get('content-type'), 'application/problem+json');
    assert.deepEqual(body.faults?.map(({ pointer }) => pointer).sort(), [
      '/data/attributes/risk',
      '/data/attributes/sharing/handlingConditions',
    ]);
    assert.doesNotMatch(JSON.stringify(body), /catastrophic/);
    assert.deepEqual((await post(sent)).body, body);
    const [letter, ...more] = (await letters()).slice(before);
    assert.equal(more.length, 0, 'what is sent again is not kept again');
    assert.equal(letter?.headers['dl-reason']?.toString(), 'invalid-document');
    assert.deepEqual(JSON.parse(String(letter?.value)), sent);
    await bus.producer.send([
      redriveRecord(force, {
        id: randomBytes(8).toString('hex'),
        deadLetter: letter?.offset ?? 0,
        by: 'test',
        reason: 'another try',
        at: new Date().toISOString(),
      }),
    ]);
    const results = async () =>
      (await bus.records(topicsOf(force).deliveries)).map(({ value }) => JSON.parse(String(value)));
    await until(
      async () => (await results()).some(({ kind, outcome }) => kind === 'redrive' && outcome === 'refused'),
      'it is refused again',
    );
  });

  it('is not kept with its content where it is marked above this bus', async () => {
    const before = (await letters()).length;
    const sent = report();
    sent.data.attributes.sharing.classification = 'SECRET';
    assert.equal((await post(sent)).status, 422);
    const [letter] = (await letters()).slice(before);
    assert.equal(letter?.headers['dl-reason']?.toString(), 'marking-too-high');
    assert.equal(letter?.value?.length, 0);
  });

  it('has the status of what is wrong with the request', async () => {
    const statusOf = async (body: unknown, headers?: Record<string, string>) =>
      (await post(body, headers)).status;
    assert.equal(await statusOf('{'), 400);
    assert.equal(await statusOf(new Uint8Array([0x22, 0xff, 0x22])), 400);
    assert.equal(await statusOf('', {}), 400);
    assert.equal(await statusOf({}, { 'content-type': 'text/xml' }), 415);
    assert.equal(await statusOf({}, { 'content-type': 'application/json; charset=utf-16' }), 415);
    assert.equal(await statusOf({}, { 'content-encoding': 'compress' }), 415);
    assert.equal(await statusOf({}, { 'idempotency-key': 'x'.repeat(256) }), 400);
    assert.equal(await statusOf(`"${'x'.repeat(1_100_000)}"`), 413);
    const other = await fetch(`${adapter.url}/v1/incidents`);
    assert.deepEqual([other.status, other.headers.get('allow')], [405, 'POST']);
  });

  it('from somebody who may not send is not even read', async () => {
    const statusWith = async (claims: Parameters<Issuer['token']>[0]) =>
      (await post('{', { authorization: `Bearer ${await issuer.token(claims)}` })).status;
    assert.equal((await post('{', { authorization: 'Bearer nonsense' })).status, 401);
    assert.equal(await statusWith({ aud: 'somebody-else' }), 401);
    assert.equal(await statusWith({ organisation: council }), 403);
    assert.equal(await statusWith({ scope: 'events:read' }), 403);
    assert.equal(await statusWith({ aud: 'causeway-gateway', scope: 'events:read events:write' }), 400);
  });
});

describe('any JSON', () => {
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 4 }), mutated());

  it('is never answered with a 5xx, and nothing of it stands in the answer or the log', async () => {
    const from = adapter.log().length;
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        const { status, body } = await post(value === null ? 'null' : JSON.stringify(value));
        assert.ok([202, 400, 422].includes(status), `status ${status}`);
        const said = JSON.stringify(body);
        for (const text of textsIn(value)) assert.ok(!said.includes(text), 'the answer repeats the input');
        assert.doesNotMatch(said, PERSONAL);
      }),
      { numRuns: 150 },
    );
    const log = adapter.log().slice(from);
    assert.doesNotMatch(log, PERSONAL);
    assert.doesNotMatch(log, /"level":(50|60)/);
    const metrics = await (await fetch(`${adapter.adminUrl}/metrics`)).text();
    assert.doesNotMatch(metrics, PERSONAL);
  });

  /** A fixture with one of its members, anywhere, put in place of by something else. */
  function mutated(): fc.Arbitrary<unknown> {
    const names = [
      'missing-child-reported',
      'domestic-abuse-three-children',
      'cancelled-missing-report',
      'vulnerable-child-red',
    ];
    return fc
      .tuple(fc.constantFrom(...names), fc.nat(), fc.jsonValue({ maxDepth: 2 }))
      .map(([name, at, value]) => {
        const sent = fixture(name);
        const places: [Record<string, unknown>, string][] = [];
        const walk = (node: unknown): void => {
          if (typeof node !== 'object' || node === null) return;
          for (const key of Object.keys(node)) {
            places.push([node as Record<string, unknown>, key]);
            walk((node as Record<string, unknown>)[key]);
          }
        };
        walk(sent);
        const [node, key] = places[at % places.length] ?? [{}, ''];
        node[key] = value;
        return sent;
      });
  }

  /** Texts of the input that could not stand in an answer by chance. */
  function textsIn(value: unknown): string[] {
    if (typeof value === 'string') return value.length >= 9 && !/^[A-Z]{4}_\d{4}$/.test(value) ? [value] : [];
    if (typeof value !== 'object' || value === null) return [];
    return Object.values(value)
      .flatMap(textsIn)
      .filter((text) => !['OFFICIAL', 'westshire-council', 'do-not-tell-alleged-person'].includes(text));
  }
});

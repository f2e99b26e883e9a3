import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { decodeHeaders } from '@causeway/runtime/bus/envelope';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { CloudEvent, HTTP } from 'cloudevents';
import { agreementYaml, type BusWorld, startBusWorld } from '../testing/bus-world.ts';
import { type Answer, eventually, problemOf } from '../testing/world.ts';

const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const DISCHARGE = 'uk.causeway.nhs.patient-discharge.recorded.v1';
const example = loadCatalogue().find(({ type }) => type === ADMISSION)?.example;

let world: BusWorld;
let trust: string;

before(async () => {
  world = await startBusWorld();
  const [source = '', council = ''] = world.bus.organisations;
  trust = source;
  const release = { [ADMISSION]: { fields: ['person.name', 'visitId'] } };
  await world.bus.activate(agreementYaml(`publish-${source}`, source, [council], release));
  await eventually(
    () => publish(eventOf({ type: ADMISSION })),
    ({ status }) => status === 200,
  );
});

after(() => world.close());

const eventOf = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  specversion: '1.0',
  id: randomUUID(),
  source: `/${trust}/case-system`,
  type: ADMISSION,
  time: '2026-10-05T14:20:00+01:00',
  localid: 'case:C-1',
  data: example?.data,
  ...more,
});

const publish = (body: unknown, headers: Record<string, string> = {}) =>
  world.ask(trust, 'POST', '/v1/events', body, headers);

type Result = {
  id: string | null;
  outcome: string;
  code?: string;
  faults?: { path: string; problem: string }[];
};
const resultsOf = ({ body }: Answer): Result[] => body.results as Result[];
const outcomesOf = (answer: Answer): string[] =>
  resultsOf(answer).map(({ outcome, code }) => (code === undefined ? outcome : `${outcome} ${code}`));

const outbox = () => world.bus.records(topicsOf(trust).outbox);
const inOutbox = async (id: unknown) =>
  (await outbox()).filter(({ headers }) => headers.ce_id?.toString() === id);

test('an event that is accepted is in the outbox, with tokens of its person and none of what identifies', async () => {
  const event = eventOf({
    correlationid: 'case-1',
    handling: 'a-code',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  });
  const answer = await publish(event);
  assert.deepEqual([answer.status, answer.body.accepted, outcomesOf(answer)], [200, 1, ['accepted']]);
  const [record] = await inOutbox(event.id);
  assert.ok(record);
  const envelope = decodeHeaders(record.headers);
  const tokeniser = createTokeniser(Buffer.from(world.env.PARTNERSHIP_KEY ?? ''));
  assert.equal(envelope.subject, tokeniser.local(trust, 'case', 'C-1'));
  assert.equal(record.key?.toString(), envelope.subject);
  assert.ok(envelope.tokens.length > 0);
  assert.deepEqual(
    [envelope.correlationId, envelope.handling, envelope.classification, envelope.priority],
    ['case-1', ['a-code'], 'OFFICIAL-SENSITIVE', 'routine'],
  );
  const headers = Object.values(record.headers).join('\n');
  for (const clear of ['Exampleton', 'C-1']) assert.ok(!headers.includes(clear));
  const { data } = await world.bus.codec.decode(record.value ?? Buffer.alloc(0));
  assert.deepEqual(JSON.parse(JSON.stringify(data)), example?.data);
});

test('the same event again is a duplicate, other content under its id is refused', async () => {
  const event = eventOf();
  assert.deepEqual(outcomesOf(await publish(event)), ['accepted']);
  // Another trace and another order of members are the same event.
  const again = Object.fromEntries(
    Object.entries({ ...event, traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` }).reverse(),
  );
  assert.deepEqual(
    outcomesOf(
      await eventually(
        () => publish(again),
        ({ body }) => body.duplicate === 1,
      ),
    ),
    ['duplicate'],
  );
  const other = await publish({ ...event, time: '2026-10-05T14:21:00+01:00' });
  assert.deepEqual([other.status, outcomesOf(other)], [422, ['refused id-conflict']]);
  assert.equal((await inOutbox(event.id)).length, 1);
});

test('many at once under one id are one event', async () => {
  const event = eventOf();
  const answers = await Promise.all(Array.from({ length: 8 }, () => publish(event)));
  assert.ok(answers.every(({ status }) => status === 200));
  const values = new Set((await inOutbox(event.id)).map(({ value }) => value?.toString('hex')));
  // Those that were under way together can each be there: the exchange takes equal ones for one.
  assert.equal(values.size, 1);
});

test('each event of a batch has its own result, in the order of the request', async () => {
  const good = eventOf();
  const twice = eventOf();
  const batch = [
    good,
    eventOf({ type: DISCHARGE }),
    eventOf({ source: '/another-trust/case-system' }),
    eventOf({ type: 'uk.causeway.nhs.nothing.recorded.v1' }),
    eventOf({ type: 'uk.causeway.exchange.acknowledgement.recorded.v1' }),
    twice,
    twice,
    { ...twice, time: '2026-10-05T14:29:00Z' },
    'no event',
    eventOf({ data: { ...example?.data, ward: 7 } }),
  ];
  const answer = await publish(batch);
  assert.equal(answer.status, 207);
  assert.deepEqual(outcomesOf(answer), [
    'accepted',
    'refused not-shared',
    'refused wrong-source',
    'refused unknown-type',
    'refused reserved-type',
    'accepted',
    'duplicate',
    'refused id-conflict',
    'refused invalid-event',
    'refused invalid-data',
  ]);
  assert.equal((await inOutbox(twice.id)).length, 1);
});

test('every fault is named at once by its path and no value is repeated', async () => {
  const { time: _, ...late } = eventOf();
  const broken = {
    ...late,
    id: 'Secret',
    dataclassification: 'SECRET-Secret',
    handling: 'two  Secret',
    replay: 'Secret',
    'Secret name': 'x',
    data: 1,
  };
  const attributes = await publish(broken);
  assert.equal(problemOf(attributes), '422 events-refused');
  const [result] = resultsOf(attributes);
  assert.deepEqual(
    [result?.id, result?.faults?.map(({ path }) => path).sort()],
    [null, ['(another attribute)', 'dataclassification', 'handling', 'id', 'replay', 'time']],
  );
  const { person } = (example?.data ?? {}) as { person: object };
  const data = {
    ...example?.data,
    person: { ...person, sex: 'Secret' },
    visitId: null,
    admittedAt: 'Secret',
  };
  const [inData] = resultsOf(await publish(eventOf({ data })));
  assert.deepEqual(inData?.faults?.map(({ path }) => path).sort(), [
    'data.admittedAt',
    'data.person.sex',
    'data.visitId',
  ]);
  assert.doesNotMatch(JSON.stringify([attributes.body, inData]), /Secret/);
});

test('a body that cannot be read is refused as a whole', async () => {
  const json = { 'content-type': 'application/cloudevents+json' };
  const cases: [Promise<Answer>, string][] = [
    [publish('{', json), '400 invalid-json'],
    [publish('[]', { 'content-type': 'application/cloudevents-batch+json' }), '400 invalid-body'],
    [publish('{}', { 'content-type': 'application/cloudevents-batch+json' }), '400 invalid-body'],
    [publish('{}', { 'content-type': 'text/plain' }), '415 unsupported-media-type'],
    [publish('{}', { 'content-type': 'application/json' }), '415 unsupported-media-type'],
    [publish(`"${'x'.repeat(1_100_000)}"`, json), '413 too-large'],
    [publish(Array(501).fill({})), '413 batch-too-large'],
    [publish('['.repeat(200_000), json), '400 invalid-json'],
    [publish(`{"data":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, json), '422 events-refused'],
  ];
  for (const [asked, expected] of cases) assert.equal(problemOf(await asked), expected);
  const reader = await world.issuer.token(trust, { scope: 'events:read' });
  const refused = await fetch(`${world.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${reader}` },
  });
  assert.equal(refused.status, 403);
  assert.equal(
    problemOf(await world.ask('nobody-knows-it', 'POST', '/v1/events', eventOf())),
    '422 events-refused',
  );
});

test('the CloudEvents library publishes in structured and in binary mode', async () => {
  const { localid: _, ...usual } = eventOf({ subject: 's'.repeat(22) });
  const structured = HTTP.structured(new CloudEvent(usual as never));
  const first = await publish(structured.body as string, structured.headers as Record<string, string>);
  assert.deepEqual(outcomesOf(first), ['accepted']);
  const id = randomUUID();
  const binary = HTTP.binary(new CloudEvent({ ...usual, id, datacontenttype: 'application/json' } as never));
  const second = await publish(JSON.stringify(example?.data), binary.headers as Record<string, string>);
  assert.deepEqual(outcomesOf(second), ['accepted']);
  const [record] = await inOutbox(id);
  assert.equal(record?.headers.ce_subject?.toString(), 's'.repeat(22));
  const local = HTTP.binary(new CloudEvent(eventOf() as never));
  const third = await publish(JSON.stringify(example?.data), local.headers as Record<string, string>);
  assert.deepEqual(
    resultsOf(third)[0]?.faults?.map(({ path }) => path),
    ['localid'],
  );
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeHeaders, type Envelope, encodeHeaders } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { testToken } from '@causeway/testing/bus';
import { agreementYaml, type BusWorld, startBusWorld } from '../testing/bus-world.ts';
import { type Answer, eventually, problemOf } from '../testing/world.ts';

const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const ACKNOWLEDGED = 'uk.causeway.exchange.acknowledgement.recorded.v1';
const OVERDUE = 'uk.causeway.exchange.delivery.overdue.v1';
const catalogue = loadCatalogue();

let world: BusWorld;
let trust: string;
let council: string;
let told: string;
let silent: string;

before(async () => {
  world = await startBusWorld();
  [trust = '', council = ''] = world.bus.organisations;
  const release = { [ADMISSION]: { fields: ['visitId'] } };
  const activate = (id: string, feedback: boolean) =>
    world.bus.activate(agreementYaml(`${id}-${trust}`, trust, [council], release, { feedback }));
  [told, silent] = [await activate('told', true), await activate('silent', false)];
});

after(() => world.close());

/** An event as the exchange puts it into an inbox. */
const deliver = async (
  recipient: string,
  about: Partial<Envelope> & Pick<Envelope, 'id'>,
  data: unknown = catalogue.find(({ type }) => type === ADMISSION)?.example.data,
): Promise<{ id: string; position: string }> => {
  const type = about.type ?? ADMISSION;
  const schema = catalogue.find((one) => one.type === type)?.schema;
  assert.ok(schema);
  const value = await world.bus.codec.encode(await world.bus.codec.idOf(type, schema), data);
  const event: Envelope = {
    source: `/${trust}/adt`,
    type,
    time: '2026-11-23T09:00:00Z',
    subject: testToken(about.id),
    tokens: [],
    otherTokens: [],
    classification: 'OFFICIAL',
    handling: [],
    exclude: [],
    replay: false,
    agreement: [told],
    ...about,
  };
  const [at] = await world.bus.producer.send([
    {
      topic: topicsOf(recipient).inbox,
      key: event.subject,
      value,
      headers: encodeHeaders(event, 'inbox'),
    },
  ]);
  return { id: event.id, position: `${at?.partition}-${at?.offset}` };
};

const acknowledge = (organisation: string, id: string, body: object) =>
  world.ask(organisation, 'POST', `/v1/events/${id}/acknowledgements`, body, {
    'content-type': 'application/json',
  });

const answersTo = async (id: string) =>
  (await world.bus.records(topicsOf(council).outbox)).filter(
    ({ headers }) => headers.ce_inresponseto?.toString() === `/${trust}/${id}`,
  );

test('an acknowledgement reaches the outbox as an event that names the event it answers', async () => {
  const { id, position } = await deliver(council, { id: 'answered-event-0000001' });
  const said = { position, state: 'not-ours', team: 'Front door', reference: 'C/12' };
  const answer = await eventually(
    () => acknowledge(council, id, said),
    ({ status }) => status === 202,
  );
  assert.deepEqual([answer.status, answer.body], [202, { id }]);
  const [record] = await answersTo(id);
  assert.ok(record);
  const event = decodeHeaders(record.headers);
  assert.deepEqual([event.type, event.source, event.tokens], [ACKNOWLEDGED, `/${council}/gateway`, []]);
  const { data } = await world.bus.codec.decode(record.value ?? Buffer.alloc(0));
  const { state, team, reference, recipient } = data as Record<string, unknown>;
  assert.deepEqual([state, team, reference, recipient], ['not_ours', 'Front door', 'C/12', council]);
});

test('where the agreement allows no feedback the answer is the same and the source is told nothing', async () => {
  const { id, position } = await deliver(council, { id: 'answered-event-0000002', agreement: [silent] });
  const answer = await acknowledge(council, id, { position, state: 'accepted' });
  assert.deepEqual([answer.status, answer.body], [202, { id }]);
  assert.deepEqual(await answersTo(id), []);
  const notes = await world.bus.records(topicsOf(council).deliveries);
  const kept = notes.map(({ value }) => JSON.parse(value?.toString() ?? '{}'));
  assert.ok(
    kept.some(({ kind, event, state }) => kind === 'acknowledged' && event === id && state === 'accepted'),
  );
});

test('only an event that lies at that position of the own inbox can be acknowledged', async () => {
  const { id, position } = await deliver(council, { id: 'answered-event-0000003' });
  const feedback = await deliver(
    council,
    { id: 'feedback-event-0000001', type: ACKNOWLEDGED, inResponseTo: `/${council}/some-event-of-ours-01` },
    catalogue.find(({ type }) => type === ACKNOWLEDGED)?.example.data,
  );
  const [partition, offset] = position.split('-').map(Number);
  const cases: [Promise<Parameters<typeof problemOf>[0]>, string][] = [
    [acknowledge(council, 'another-event-00000001', { position, state: 'seen' }), '404 not-found'],
    [
      acknowledge(council, id, { position: `${partition}-${(offset ?? 0) + 1}`, state: 'seen' }),
      '404 not-found',
    ],
    [acknowledge(council, id, { position: `9${position}`, state: 'seen' }), '404 not-found'],
    [acknowledge(trust, id, { position, state: 'seen' }), '404 not-found'],
    [acknowledge(council, 'x', { position, state: 'seen' }), '404 not-found'],
    [
      acknowledge(council, feedback.id, { position: feedback.position, state: 'seen' }),
      '409 not-acknowledgeable',
    ],
    [
      acknowledge(council, id, { position: 'x', state: 'Secret', team: '<Secret>', more: 1 }),
      '400 invalid-body',
    ],
  ];
  for (const [asked, expected] of cases) assert.equal(problemOf(await asked), expected);
  const { body } = await acknowledge(council, id, { position: 'x', state: 'Secret', team: '<Secret>' });
  assert.deepEqual(
    (body.faults as { path: string }[]).map(({ path }) => path),
    ['position', 'state', 'team'],
  );
  assert.doesNotMatch(JSON.stringify(body), /Secret/);
});

test('a source sees what each recipient said last and before, and nobody who said nothing', async () => {
  const id = 'an-event-of-the-trust1';
  const contact = {
    organisation: 'Council',
    team: 'Desk',
    telephone: '01632 960001',
    outOfHoursTelephone: null,
    reference: null,
  };
  const answer = (state: string, recordedAt: string) => ({
    acknowledges: id,
    acknowledgedType: ADMISSION,
    recipient: council,
    state,
    team: 'Desk',
    reference: null,
    recordedAt,
    contact,
  });
  const about = {
    type: ACKNOWLEDGED,
    source: `/${council}/gateway`,
    subject: testToken('x'),
    inResponseTo: `/${trust}/${id}`,
    agreement: [],
  };
  await deliver(trust, { ...about, id: 'feedback-event-0000011' }, answer('seen', '2026-11-23T09:00:00Z'));
  await deliver(
    trust,
    { ...about, id: 'feedback-event-0000012' },
    answer('not_ours', '2026-11-23T10:00:00Z'),
  );
  await deliver(
    trust,
    { ...about, id: 'feedback-event-0000013', type: OVERDUE },
    {
      overdueEvent: id,
      overdueType: ADMISSION,
      overduePriority: 'immediate',
      recipient: council,
      reason: 'not_delivered',
      dueAt: '2026-11-23T08:00:00Z',
      noticedAt: '2026-11-23T08:00:01Z',
      contact,
    },
  );
  await deliver(
    trust,
    { ...about, id: 'feedback-event-0000014', inResponseTo: `/${trust}/another-event-of-ours1` },
    answer('unable', '2026-11-23T11:00:00Z'),
  );
  const outcome = async (organisation: string, event = id) => {
    const asked = await eventually(
      () => world.ask(organisation, 'GET', `/v1/events/${event}/outcome`),
      ({ status }) => status === 200,
    );
    assert.equal(asked.status, 200);
    return asked.body;
  };
  assert.deepEqual(await outcome(trust), {
    id,
    recipients: [
      {
        organisation: council,
        state: 'not-ours',
        at: '2026-11-23T10:00:00Z',
        team: 'Desk',
        reference: null,
        overdue: {
          reason: 'not-delivered',
          dueAt: '2026-11-23T08:00:00Z',
          noticedAt: '2026-11-23T08:00:01Z',
        },
        contact,
        history: [
          { state: 'seen', at: '2026-11-23T09:00:00Z' },
          { state: 'not-ours', at: '2026-11-23T10:00:00Z' },
        ],
      },
    ],
  });
  // What never was, and what is somebody else's, looks like what nobody answered.
  assert.deepEqual(await outcome(council), { id, recipients: [] });
  assert.deepEqual(await outcome(trust, 'no-such-event-ever-001'), {
    id: 'no-such-event-ever-001',
    recipients: [],
  });
});

test('the source is told of an event that nobody acknowledged in time, and not of one that somebody did', async () => {
  const actBy = new Date(Date.now() + 6_000).toISOString();
  const late = await deliver(council, { id: 'late-event-00000000001', actBy });
  const good = await deliver(council, { id: 'late-event-00000000002', actBy });
  // An agreement counts within a second.
  const hasLate = ({ status, body }: Answer) =>
    status === 200 && body.events.some(({ id }) => id === late.id);
  assert.ok(hasLate(await eventually(() => world.ask(council, 'GET', '/v1/events?limit=1000'), hasLate)));
  assert.equal((await acknowledge(council, good.id, { position: good.position, state: 'seen' })).status, 202);
  const deadline = Date.now() + 25_000;
  for (;;) {
    const [record] = (await answersTo(late.id)).filter(({ headers }) => String(headers.ce_type) === OVERDUE);
    if (record !== undefined) {
      const { data } = await world.bus.codec.decode(record.value ?? Buffer.alloc(0));
      assert.equal((data as { reason: string }).reason, 'not_acknowledged');
      break;
    }
    assert.ok(Date.now() < deadline, 'no notice came');
    await delay(200);
  }
  const other = (await answersTo(good.id)).map(({ headers }) => String(headers.ce_type));
  assert.deepEqual(other, [ACKNOWLEDGED]);
});

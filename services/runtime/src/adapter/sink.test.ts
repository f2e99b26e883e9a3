import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { createTestBus, type TestBus, testToken, testVariable } from '@causeway/testing/bus';
import { sinkAgreement } from '@causeway/testing/sink-agreement';
import { decodeHeaders, type Envelope, encodeHeaders, eventId } from '../bus/envelope.ts';
import { topicsOf } from '../bus/topics.ts';
import type { Attempt } from '../delivery/subscription.ts';
import { connectDatabase, type Database } from '../postgres/database.ts';
import { type Agreements, followAgreements } from '../reference-data/agreements.ts';
import { followOrganisations, type Organisations } from '../reference-data/organisations.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createSink, type Sink, type SinkOptions } from './sink.ts';

const REPORTED = 'uk.causeway.police.missing-person.reported.v1';
const ACKNOWLEDGED = 'uk.causeway.exchange.acknowledgement.recorded.v1';
const log = createLogger('test', 'silent');

let bus: TestBus;
let database: Database;
let agreements: Agreements;
let organisations: Organisations;
let agreement: string;
let [from, to] = ['', ''];
let sink: Sink;
let handed: Attempt[] = [];
let cutOff = false;

before(async () => {
  bus = await createTestBus(2);
  [from = '', to = ''] = bus.organisations;
  agreement = await bus.activate(sinkAgreement(from, to, 'description'));
  const schema = `sink_${randomBytes(5).toString('hex')}`;
  database = connectDatabase({ url: testVariable('DATABASE_URL'), schema, log });
  agreements = followAgreements(bus.kafka, log);
  organisations = followOrganisations(bus.kafka, log);
  await agreements.caughtUp;
  sink = start();
});

after(async () => {
  await sink?.close();
  await agreements?.close();
  await organisations?.close();
  await database?.close();
  await bus?.close();
});

const start = (options: Partial<SinkOptions> = {}): Sink =>
  createSink({
    organisation: to,
    adapter: 'test',
    kafka: bus.kafka,
    codec: bus.codec,
    database: {
      ...database,
      query: async (sql, params) => {
        if (cutOff && /set published = true/.test(sql)) throw new Error('cut off');
        return database.query(sql, params);
      },
    },
    agreements,
    organisations,
    log,
    metrics: createMetrics('test'),
    deliver: async (attempt) => {
      handed.push(attempt);
      return { outcome: 'delivered' };
    },
    ...options,
  });

/** Puts an event into the recipient's inbox as the exchange would. */
const arrive = async (type: string, envelope: Partial<Envelope> = {}): Promise<string> => {
  const entry = loadCatalogue().find((one) => one.type === type);
  assert.ok(entry);
  const value = await bus.codec.encode(await bus.codec.idOf(type, entry.schema), entry.example.data);
  const id = eventId(['released'], randomBytes(8), 0);
  const headers = encodeHeaders(
    {
      id,
      source: `/${from}/test`,
      type,
      time: '2026-10-05T14:20:00+01:00',
      subject: testToken('somebody'),
      tokens: [],
      otherTokens: [],
      classification: 'OFFICIAL',
      handling: [],
      exclude: [],
      priority: 'routine',
      replay: false,
      agreement: [agreement],
      ...envelope,
    },
    'inbox',
  );
  await bus.producer.send([{ topic: topicsOf(to).inbox, key: testToken('somebody'), value, headers }]);
  return id;
};

const until = async (is: () => boolean): Promise<void> => {
  const deadline = Date.now() + 20_000;
  while (!is()) {
    if (Date.now() > deadline) throw new Error('it did not come to this');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const delivered = async (id: string): Promise<Attempt> => {
  await until(() => handed.some(({ event }) => event.id === id));
  return handed.find(({ event }) => event.id === id) as Attempt;
};

/** What the source has been told of an event: state and team, in order, with the id of each. */
const told = async (id: string) => {
  const records = await bus.records(topicsOf(to).outbox);
  const found = records.filter(({ headers }) => headers.ce_inresponseto?.toString() === `/${from}/${id}`);
  return Promise.all(
    found.map(async ({ headers, value }) => {
      const event = decodeHeaders(headers);
      assert.equal(event.type, ACKNOWLEDGED);
      const { data } = await bus.codec.decode(value ?? Buffer.alloc(0));
      const { state, team } = data as { state: string; team: string | null };
      return { id: event.id, state, team };
    }),
  );
};

test('what the receiver says later is told to the source once, however often it is said', async () => {
  const { event, position } = await delivered(await arrive(REPORTED));
  const reference = { id: event.id, position };
  await sink.acknowledge(reference, { state: 'seen' });
  await sink.acknowledge(reference, { state: 'seen', at: '2026-10-05T14:30:00+01:00' });
  await sink.acknowledge(reference, { state: 'accepted', team: 'MASH' });
  await sink.acknowledge(reference, { state: 'accepted', team: 'MASH' });
  const said = (await told(event.id)).map(({ state, team }) => [state, team]);
  assert.deepEqual(said, [
    ['seen', null],
    ['accepted', 'MASH'],
  ]);
  const notes = (await bus.records(topicsOf(to).deliveries))
    .map(({ value }) => JSON.parse(String(value)) as { kind: string; event: string; state?: string })
    .filter((note) => note.event === event.id && note.kind === 'acknowledged');
  assert.deepEqual(
    notes.map(({ state }) => state),
    ['seen', 'accepted'],
  );
});

test('words that were published before a crash and are said again after it are the same event', async () => {
  const { event, position } = await delivered(await arrive(REPORTED));
  cutOff = true;
  await assert.rejects(sink.acknowledge({ id: event.id, position }, { state: 'not_ours' }));
  cutOff = false;
  await sink.close();
  sink = start();
  await sink.acknowledge({ id: event.id, position }, { state: 'not_ours' });
  const ids = (await told(event.id)).map(({ id }) => id);
  assert.equal(ids.length, 2);
  assert.equal(new Set(ids).size, 1);
});

test('what is acknowledged later than at its delivery is not overdue any more', async () => {
  const actBy = new Date(Date.now() + 4_000).toISOString();
  const { event, position } = await delivered(await arrive(REPORTED, { actBy }));
  await sink.acknowledge({ id: event.id, position }, { state: 'accepted' });
  const rows = await database.query<{ acknowledged_at: Date | null }>(
    'select acknowledged_at from overdue_event where event_id = $1',
    [event.id],
  );
  assert.ok(rows.length > 0 && rows.every(({ acknowledged_at }) => acknowledged_at !== null));
});

test('an event that is not at that position cannot be acknowledged', async () => {
  const { event, position } = await delivered(await arrive(REPORTED));
  const partition = position.split('-')[0];
  for (const reference of [
    { id: eventId(['other'], Buffer.alloc(0), 0), position },
    { id: event.id, position: `${partition}-999999` },
    { id: event.id, position: 'elsewhere' },
  ])
    await assert.rejects(sink.acknowledge(reference, { state: 'seen' }), { code: 'not-there' });
});

test('feedback reaches a sink that asks for it, and no other', async () => {
  const answer = { inResponseTo: `/${to}/${eventId(['own'], randomBytes(8), 0)}`, agreement: [] };
  const passedOver = await arrive(ACKNOWLEDGED, answer);
  await delivered(await arrive(REPORTED));
  assert.ok(!handed.some(({ event }) => event.id === passedOver));
  await sink.close();
  handed = [];
  sink = start({ feedback: true });
  const { event, position } = await delivered(await arrive(ACKNOWLEDGED, answer));
  assert.equal(event.inResponseTo, answer.inResponseTo);
  await assert.rejects(sink.acknowledge({ id: event.id, position }, { state: 'seen' }), {
    code: 'not-acknowledgeable',
  });
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { testVariable } from '@causeway/testing/bus';
import { createTestWorld, RECIPIENT, type TestWorld, until } from '@causeway/testing/delivery-world';
import { type Codec, createCodec } from '../avro/codec.ts';
import { type DeliveryRecord, deliveryRecord } from '../bus/delivery-log.ts';
import { decodeHeaders } from '../bus/envelope.ts';
import type { KafkaRecord } from '../kafka/broker-client.ts';
import type { Reader } from '../kafka/reader.ts';
import type { Organisation } from '../reference-data/organisations.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { type Acknowledgement, acknowledgementRecord } from './acknowledgement.ts';
import type { FeedbackParts } from './feedback.ts';
import { type OverdueWatch, type Placed, watchOverdue } from './overdue-watch.ts';

const log = createLogger('test', 'silent');
const MINUTE = 60_000;
const duty: Organisation = {
  id: RECIPIENT,
  name: 'The recipient',
  kind: 'other',
  handlingAccepted: [],
  dutyContacts: [{ hours: 'always', name: 'Duty desk', telephone: '01632 960099' }],
};

let world: TestWorld;
let codec: Codec;
let feedback: FeedbackParts;
const watches: OverdueWatch[] = [];

beforeEach(async () => {
  world = await createTestWorld();
  codec = createCodec({ registryUrl: testVariable('SCHEMA_REGISTRY_URL') }, log);
  for (const { type, schema } of loadCatalogue())
    if (type.startsWith('uk.causeway.exchange.')) await codec.register(type, schema, 'FULL_TRANSITIVE');
  feedback = {
    organisation: RECIPIENT,
    component: 'test',
    codec,
    organisations: { get: () => duty },
    agreements: world.agreements,
  };
});

afterEach(async () => {
  for (const watch of watches.splice(0)) await watch.close();
  await world.close();
});

const watch = (instance: string, more: Partial<Parameters<typeof watchOverdue>[0]> = {}): OverdueWatch => {
  const { database, inboxes, producer, clock } = world;
  const started = watchOverdue({
    feedback,
    database,
    inboxes,
    producer,
    log,
    metrics: createMetrics('test'),
    clock,
    instance,
    ...more,
  });
  watches.push(started);
  return started;
};

const notices = (): KafkaRecord[] => world.sent.filter(({ topic }) => topic === `outbox.${RECIPIENT}`);
const read = async ({ headers = {}, value }: KafkaRecord) => ({
  event: decodeHeaders(
    Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  ),
  data: (await codec.decode(value ?? Buffer.alloc(0))).data as Record<string, string> & {
    contact: Record<string, string>;
  },
});

/** Lets some time pass in the world while the watch looks around. */
const pass = async (ms: number): Promise<void> => {
  const end = world.clock.now() + ms;
  await until(() => world.clock.now() >= end, 'time passes');
};

const placed = async (): Promise<Placed[]> => {
  const found: Placed[] = [];
  await world.inboxes.use(RECIPIENT, async (inbox) => {
    for (const { partition, records } of await inbox.read([
      { partition: 0, offset: 0 },
      { partition: 1, offset: 0 },
    ]))
      for (const { offset, timestamp, headers } of records)
        found.push({ event: decodeHeaders(headers), partition, offset, since: timestamp });
  });
  return found;
};

test('an immediate event that is not delivered makes one notice for its source, within seconds after five minutes', async () => {
  const id = world.arrive({ person: 'ann', priority: 'immediate' });
  world.arrive({ person: 'ann', priority: 'routine' });
  const begun = world.clock.now();
  watch('one');
  watch('two');
  await until(() => notices().length > 0, 'a notice');
  await pass(10 * MINUTE);
  assert.equal(notices().length, 1);
  const [notice] = notices();
  assert.ok(notice);
  const { event, data } = await read(notice);
  assert.equal(event.inResponseTo, `/source-org/${id}`);
  assert.equal(event.priority, 'immediate');
  assert.deepEqual(event.tokens, []);
  assert.deepEqual([data.overdueEvent, data.reason], [id, 'not_delivered']);
  assert.equal(data.contact.telephone, '01632 960099');
  const late = Date.parse(data.noticedAt ?? '') - begun;
  assert.ok(late >= 300_000 && late <= 312_000, `noticed after ${late} ms`);
});

test('what was delivered and acknowledged in time is not overdue', async () => {
  const actBy = new Date(world.clock.now() + 8 * MINUTE).toISOString();
  world.arrive({ person: 'ann', priority: 'immediate' });
  world.arrive({ person: 'bob', actBy });
  const events = await placed();
  const watching = watch('one');
  await watching.delivered(events);
  await watching.acknowledged(events);
  await pass(10 * MINUTE);
  assert.equal(notices().length, 0);
});

test('what was delivered and not acknowledged by the time to act is overdue', async () => {
  const actBy = new Date(world.clock.now() + 8 * MINUTE).toISOString();
  world.arrive({ person: 'bob', actBy });
  const watching = watch('one');
  await watching.delivered(await placed());
  await until(() => notices().length > 0, 'a notice');
  const [notice] = notices();
  assert.ok(notice);
  const { data } = await read(notice);
  assert.deepEqual([data.reason, data.dueAt], ['not_acknowledged', actBy]);
});

/** Reads what others have noted in the deliveries of the organisation. */
const readerOf = (notes: readonly DeliveryRecord[]): Reader => ({
  partitionCount: async () => 1,
  atTime: async (topic) => [{ topic, partition: 0, offset: 0 }],
  bounds: async () => [{ partition: 0, start: 0, end: notes.length }],
  close: async () => {},
  fetch: async ([position]) => {
    const { topic = '', offset = 0 } = position ?? {};
    assert.equal(topic, `deliveries.${RECIPIENT}`);
    const records = notes.slice(offset).map((note, index) => ({
      offset: offset + index,
      timestamp: 0,
      key: null,
      value: deliveryRecord(RECIPIENT, note).value,
      headers: {},
    }));
    return [{ topic, partition: 0, records, next: notes.length, endOffset: notes.length, outOfRange: false }];
  },
});

test('what was acknowledged elsewhere, such as at the gateway, is heard and not called for again', async () => {
  const actBy = new Date(world.clock.now() + 8 * MINUTE).toISOString();
  world.arrive({ person: 'ann', actBy });
  const late = world.arrive({ person: 'bob', actBy });
  const events = await placed();
  const taken = events.find(({ event }) => event.id !== late);
  assert.ok(taken);
  const at = new Date(world.clock.now()).toISOString();
  const about = { client: 'somebody', at };
  const notes: DeliveryRecord[] = [];
  const watching = watch('one', { reader: () => readerOf(notes) });
  await watching.delivered(events);
  notes.push(
    { kind: 'page', via: 'pull', events: [], withheld: 0, ...about },
    {
      kind: 'acknowledged',
      position: `${taken.partition}-${taken.offset}`,
      event: taken.event.id,
      state: 'accepted',
      ...about,
    },
  );
  await until(() => notices().length > 0, 'a notice');
  await pass(2 * MINUTE);
  const told = await Promise.all(notices().map(async (notice) => (await read(notice)).data.overdueEvent));
  assert.deepEqual(told, [late]);
});

test('nobody is told where the agreement allows no feedback', async () => {
  world.agreement.feedback = false;
  world.arrive({ person: 'ann', priority: 'immediate' });
  watch('one');
  await pass(10 * MINUTE);
  assert.equal(notices().length, 0);
});

test('an acknowledgement answers the event, says nothing about the person, and is the same when it is made twice', async () => {
  world.arrive({ person: 'ann' });
  const [one] = await placed();
  assert.ok(one);
  const said: Acknowledgement = {
    state: 'accepted',
    team: 'Front door',
    reference: 'C-1',
    at: '2026-10-05T13:00:00Z',
  };
  const record = await acknowledgementRecord(feedback, one.event, said);
  assert.ok(record);
  assert.deepEqual(await acknowledgementRecord(feedback, one.event, said), record);
  const { event, data } = await read(record);
  assert.equal(event.inResponseTo, `/source-org/${one.event.id}`);
  assert.deepEqual([event.subject, event.tokens, event.otherTokens], [one.event.subject, [], []]);
  assert.deepEqual(
    [data.acknowledges, data.state, data.team, data.recipient],
    [one.event.id, 'accepted', 'Front door', RECIPIENT],
  );
  world.agreement.feedback = false;
  assert.equal(await acknowledgementRecord(feedback, one.event, said), undefined);
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeHeaders } from '@causeway/runtime/bus/envelope';
import { redriveRecord } from '@causeway/runtime/bus/redrive-request';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { type RunningAdapter, release, runAdapter } from '@causeway/testing/adapter-process';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { sinkAgreement } from '@causeway/testing/sink-agreement';
import {
  type Behaviour,
  type ReceivedDocument,
  type ReceivingEngine,
  receiveDocuments,
} from '../simulator/sink-simulator.ts';

const TYPE = 'uk.causeway.police.missing-person.reported.v1';

let bus: TestBus;
let engine: ReceivingEngine;
let adapter: RunningAdapter;
let agreement: string;
let from: string;
let to: string;
let behave: (document: ReceivedDocument) => Behaviour = () => 'AA';
const schema = `sink_${randomBytes(5).toString('hex')}`;
/** Longer in `npm run test:long`. */
const SECONDS = Number(process.env.SINK_SOAK_SECONDS ?? 10);

before(async () => {
  bus = await createTestBus(2);
  [from = '', to = ''] = bus.organisations;
  agreement = await bus.activate(
    sinkAgreement(
      from,
      to,
      'person.name, person.dateOfBirth, description',
      '{ person.dateOfBirth: for a test }',
    ),
  );
  engine = await receiveDocuments({ port: 0, lateMs: 1_300, behave: (document) => behave(document) });
  adapter = start();
});

after(async () => {
  await adapter?.stop();
  await engine?.close();
  await bus?.close();
});

const start = () =>
  runAdapter(bus, to, new URL('../..', import.meta.url), {
    NHS_TRUST_DATABASE_SCHEMA: schema,
    NHS_TRUST_MLLP_PORT: '0',
    NHS_TRUST_ENGINE_PORT: String(engine.port),
    NHS_TRUST_ENGINE_CONNECTIONS: '4',
    NHS_TRUST_ENGINE_ANSWER_SECONDS: '1',
    NHS_TRUST_ENGINE_RETRY_SECONDS: Array.from({ length: 40 }, () => '1').join(','),
    NHS_TRUST_ENGINE_AR: 'refuse',
  });

const arrived = (): string[] => engine.filed.map(({ document }) => document);

const until = async (is: () => boolean | Promise<boolean>, what: string, ms = 30_000): Promise<void> => {
  const deadline = Date.now() + ms;
  while (!(await is())) {
    if (Date.now() > deadline)
      throw new Error(`it did not come to this: ${what}\n${adapter.log().slice(-3_000)}`);
    await delay(50);
  }
};

const send = (person: string, priority: 'routine' | 'immediate' = 'routine') =>
  release(bus, { from, to, type: TYPE, person, envelope: { agreement: [agreement], priority } });

test('an event reaches the engine, and its source is told that it was seen', async () => {
  const id = await send('somebody');
  await until(() => arrived().includes(id), 'the event is filed');
  const [document] = engine.filed;
  assert.equal(document?.application, 'SAFEGUARDING');
  assert.equal(document?.confidentiality, 'V');
  const [said] = await bus.untilRecords(topicsOf(to).outbox, 1);
  const event = decodeHeaders(said?.headers ?? {});
  assert.equal(event.inResponseTo, `/${from}/${id}`);
  assert.equal(event.type, 'uk.causeway.exchange.acknowledgement.recorded.v1');
});

test('an immediate event is not held up by a routine one of the same person that waits', async () => {
  const routine = await send('held-up');
  behave = ({ document }) => (document === routine ? 'AE' : 'AA');
  await until(() => engine.came.length > 1, 'the routine one was tried');
  const urgent = await send('held-up', 'immediate');
  await until(() => arrived().includes(urgent), 'the immediate one is filed');
  assert.ok(!arrived().includes(routine));
  behave = () => 'AA';
  await until(() => arrived().includes(routine), 'the routine one is filed after all');
});

test('with an engine that misbehaves at random and the adapter killed three times, everything arrives, once and in order', async (t) => {
  const people = Array.from({ length: 12 }, (_, index) => `person-${index}`);
  const sent = new Map<string, string[]>(people.map((person) => [person, []]));
  const bad: Behaviour[] = ['AE', 'AE', 'AR', 'nothing', 'late', 'other-id', 'hang-up', 'hang-up'];
  behave = () => (Math.random() < 0.3 ? (bad[Math.floor(Math.random() * bad.length)] ?? 'AE') : 'AA');
  const end = Date.now() + SECONDS * 1_000;
  let kills = 0;
  while (Date.now() < end) {
    const person = people[Math.floor(Math.random() * people.length)] ?? 'person-0';
    sent.get(person)?.push(await send(person));
    await delay(40);
    if (Date.now() > end - ((3 - kills) * SECONDS * 1_000) / 4 && kills < 3) {
      kills += 1;
      await adapter.kill();
      adapter = start();
    }
  }
  assert.equal(kills, 3);
  const all = [...sent.values()].flat();
  const buried = async () => {
    const letters = await bus.records(topicsOf(to).deadLetter);
    return letters.map((letter) => ({ id: decodeHeaders(letter.headers).id, offset: letter.offset }));
  };
  await until(
    async () => {
      const settled = new Set([...arrived(), ...(await buried()).map(({ id }) => id)]);
      return all.every((id) => settled.has(id));
    },
    'every event is filed or a dead letter',
    120_000,
  );
  const dead = await buried();
  behave = () => 'AA';
  for (const { id, offset } of dead)
    if (!arrived().includes(id))
      await bus.producer.send([
        redriveRecord(to, {
          id: randomBytes(8).toString('hex'),
          deadLetter: offset,
          by: 'test',
          reason: 'mended',
          at: new Date().toISOString(),
        }),
      ]);
  await until(() => all.every((id) => arrived().includes(id)), 'what was refused arrives after its redrive');
  const order = arrived();
  assert.equal(new Set(order).size, order.length, 'an event was filed twice');
  const redriven = new Set(dead.map(({ id }) => id));
  for (const ids of sent.values()) {
    const kept = ids.filter((id) => !redriven.has(id));
    assert.deepEqual(
      order.filter((id) => kept.includes(id)),
      kept,
      'two events of one person changed places',
    );
  }
  t.diagnostic(
    `${all.length} events, ${engine.came.length} messages, ${dead.length} dead letters redriven, 3 kills`,
  );
});

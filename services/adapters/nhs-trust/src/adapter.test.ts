import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createCodec } from '@causeway/runtime/avro/codec';
import { topology } from '@causeway/runtime/bus/acls';
import { decodeHeaders } from '@causeway/runtime/bus/envelope';
import { AGREEMENTS_TOPIC, LANES, topicsOf } from '@causeway/runtime/bus/topics';
import { connectKafka, type Kafka } from '@causeway/runtime/kafka/connect';
import { readToEnd } from '@causeway/runtime/kafka/reader';
import { createLogger } from '@causeway/runtime/telemetry/log';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import type { AgreementRecord } from '@causeway/schemas/agreements/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { type RunningAdapter, spawnAdapter } from '@causeway/testing/adapter-process';
import { freePort } from '@causeway/testing/free-port';
import { createFramer, frame } from './mllp/framer.ts';
import { createEngine, fixtureMessages, readAcknowledgement } from './simulator/simulator.ts';
import { stayMessage } from './simulator/synthetic.ts';

const env = (name: string): string => process.env[`CAUSEWAY_TEST_${name}`] ?? '';
const organisation = `trust-${randomBytes(6).toString('hex')}`;
const topics = topicsOf(organisation);
const HOST = '127.0.0.1';
/** What the samples and the synthetic messages hold that must never be seen outside the values of records. */
const PERSONAL =
  /ZZZTEST|TWIN|MOUSE|MINNIE|Tester|Btuh|Exampleton|Sampleson|Invented|Racoon|9999999999|10769848|D7006372/i;

const sharing = (): AgreementRecord[] => {
  const named = { id: organisation, version: 1, by: 'test', at: '2026-01-01T00:00:00Z' };
  const valid = { from: '2026-01-01', until: '2027-12-31' };
  const agreement = { from: organisation, to: ['somebody'], title: 'a test', valid } as unknown as Agreement;
  const types = loadCatalogue().filter(({ siblingOf }) => siblingOf.length === 0);
  const release = Object.fromEntries(
    types.map(({ type }) => [type, { schemaId: 1, leaves: [], generalise: {} }]),
  );
  return [
    { kind: 'version', ...named, agreement, release, digest: 'x' },
    { kind: 'status', ...named, status: 'active', reason: 'test' },
  ];
};

const open = async (port: number): Promise<Socket> => {
  const socket = connect({ port, host: HOST, noDelay: true });
  await once(socket, 'connect');
  return socket;
};

/** Codes of the first `count` answers, or of those that come before the adapter hangs up. */
const codes = (socket: Socket, count = Number.POSITIVE_INFINITY): Promise<string[]> =>
  new Promise((resolve) => {
    const framer = createFramer(100_000);
    const found: string[] = [];
    socket.on('data', (chunk) => {
      for (const one of framer.push(chunk)) {
        if (one.kind === 'message') found.push(readAcknowledgement(one.content).code);
      }
      if (found.length >= count) resolve(found);
    });
    socket.once('end', () => resolve(found)).once('close', () => resolve(found));
  });

describe('nhs-trust on the real bus', { timeout: 60_000 }, () => {
  const log = createLogger('test', 'silent');
  let kafka: Kafka;
  let adapter: RunningAdapter;
  let port: number;
  let admin: string;

  before(async () => {
    kafka = connectKafka(
      {
        brokers: env('KAFKA_BROKERS').split(','),
        username: env('KAFKA_USERNAME'),
        password: env('KAFKA_PASSWORD'),
        clientId: organisation,
      },
      log,
    );
    const control = await kafka.admin();
    await control.createTopics(
      topology([organisation], { replicationFactor: 1, minInSyncReplicas: 1 }).topics,
    );
    await control.close();
    const codec = createCodec({ registryUrl: env('SCHEMA_REGISTRY_URL') }, log);
    for (const { type, schema } of loadCatalogue()) await codec.register(type, schema, 'FULL_TRANSITIVE');
    const value = (record: AgreementRecord) => Buffer.from(JSON.stringify(record));
    const records = sharing().map((record) => ({
      topic: AGREEMENTS_TOPIC,
      partition: 0,
      value: value(record),
    }));
    await kafka.producer().send(records);

    port = await freePort();
    const adminPort = await freePort();
    admin = `http://${HOST}:${adminPort}`;
    adapter = spawnAdapter(new URL('..', import.meta.url), {
      ADMIN_PORT: String(adminPort),
      LOG_LEVEL: 'trace',
      ORGANISATION: organisation,
      PARTNERSHIP_KEY: randomBytes(32).toString('base64url'),
      KAFKA_BROKERS: env('KAFKA_BROKERS'),
      KAFKA_USERNAME: env('KAFKA_USERNAME'),
      KAFKA_PASSWORD: env('KAFKA_PASSWORD'),
      SCHEMA_REGISTRY_URL: env('SCHEMA_REGISTRY_URL'),
      DATABASE_URL: env('DATABASE_URL'),
      NHS_TRUST_DATABASE_SCHEMA: organisation.replace('-', '_'),
      NHS_TRUST_MLLP_PORT: String(port),
      NHS_TRUST_IDLE_SECONDS: '1',
    });
    for (;;) {
      const ready = await fetch(`${admin}/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (ready) break;
      assert.ok(adapter.running(), adapter.log());
      await delay(50);
    }
  });

  after(async () => {
    await adapter?.kill();
    await kafka?.close();
  });

  const recordsOf = async (topic: string, partitions: number) => {
    const reader = kafka.reader();
    const records = [];
    for (let partition = 0; partition < partitions; partition += 1) {
      for await (const record of readToEnd(reader, { topic, partition }, 0)) records.push(record);
    }
    await reader.close();
    return records;
  };
  const outbox = async () =>
    (await recordsOf(topics.outbox, LANES)).map((record) => ({
      record,
      event: decodeHeaders(record.headers),
    }));
  const reasons = async () =>
    (await recordsOf(topics.deadLetter, 1)).map(({ headers }) => String(headers['dl-reason']));

  it('answers every sample on four connections, split and interleaved, and publishes each fact once', async () => {
    const samples = fixtureMessages().map(({ raw }) => raw);
    const sockets = await Promise.all([0, 1, 2, 3].map(() => open(port)));
    const wires = sockets.map((_, index) => {
      const own = [0, 1, 2, 3, 4].map((n) => {
        const stay = 100 * index + n;
        return stayMessage({
          trigger: 'A01',
          stay,
          controlId: `C${stay}`,
          at: new Date('2026-03-05T10:15:00Z'),
        });
      });
      return Buffer.concat([...samples, ...own].map(frame));
    });
    const answers = sockets.map((socket) => codes(socket, samples.length + 5));
    while (wires.some((wire) => wire.length > 0)) {
      const index = Math.floor(Math.random() * 4);
      const cut = 1 + Math.floor(Math.random() * 400);
      sockets[index]?.write(wires[index]?.subarray(0, cut) ?? '');
      wires[index] = wires[index]?.subarray(cut) ?? Buffer.alloc(0);
      if (Math.random() < 0.2) await new Promise(setImmediate);
    }
    for (const found of await Promise.all(answers)) {
      assert.deepEqual(found, Array(samples.length + 5).fill('AA'));
    }
    for (const socket of sockets) socket.destroy();
    const ids = (await outbox()).map(({ event }) => event.id);
    // One of the samples tells a death besides.
    assert.equal(ids.length, samples.length + 1 + 20);
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(await reasons(), []);
  });

  it('refuses or times out what is no message, keeps it, and serves everybody else meanwhile', async () => {
    const engine = createEngine({ host: HOST, port });
    const [garbage, headless, large, stalled] = await Promise.all([0, 1, 2, 3].map(() => open(port)));
    assert.ok(garbage && headless && large && stalled);
    garbage.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    headless.end(frame(Buffer.from('PID|1||X')));
    large.write(
      frame(
        Buffer.concat([
          Buffer.from('MSH|^~\\&|A|B|C|D|2026||ADT^A01|L1|P|2.4\r'),
          Buffer.alloc(20_000_000, 'x'),
        ]),
      ),
    );
    stalled.write('\x0bMSH|^~\\&|A|B|C|D|2026||ADT^A01|S1|P|2.4\rPID|1');
    const found = Promise.all([garbage, headless, large, stalled].map((socket) => codes(socket)));
    const at = new Date('2026-03-05T10:15:00Z');
    for (let stay = 1_000; stay < 1_020; stay += 1) {
      const { code } = await engine.attempt(stayMessage({ trigger: 'A01', stay, controlId: `G${stay}`, at }));
      assert.equal(code, 'AA');
    }
    assert.deepEqual(await found, [['AR'], ['AR'], ['AR'], ['AE']]);
    assert.deepEqual((await reasons()).sort(), ['cut-short', 'no-header', 'outside-frame', 'too-large']);
    engine.close();
  });

  it('joins the withdrawal of an admission to the admission', async () => {
    const engine = createEngine({ host: HOST, port });
    const at = new Date('2026-03-05T10:15:00Z');
    await engine.send(stayMessage({ trigger: 'A01', stay: 2_000, controlId: 'W1', at }));
    await engine.send(stayMessage({ trigger: 'A11', stay: 2_000, controlId: 'W2', at, admittedAt: at }));
    engine.close();
    const voided = (await outbox()).filter(({ event }) =>
      event.type.endsWith('inpatient-admission.voided.v1'),
    );
    const [withdrawal] = voided;
    assert.equal(voided.length, 1);
    const stated = (await outbox()).find(({ event }) => event.id === withdrawal?.event.corrects);
    assert.equal(stated?.event.subject, withdrawal?.event.subject);
  });

  it('puts nothing about a person into logs, metrics, keys or headers', async () => {
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    assert.match(metrics, /source_messages_total/);
    const records = [
      ...(await outbox()).map(({ record }) => record),
      ...(await recordsOf(topics.deadLetter, 1)),
    ];
    const visible = records.map(({ key, headers }) =>
      [String(key), ...Object.values(headers).map(String)].join('\n'),
    );
    for (const text of [adapter.log(), metrics, ...visible]) assert.doesNotMatch(text, PERSONAL);
  });

  it('stops in order when told to', async () => {
    await adapter.stop();
    assert.equal(await adapter.ended(), 0);
  });
});

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createCodec } from '@causeway/runtime/avro/codec';
import { decodeHeaders, encodeHeaders, eventId } from '@causeway/runtime/bus/envelope';
import { LANES, topicsOf } from '@causeway/runtime/bus/topics';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { connectKafka, type Kafka } from '@causeway/runtime/kafka/connect';
import { readToEnd } from '@causeway/runtime/kafka/reader';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { repository } from '../common/paths.ts';
import { freePorts } from '../common/ports.ts';
import { principalSecret } from '../common/secrets.ts';
import { organisationsDirectory } from '../common/settings.ts';
import { type System, startSystem } from '../dev/system.ts';

/** What `docs/adding-a-partner.md` says, done: the folder under another name, its YAML, and no other file. */
const TUTORIAL = join(repository, 'docs', 'examples', 'housing-asb');
const RENAMED = 'a-renamed-adapter';
const HOMES = 'westshire-homes';
const COUNCIL = 'westshire-council';
const TYPE = 'uk.causeway.council.antisocial-behaviour-case.opened.v1';

let place: string;
let system: System;
let housingSystem: string;
const ports = freePorts();
const log = createLogger('test', 'silent');

before(async () => {
  place = mkdtempSync(join(tmpdir(), 'causeway-tutorial-'));
  const folder = join(place, 'services', 'adapters', RENAMED);
  mkdirSync(join(place, 'services', 'adapters'), { recursive: true });
  cpSync(TUTORIAL, folder, { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(place, 'node_modules'));
  cpSync(organisationsDirectory, join(place, 'organisations'), { recursive: true });
  cpSync(join(folder, 'partnership', 'organisations'), join(place, 'organisations'), { recursive: true });
  const failures: Error[] = [];
  let sinkPort = 0;
  system = await startSystem({
    home: join(place, 'home'),
    environment: {},
    ports: {
      of: async (name, usual) => {
        const port = await ports.of(name, usual);
        if (name === 'HOUSING_SYSTEM_PORT') sinkPort = port;
        return port;
      },
    },
    simulators: false,
    agreementsDir: join(folder, 'partnership', 'agreements'),
    organisationsDir: join(place, 'organisations'),
    services: ['exchange', RENAMED],
    alsoFrom: place,
    say: () => {},
    onFailed: (error) => failures.push(error),
  });
  housingSystem = `http://127.0.0.1:${sinkPort}/notices`;
});

after(async () => {
  await system?.stop();
  rmSync(place, { recursive: true, force: true });
});

const kafkaAs = (principal: string): Kafka =>
  connectKafka(
    {
      brokers: [system.parts.connections.KAFKA_BROKERS],
      username: principal,
      password: system.parts.secrets.get(principalSecret(principal)),
      clientId: `${principal}.test`,
    },
    log,
  );

/** Looks until there is something, for half a minute. */
const eventually = async <T>(look: () => Promise<T | undefined>, what: string): Promise<T> => {
  for (const end = Date.now() + 30_000; Date.now() < end; await delay(100)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`it did not come to this: ${what}`);
};

const allOf = async (kafka: Kafka, topic: string): Promise<FetchedRecord[]> => {
  const reader = kafka.reader();
  const found: FetchedRecord[] = [];
  for (let partition = 0; partition < LANES; partition += 1)
    for await (const record of readToEnd(reader, { topic, partition }, 0)) found.push(record);
  await reader.close();
  return found;
};

test('the adapter of the tutorial, renamed, publishes what its system says and keeps what it cannot read', async () => {
  const { url } = system.endpoints[RENAMED] ?? {};
  const raw = readFileSync(join(TUTORIAL, 'fixtures', 'case.json'));
  const send = (body: Buffer | string) => fetch(`${url}/cases`, { method: 'POST', body });
  const first = await send(raw);
  assert.deepEqual([first.status, await first.json()], [202, { fate: 'published' }]);
  const again = await send(raw);
  assert.deepEqual([again.status, await again.json()], [202, { fate: 'duplicate' }]);
  assert.equal((await send('{}')).status, 422);

  const council = kafkaAs(COUNCIL);
  const [record] = await eventually(async () => {
    const found = await allOf(council, topicsOf(COUNCIL).inbox);
    return found.length > 0 ? found : undefined;
  }, 'the council has the case');
  await council.close();
  const event = decodeHeaders(record?.headers ?? {});
  assert.equal(event.source, `/${HOMES}/${RENAMED}`);
  assert.equal(event.type, TYPE);
  const codec = createCodec({ registryUrl: system.parts.connections.SCHEMA_REGISTRY_URL }, log);
  const { data } = await codec.decode(record?.value ?? Buffer.alloc(0));
  const released = JSON.parse(JSON.stringify(data));
  assert.equal(released.person.name.familyName, 'Testwell');
  assert.equal(released.person.dateOfBirth, undefined, 'what no agreement releases is not there');
  const homes = kafkaAs(HOMES);
  const reader = homes.reader();
  const letters: FetchedRecord[] = [];
  for await (const letter of readToEnd(reader, { topic: topicsOf(HOMES).deadLetter, partition: 0 }, 0))
    letters.push(letter);
  await homes.close();
  assert.deepEqual(
    letters.map(({ value }) => value?.toString()),
    ['{}'],
  );
});

test('what another organisation releases reaches the system behind the renamed adapter, once', async () => {
  const council = kafkaAs(COUNCIL);
  const codec = createCodec({ registryUrl: system.parts.connections.SCHEMA_REGISTRY_URL }, log);
  const entry = loadCatalogue().find(({ type }) => type === TYPE);
  assert.ok(entry);
  const subject = eventId(['test'], Buffer.from('somebody'), 0);
  const id = eventId(['test'], Buffer.from('the event'), 0);
  const headers = encodeHeaders(
    {
      id,
      source: `/${COUNCIL}/test`,
      type: TYPE,
      time: '2026-11-18T13:20:00Z',
      subject,
      tokens: [subject],
      otherTokens: [],
      recordedTime: undefined,
      sequence: undefined,
      classification: 'OFFICIAL-SENSITIVE',
      handling: [],
      exclude: [],
      priority: 'routine',
      actBy: undefined,
      correlationId: undefined,
      inResponseTo: undefined,
      corrects: undefined,
      replay: false,
      agreement: [],
      traceparent: undefined,
    },
    'outbox',
  );
  const value = await codec.encode(await codec.idOf(TYPE, entry.schema), entry.example.data);
  await council.producer().send([{ topic: topicsOf(COUNCIL).outbox, key: subject, value, headers }]);
  const notices = await eventually(async () => {
    const found = (await (await fetch(housingSystem)).json()) as {
      id: string;
      from: string;
      details: unknown;
    }[];
    return found.length > 0 ? found : undefined;
  }, 'the housing system has the notice');
  await council.close();
  assert.deepEqual(
    notices.map((notice) => [notice.id, notice.from]),
    [[id, COUNCIL]],
  );
  assert.match(JSON.stringify(notices[0]?.details), /"familyName":"Testwell"/);
});

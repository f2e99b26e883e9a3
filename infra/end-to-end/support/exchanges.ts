import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Codec, createCodec } from '@causeway/runtime/avro/codec';
import { type Envelope, encodeHeaders, eventId } from '@causeway/runtime/bus/envelope';
import { LANES } from '@causeway/runtime/bus/topics';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import type { Producer } from '@causeway/runtime/kafka/producer';
import { type Reader, readToEnd } from '@causeway/runtime/kafka/reader';
import { createLogger } from '@causeway/runtime/telemetry/log';
import type { AvroType } from '@causeway/schemas/avro/schema';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { stringify } from 'yaml';
import { connectTo } from '../../common/connections.ts';
import { freePorts } from '../../common/ports.ts';
import type { Environment } from '../../common/settings.ts';
import { type System, startAnother, startSystem } from '../../dev/system.ts';

/** Organisations, and as many exchange instances as a test wants, on a broker and registry that it may kill. */
export type Exchanges = {
  system: System;
  kafka: Kafka;
  producer: Producer;
  reader: Reader;
  codec: Codec;
  home: string;
  /** Starts one more instance of a service; resolves when it is ready. It is started again whenever it ends. */
  join(service?: string): Promise<Instance>;
  /** Publishes the catalogue's example of a type. Resolves with the event's id when it is durable. */
  publish(from: string, person: number, number: number, type?: string): Promise<string>;
  /** From now on events of the type are written with a newer version of its schema, which nobody has met yet. */
  evolve(type: string): Promise<void>;
  /** Committed records of a partition from its start. */
  records(topic: string, partition: number): Promise<FetchedRecord[]>;
  stop(): Promise<void>;
};

export type Instance = { name: string; url: string | null; signal(name: NodeJS.Signals): void };

const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
export const DISCHARGE = 'uk.causeway.nhs.patient-discharge.recorded.v1';
export const ORGANISATIONS = ['north-trust', 'middle-trust', 'south-trust'];
export const partitions = Array.from({ length: LANES }, (_, partition) => partition);

/** A stopped instance must stay a zombie until the test continues it. */
const NEVER_UNRESPONSIVE_MS = 600_000;

type Options = {
  /** Where real parts replace those of ours. */
  environment?: Environment;
  /** Started once each, besides those that join later. */
  services?: string[];
};

/** Everybody releases admissions and discharges to everybody else, under one agreement for each source. */
export const startExchanges = async ({
  environment = {},
  services = [],
}: Options = {}): Promise<Exchanges> => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-exchanges-'));
  writePartnership(home);
  const failures: Error[] = [];
  const system = await startSystem({
    home,
    environment,
    ports: freePorts(),
    simulators: false,
    agreementsDir: join(home, 'agreements'),
    organisationsDir: join(home, 'organisations'),
    services,
    say: () => {},
    onFailed: (error) => failures.push(error),
  });
  const { connections } = system.parts;
  const log = createLogger('test', 'fatal');
  const kafka = connectTo(connections, 'test', log);
  const codec = createCodec({ registryUrl: connections.SCHEMA_REGISTRY_URL }, log);
  const reader = kafka.reader();
  const producer = kafka.producer({ deliveryTimeoutMs: 60_000 });
  const catalogue = loadCatalogue();
  const values = new Map<string, Buffer>();
  for (const { type, schema, example } of catalogue)
    if (type === ADMISSION || type === DISCHARGE)
      values.set(type, await codec.encode(await codec.idOf(type, schema), example.data));
  let instances = 0;

  const records: Exchanges['records'] = async (topic, partition) => {
    const found = [];
    for await (const record of readToEnd(reader, { topic, partition }, 0)) found.push(record);
    return found;
  };

  return {
    system,
    kafka,
    producer,
    reader,
    codec,
    records,
    home,
    join: async (wanted = 'exchange') => {
      instances += 1;
      const name = `${wanted}-${instances}`;
      const running = await startAnother(system, wanted, {
        home,
        environment,
        name,
        unresponsiveMs: NEVER_UNRESPONSIVE_MS,
      });
      return {
        name,
        url: running.url,
        signal: (signal) => {
          const pid = running.pid();
          if (pid !== undefined) process.kill(pid, signal);
        },
      };
    },
    publish: async (from, person, number, type = ADMISSION) => {
      const event = eventOf(from, person, number, type);
      const record = {
        topic: `outbox.${from}`,
        key: event.subject,
        value: values.get(type) ?? Buffer.alloc(0),
        headers: encodeHeaders(event, 'outbox'),
      };
      // A source does not give up: what may have arrived already is recognised by its id.
      while (!(await producer.send([record]).catch(() => null))) await delay(200);
      return event.id;
    },
    evolve: async (wanted) => {
      const entry = catalogue.find(({ type }) => type === wanted);
      if (!entry) throw new Error(`there is no type ${wanted}`);
      const added = { name: 'addedLater', type: ['null', 'string'] as AvroType, default: null };
      const schema = { ...entry.schema, fields: [...entry.schema.fields, added] };
      const id = await codec.register(wanted, schema, 'FULL_TRANSITIVE');
      values.set(wanted, await codec.encode(id, entry.example.data));
    },
    stop: async () => {
      await kafka.close();
      await system.stop();
      rmSync(home, { recursive: true, force: true });
      if (failures[0]) throw failures[0];
    },
  };
};

const eventOf = (from: string, person: number, number: number, type: string): Envelope => {
  const subject = eventId(['test'], Buffer.from(`${from} ${person}`), 0);
  return {
    id: eventId(['test'], Buffer.from(`${from} ${type} ${number}`), 0),
    source: `/${from}/test`,
    type,
    time: '2026-10-05T14:20:00+01:00',
    subject,
    tokens: [subject],
    otherTokens: [],
    classification: 'OFFICIAL-SENSITIVE',
    handling: [],
    exclude: [],
    replay: false,
    agreement: [],
  };
};

const writePartnership = (home: string) => {
  for (const folder of ['organisations', 'agreements']) mkdirSync(join(home, folder));
  for (const id of ORGANISATIONS) {
    const organisation = { id, name: id, kind: 'other', handlingAccepted: [], dutyContacts: [] };
    writeFileSync(join(home, 'organisations', `${id}.yaml`), stringify(organisation));
    writeFileSync(
      join(home, 'agreements', `${id}.yaml`),
      stringify(agreementOf(id), { aliasDuplicateObjects: false }),
    );
  }
};

const agreementOf = (from: string) => {
  const to = ORGANISATIONS.filter((id) => id !== from);
  const party = {
    regime: 'uk-gdpr',
    article6: 'public-task',
    article9: 'health-or-social-care',
    approvedBy: 'nobody: a test',
    approvedAt: '2026-01-01',
  };
  return {
    id: `from-${from}`,
    version: 1,
    status: 'active',
    title: `Test from ${from}`,
    from,
    to,
    parties: Object.fromEntries(ORGANISATIONS.map((id) => [id, party])),
    purpose: 'hospital-discharge',
    gateways: ['care-act-2014-s6'],
    confidentiality: 'statute',
    dpia: { reference: 'none', approvedAt: '2026-01-01' },
    recipient: { retention: 'P1D', onward: 'barred' },
    disclosureToSubject: 'allowed',
    valid: { from: '2026-01-01', until: '2099-12-31', review: '2099-06-01', graceDays: 0 },
    marking: { ceiling: 'OFFICIAL-SENSITIVE', handling: [] },
    contacts: { dataProtection: 'dpo@trust.example', incident: '01632 960000' },
    audience: 'all',
    release: {
      [ADMISSION]: { fields: ['person.name', 'visitId'] },
      [DISCHARGE]: { fields: ['person.name'] },
    },
  };
};

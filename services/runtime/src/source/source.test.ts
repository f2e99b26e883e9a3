import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import type { AgreementRecord } from '@causeway/schemas/agreements/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { EventData, Person } from '@causeway/schemas/generated/types';
import { type Codec, createCodec } from '../avro/codec.ts';
import { topology } from '../bus/acls.ts';
import { decodeHeaders } from '../bus/envelope.ts';
import { createTokeniser } from '../bus/pseudonyms.ts';
import { AGREEMENTS_TOPIC, LANES, topicsOf } from '../bus/topics.ts';
import { RetryableError } from '../errors.ts';
import { connectKafka, type Kafka } from '../kafka/connect.ts';
import type { Producer } from '../kafka/producer.ts';
import { sendInTime } from '../kafka/producer.ts';
import { connectDatabase, type Database } from '../postgres/database.ts';
import { type Agreements, followAgreements } from '../reference-data/agreements.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createDedupStore } from './dedup-store.ts';
import type { Fact } from './fact.ts';
import type { SourceMessage } from './publish.ts';
import { createSource, type Source, type SourceOptions } from './source.ts';

const TYPES = [
  'uk.causeway.nhs.inpatient-admission.recorded.v1',
  'uk.causeway.nhs.inpatient-admission.voided.v1',
  'uk.causeway.nhs.patient-discharge.recorded.v1',
] as const;
const [ADMISSION, VOIDED, DISCHARGE] = TYPES;
const env = (name: string): string => process.env[`CAUSEWAY_TEST_${name}`] ?? '';

const organisation = `trust-${randomBytes(6).toString('hex')}`;
const topics = topicsOf(organisation);
const log = createLogger('test', 'silent');
const tokeniser = createTokeniser(Buffer.alloc(32, 7));

const person = (id: string): Person => ({
  name: { familyName: 'Exampleton', givenNames: ['Alda May'] },
  dateOfBirth: { value: '1941-02-17', precision: 'day' },
  sex: 'female',
  identifiers: { hospitalNumber: id },
});

type Stay = { id?: string; visit?: string; at?: string };

const common = ({ id = 'T1', visit = 'V1', at = '2026-03-05T10:15:00+00:00' }: Stay) => ({
  occurredAt: at,
  classification: 'OFFICIAL-SENSITIVE' as const,
  subject: id === '' ? [] : [{ scheme: 'rwx', id }],
  verified: { nhs: '9434765919' },
  person: person(id),
  remember: { visit, fact: 'inpatient-admission' },
});

const admission = (stay: Stay = {}): Fact => ({
  ...common(stay),
  type: ADMISSION,
  data: {
    person: person(stay.id ?? 'T1'),
    personCategory: 'adult',
    contact: { organisation: 'Trust' },
    visitId: stay.visit ?? 'V1',
    admittedAt: stay.at ?? '2026-03-05T10:15:00+00:00',
    admissionMethod: 'emergency',
    sourceOfAdmission: 'usual_residence',
    patientClass: 'inpatient',
  },
});

const withdrawal = (stay: Stay = {}, onlyIfKnown = false): Fact => {
  const { remember: _, ...attributes } = common(stay);
  const voids = { visit: stay.visit ?? 'V1', fact: 'inpatient-admission' };
  return {
    ...attributes,
    type: VOIDED,
    voids: { ...voids, onlyIfKnown },
    data: {
      person: person(stay.id ?? 'T1'),
      personCategory: 'adult',
      contact: { organisation: 'Trust' },
      voids,
      reason: 'cancelled',
      voidedAt: '2026-03-05T11:00:00+00:00',
      admissionMethod: 'emergency',
    },
  };
};

const message = (id: string, ...facts: Fact[]): SourceMessage => ({
  raw: Buffer.from(`raw ${id}`),
  contentType: 'text/plain',
  identity: ['test', id],
  content: Buffer.from(JSON.stringify(facts)),
  facts,
});

/** An agreement under which the organisation shares admissions, and nothing else. */
const agreementRecords = (status: 'draft' | 'active'): AgreementRecord[] => {
  const at = '2026-01-01T00:00:00Z';
  const named = { id: `${organisation}-${status}`, version: 1, by: 'test', at };
  const valid = { from: '2026-01-01', until: '2027-12-31' };
  const agreement = { from: organisation, to: ['somebody'], title: 'a test', valid } as unknown as Agreement;
  const types = status === 'active' ? [ADMISSION] : [DISCHARGE];
  const release = Object.fromEntries(
    types.map((type) => [type, { schemaId: 1, leaves: [], generalise: {} }]),
  );
  return [
    { kind: 'version', ...named, agreement, release, digest: 'x' },
    { kind: 'status', ...named, status, reason: 'test' },
  ];
};

it('gives up waiting for a broker that hangs before the sender gives up', async () => {
  const hanging = { send: () => new Promise<never>(() => undefined) };
  await assert.rejects(sendInTime(hanging, [], 5), { name: 'RetryableError', code: 'kafka-unavailable' });
});

describe('source on the real bus', { timeout: 60_000 }, () => {
  let kafka: Kafka;
  let producer: Producer;
  let codec: Codec;
  let database: Database;
  let agreements: Agreements;
  let source: Source;

  const sourceWith = async (over: Partial<SourceOptions> = {}): Promise<Source> => {
    const made = createSource({
      organisation,
      adapter: 'test-adapter',
      types: TYPES,
      producer,
      codec,
      database,
      agreements,
      tokeniser,
      log,
      metrics: createMetrics('test'),
      ...over,
    });
    while (
      !(await made.ready().then(
        () => true,
        () => false,
      ))
    )
      await new Promise(setImmediate);
    return made;
  };

  /** The outbox of the organisation, by partition in order. */
  const outbox = async () => {
    const reader = kafka.reader();
    const records = [];
    for (const { partition, start, end } of await reader.bounds(topics.outbox, [...Array(LANES).keys()])) {
      for (let offset = start; offset < end; ) {
        const [fetched] = await reader.fetch([{ topic: topics.outbox, partition, offset }], {
          maxWaitMs: 50,
        });
        records.push(...(fetched?.records ?? []));
        offset = fetched?.next ?? end;
      }
    }
    await reader.close();
    return records.map((record) => ({ ...record, event: decodeHeaders(record.headers) }));
  };

  const deadLetters = async () => {
    const reader = kafka.reader();
    const [fetched] = await reader.fetch([{ topic: topics.deadLetter, partition: 0, offset: 0 }], {
      maxWaitMs: 50,
    });
    await reader.close();
    return fetched?.records ?? [];
  };

  before(async () => {
    const options = {
      brokers: env('KAFKA_BROKERS').split(','),
      username: env('KAFKA_USERNAME'),
      password: env('KAFKA_PASSWORD'),
      clientId: organisation,
    };
    kafka = connectKafka(options, log);
    codec = createCodec({ registryUrl: env('SCHEMA_REGISTRY_URL') }, log);
    database = connectDatabase({ url: env('DATABASE_URL'), schema: organisation.replace('-', '_'), log });
    const admin = await kafka.admin();
    await admin.createTopics(topology([organisation], { replicationFactor: 1, minInSyncReplicas: 1 }).topics);
    await admin.close();
    for (const { type, schema } of loadCatalogue()) {
      if (TYPES.some((one) => one === type)) await codec.register(type, schema, 'FULL_TRANSITIVE');
    }
    producer = kafka.producer();
    const records = [...agreementRecords('active'), ...agreementRecords('draft')];
    await producer.send(
      records.map((record) => ({
        topic: AGREEMENTS_TOPIC,
        partition: 0,
        value: Buffer.from(JSON.stringify(record)),
      })),
    );
    agreements = followAgreements(kafka, log);
    source = await sourceWith();
  });

  after(async () => {
    await source?.close();
    await agreements?.close();
    await kafka?.close();
    await database?.close();
  });

  it('publishes a fact with its id, tokens and data, and nothing personal in key or headers', async () => {
    const fate = await source.accept(message('first', admission({ id: 'T-first', visit: 'V-first' })));
    assert.ok(fate.fate === 'published');
    const [record] = (await outbox()).filter(({ event }) => event.id === fate.ids[0]);
    assert.ok(record?.value);
    assert.equal(record.key?.toString(), tokeniser.local(organisation, 'rwx', 'T-first'));
    assert.equal(record.event.subject, record.key?.toString());
    assert.equal(record.event.source, `/${organisation}/test-adapter`);
    assert.deepEqual(record.event.tokens, [
      tokeniser.nhs('9434765919'),
      tokeniser.demographic({ familyName: 'EXAMPLETON', firstName: 'Alda', dateOfBirth: '1941-02-17' }),
    ]);
    const { data } = await codec.decode(record.value);
    assert.equal((data as EventData[typeof ADMISSION]).visitId, 'V-first');
    const visible = JSON.stringify([record.key?.toString(), Object.values(record.headers).map(String)]);
    assert.doesNotMatch(visible, /Exampleton|1941-02-17|9434765919|T-first|V-first/i);
  });

  it('knows a message that is sent again, also when both wait together', async () => {
    const once = message('again', admission({ visit: 'V-again' }));
    const [one, two] = await Promise.all([source.accept(once), source.accept(once)]);
    assert.deepEqual(
      [one.fate, two.fate, (await source.accept(once)).fate],
      ['published', 'duplicate', 'duplicate'],
    );
    assert.ok(one.fate === 'published');
    assert.equal((await outbox()).filter(({ event }) => event.id === one.ids[0]).length, 1);
  });

  it('takes the same control number with other content for a new message', async () => {
    const one = await source.accept(message('reused', admission({ visit: 'V-a' })));
    const two = await source.accept(message('reused', admission({ visit: 'V-b' })));
    assert.deepEqual([one.fate, two.fate], ['published', 'published']);
    assert.notDeepEqual(one, two);
  });

  it('joins a withdrawal to the event that it withdraws, also of the same group and after a restart', async () => {
    const [stated, withdrawn] = await Promise.all([
      source.accept(message('void-1', admission({ visit: 'V-void' }))),
      source.accept(message('void-2', withdrawal({ visit: 'V-void' }))),
    ]);
    const restarted = await sourceWith();
    const later = await restarted.accept(message('void-3', withdrawal({ visit: 'V-void' })));
    await restarted.close();
    assert.ok(stated.fate === 'published' && withdrawn.fate === 'published' && later.fate === 'published');
    const records = await outbox();
    for (const { ids } of [withdrawn, later]) {
      const record = records.find(({ event }) => event.id === ids[0]);
      assert.equal(record?.event.corrects, stated.ids[0]);
      const { data } = await codec.decode(record?.value ?? Buffer.alloc(0));
      assert.equal((data as EventData[typeof VOIDED]).corrects, stated.ids[0]);
    }
  });

  it('lets what one message has shown of a visit count for all that follow, also of the same group and after a restart', async () => {
    const about = (seen: boolean, at: string): Fact =>
      ({
        ...admission({ visit: 'V-trait', at }),
        traits: [{ visit: 'V-trait', name: 'maternity-stay', seen, data: { admissionMethod: 'maternity' } }],
      }) as Fact;
    const fates = await Promise.all([
      source.accept(message('trait-1', about(false, '2026-03-05T10:15:00+00:00'))),
      source.accept(message('trait-2', about(true, '2026-03-05T11:15:00+00:00'))),
      source.accept(message('trait-3', about(false, '2026-03-05T12:15:00+00:00'))),
    ]);
    const restarted = await sourceWith();
    fates.push(await restarted.accept(message('trait-4', about(false, '2026-03-05T13:15:00+00:00'))));
    await restarted.close();
    const records = await outbox();
    const methods: string[] = [];
    for (const fate of fates) {
      assert.ok(fate.fate === 'published');
      const record = records.find(({ event }) => event.id === fate.ids[0]);
      const { data } = await codec.decode(record?.value ?? Buffer.alloc(0));
      methods.push((data as EventData[typeof ADMISSION]).admissionMethod);
    }
    assert.deepEqual(methods, ['emergency', 'maternity', 'maternity', 'maternity']);
  });

  it('lets a withdrawal stand by visit and fact where the event is not known, unless told otherwise', async () => {
    const fate = await source.accept(message('unknown-1', withdrawal({ visit: 'V-unknown' })));
    assert.ok(fate.fate === 'published');
    const record = (await outbox()).find(({ event }) => event.id === fate.ids[0]);
    assert.equal(record?.event.corrects, undefined);
    const unsure = await source.accept(message('unknown-2', withdrawal({ visit: 'V-unknown-2' }, true)));
    assert.deepEqual(unsure, { fate: 'ignored', reason: 'nothing-to-void' });
  });

  it('does not publish what no agreement names, or only a draft', async () => {
    const { remember: _, ...attributes } = common({});
    const example = loadCatalogue().find(({ type }) => type === DISCHARGE)?.example.data;
    const data = example as EventData[typeof DISCHARGE];
    const before = (await outbox()).length;
    const fate = await source.accept(message('unshared', { ...attributes, type: DISCHARGE, data }));
    assert.deepEqual(fate, { fate: 'not-shared' });
    assert.equal((await outbox()).length, before);
  });

  it('keeps a message as a dead letter where the person has no identifier or the data does not fit', async () => {
    const nobody = await source.accept(message('nobody', admission({ id: '' })));
    assert.deepEqual(nobody, { fate: 'dead-lettered', reason: 'no-identifier' });
    const wrong = { ...admission(), data: { visitId: 7 } } as unknown as Fact;
    assert.deepEqual(await source.accept(message('wrong', wrong)), {
      fate: 'dead-lettered',
      reason: 'invalid-data',
    });
    const letters = await deadLetters();
    assert.deepEqual(
      letters.map(({ value, headers }) => [String(value), String(headers['dl-reason'])]),
      [
        ['raw nobody', 'no-identifier'],
        ['raw wrong', 'invalid-data'],
      ],
    );
  });

  it('keeps of a large dead letter the beginning, the length and the hash', async () => {
    const letter = {
      raw: Buffer.alloc(1_000_000, 'x'),
      reason: 'too-large',
      attempts: 1,
      contentType: 'text/plain',
    };
    await source.deadLetter(letter);
    const kept = (await deadLetters()).at(-1);
    assert.equal(kept?.value?.length, 400_000);
    assert.equal(String(kept?.headers['dl-length']), '1000000');
    assert.match(String(kept?.headers['dl-sha256']), /^[0-9a-f]{64}$/);
  });

  it('refuses everything that waits when a group fails, so that nothing overtakes what is sent again', async () => {
    let failing = true;
    const groups: number[] = [];
    const unreliable: Producer = {
      ...producer,
      send: async (records) => {
        groups.push(records.length);
        if (!failing) return producer.send(records);
        // More arrives while the first group is on its way.
        late.push(
          ...['order-2', 'order-3'].map((id) => broken.accept(message(id, admission({ visit: `V-${id}` })))),
        );
        throw new RetryableError('kafka-unavailable', 'away');
      },
    };
    const late: Promise<unknown>[] = [];
    const broken = await sourceWith({ producer: unreliable });
    const accept = (n: number) =>
      broken.accept(message(`order-${n}`, admission({ id: 'T-order', visit: `V-${n}` })));
    const first = await Promise.allSettled([accept(0), accept(1)]);
    const settled = [...first, ...(await Promise.allSettled(late))];
    assert.ok(settled.every(({ status }) => status === 'rejected'));
    assert.deepEqual(groups, [2]);

    failing = false;
    const fates = await Promise.all([0, 1, 2, 3].map(accept));
    await broken.close();
    const subject = tokeniser.local(organisation, 'rwx', 'T-order');
    const inOrder = (await outbox())
      .filter(({ event }) => event.subject === subject)
      .map(({ event }) => event.id);
    assert.deepEqual(
      inOrder,
      fates.flatMap((fate) => (fate.fate === 'published' ? fate.ids : [])),
    );
  });

  it('publishes a fact that depends on what is remembered only where that is so', async () => {
    const stated = (id: string, onlyIf: 'known' | 'not-known', over = false) =>
      source.accept(
        message(`state-${id}`, {
          ...admission({ visit: `V-state-${id}` }),
          remember: { visit: 'patient:1', fact: 'state', onlyIf, over },
        }),
      );
    const fates = [];
    for (const [id, onlyIf, over] of [
      ['1', 'known', true],
      ['2', 'not-known', false],
      ['3', 'not-known', false],
      ['4', 'known', true],
      ['5', 'not-known', false],
    ] as const)
      fates.push((await stated(id, onlyIf, over)).fate);
    assert.deepEqual(fates, ['ignored', 'published', 'ignored', 'published', 'published']);
  });

  it('does not publish as news what is older than something that it published of the same thing', async () => {
    const at = (id: string, order: string, visit = 'person:1') =>
      message(`order-of-${id}`, {
        ...admission({ visit: `V-order-of-${id}` }),
        remember: { visit, fact: 'whatever' },
        latest: { visit, fact: 'address', order },
      });
    const together = ['2', '1', '3'].map((order) => source.accept(at(`together-${order}`, order)));
    const fates = (await Promise.all(together)).map((fate) => ('reason' in fate ? fate.reason : fate.fate));
    assert.deepEqual(fates, ['published', 'older', 'published']);
    await source.remembered();
    const again = await sourceWith({});
    const later = async (one: SourceMessage) => (await again.accept(one)).fate;
    assert.equal(await later(at('before', '29')), 'ignored');
    assert.equal(await later(at('same', '3')), 'published');
    assert.equal(await later(at('together-3', '3')), 'duplicate');
    assert.equal(await later(at('elsewhere', '1', 'person:2')), 'published');
    await again.close();
  });

  it('skips a registration that is older than one that was sent, also where that opened nothing', async () => {
    const value = (state: string | undefined) => (state === undefined ? null : Buffer.from(state));
    const said = async (state: string | undefined, order: string) => {
      const record = { topic: topics.safeguards, partition: 0, key: 'k', value: value(state) };
      const registrations = [{ record, about: 'patient:order', name: 'shielded', state, order }];
      return (await source.accept({ ...message(`standing-order-${order}`), registrations })).fate;
    };
    const fates = [];
    for (const [state, order] of [
      [undefined, '5'],
      ['a', '4'],
      ['a', '6'],
      [undefined, '55'],
      ['a', '7'],
      [undefined, '65'],
      [undefined, '8'],
    ] as const)
      fates.push(await said(state, order));
    assert.deepEqual(fates, [
      ...['not-shared', 'not-shared', 'published', 'not-shared'],
      ...['not-shared', 'not-shared', 'published'],
    ]);
  });

  it('has a registration on the bus before the facts of its message, and again only when it says something new', async () => {
    const topic = topics.safeguards;
    const registrations = (state: string | undefined) => [
      {
        record: { topic, partition: 0, key: 'k', value: state === undefined ? null : Buffer.from(state) },
        about: 'patient:standing',
        name: 'shielded',
        state,
      },
    ];
    const order: string[] = [];
    const watched = await sourceWith({
      producer: {
        ...producer,
        send: async (records) => {
          order.push(...records.map((record) => record.topic));
          return producer.send(records);
        },
      },
    });
    const accept = async (id: string, state: string | undefined, ...facts: Fact[]) =>
      (await watched.accept({ ...message(`standing-${id}`, ...facts), registrations: registrations(state) }))
        .fate;
    const fates = [
      await accept('0', undefined),
      await accept('1', 'a', admission({ visit: 'V-standing' })),
      await accept('2', 'a'),
      await accept('3', 'b'),
      await accept('4', undefined),
      await accept('5', undefined),
    ];
    await watched.close();
    assert.deepEqual(fates, [
      'not-shared',
      'published',
      'not-shared',
      'published',
      'published',
      'not-shared',
    ]);
    assert.deepEqual(order, [topic, topics.outbox, topic, topic]);
  });

  it('goes on for moments while the database is away, then refuses, and knows afterwards what it published', async () => {
    let away = true;
    const unreliable: Database = {
      ...database,
      query: async (sql, params) => {
        if (away) throw new RetryableError('database-unavailable', 'away');
        return database.query(sql, params);
      },
    };
    const store = createDedupStore(unreliable, log);
    await assert.rejects(store.lookup(['unknown-id'], []), { code: 'database-unavailable' });
    away = false;
    const lookup = await store.lookup(['kept-id'], []);
    lookup.addEvent('kept-id');
    away = true;
    store.record(lookup);
    away = false;
    await store.close();
    const again = createDedupStore(unreliable, log);
    assert.equal((await again.lookup(['kept-id'], [])).hasEvent('kept-id'), true);
    assert.equal((await again.lookup(['other-id'], [])).hasEvent('other-id'), false);
    await again.close();
  });

  it('refuses while the database is away and publishes nothing', async () => {
    const closed = connectDatabase({ url: 'postgresql://127.0.0.1:1/none', schema: 'none', log });
    const dark = createSource({
      organisation,
      adapter: 'test-adapter',
      types: TYPES,
      producer,
      codec,
      database: closed,
      agreements,
      tokeniser,
      log,
      metrics: createMetrics('test'),
    });
    const before = (await outbox()).length;
    await assert.rejects(dark.ready(), { name: 'RetryableError' });
    await assert.rejects(dark.accept(message('dark', admission({ visit: 'V-dark' }))), {
      name: 'RetryableError',
    });
    assert.equal((await outbox()).length, before);
    await dark.close();
    await closed.close();
  });
});

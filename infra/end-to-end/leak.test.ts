import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Codec, createCodec } from '@causeway/runtime/avro/codec';
import type { Envelope } from '@causeway/runtime/bus/envelope';
import { createInterests } from '@causeway/runtime/reference-data/interests';
import { noPeopleKnown, type People } from '@causeway/runtime/reference-data/people';
import { createSafeguards } from '@causeway/runtime/reference-data/safeguards';
import { createLogger } from '@causeway/runtime/telemetry/log';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import type { AgreementsState } from '@causeway/schemas/agreements/log';
import { type AvroSchema, leavesOf } from '@causeway/schemas/avro/schema';
import { type EventType, loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { avroName, isFeedback, isIdentityLinked } from '@causeway/schemas/catalogue/event-type';
import { arbitrarySchema } from '@causeway/schemas/testing/arbitrary-schema';
import fc from 'fast-check';
import { createViews } from '../../services/exchange/src/views.ts';
import { grantedBy, RECIPIENTS, randomAgreement, SOURCE, stateOf } from './support/leak/agreements.ts';
import {
  evolved,
  type Marker,
  markedValue,
  type Random,
  randomFrom,
  withMarkedSymbols,
  withPlaces,
} from './support/leak/marked.ts';
import { startMemoryRegistry } from './support/leak/memory-registry.ts';
import { decideOne, handedOver, stored, type World } from './support/leak/way.ts';

/**
 * Whatever the schema, the agreements and the values: nothing of a leaf or header that is not released is in any byte
 * of an inbox record, of the gateway's answer, of the ledger entry or of a log. Judged by the agreements' own text.
 */
const WORLDS = 64;
const EVENTS = 160;
const TYPE = 'uk.causeway.random.random-event.v1';

let registry: Awaited<ReturnType<typeof startMemoryRegistry>>;
before(async () => {
  registry = await startMemoryRegistry();
});
after(() => registry?.close());

/** Each world has its own: a codec keeps every type that it has compiled. */
const newCodec = (): Codec => createCodec({ registryUrl: registry.url }, createLogger('test', 'fatal'));

const typeOf = (type: string, schema: AvroSchema): EventType =>
  ({ type, schema, siblingOf: schema.siblingOf ?? [] }) as unknown as EventType;

let headers = 0;
const word = (kind: string) =>
  `${kind}${(headers++).toString(36).padStart(6, '0')}`.padEnd(22, 'Q').slice(0, 22);

/** An event with a value in every header, and which of those texts belong to whom. */
const markedEvent = (random: Random, type: string) => {
  const answered = RECIPIENTS[Math.floor(random() * RECIPIENTS.length)] ?? '';
  const excluded = random() < 0.2 ? (RECIPIENTS[0] ?? '') : '';
  const stranger = `org-${word('x').toLowerCase()}`;
  const event: Envelope = {
    id: word('Id'),
    source: `/${SOURCE}/test`,
    type,
    time: '2026-05-01T09:00:00Z',
    subject: word('Su'),
    tokens: [word('To'), word('To')],
    otherTokens: [word('Ot')],
    sequence: word('Se'),
    classification: random() < 0.5 ? 'OFFICIAL' : 'OFFICIAL-SENSITIVE',
    handling: [],
    exclude: [stranger, ...(excluded ? [excluded] : [])],
    correlationId: word('Ca'),
    inResponseTo: `/${answered}/${word('An')}`,
    replay: random() < 0.2,
    agreement: [],
  };
  const note = word('Xn');
  const never = [...event.tokens, ...event.otherTokens, event.sequence ?? '', stranger, note];
  return {
    event,
    answered,
    excluded,
    never,
    extra: { 'x-note': note, ce_match: 'verified', ce_agreement: 'forged/1' },
  };
};

type Case = {
  world: World;
  eventType: EventType;
  /** What the value is written with: the version of the agreements, or a later one. */
  writer: { id: number; schema: AvroSchema };
  agreements: Agreement[];
  state: AgreementsState;
  /** What has come into force besides when the event is handed over. */
  later: Agreement[];
  laterState: AgreementsState;
  shielded: boolean;
  random: Random;
};

const tally = { events: 0, records: 0, answers: 0, found: 0 };

const places = (schema: AvroSchema) =>
  new Set(leavesOf(schema).flatMap(({ path, field }) => (field.sensitivity === 'location' ? [path] : [])));

/** The texts that may be found, by the text of these agreements, and those that must not. */
const split = (
  markers: readonly Marker[],
  agreements: readonly Agreement[],
  { eventType, shielded }: Case,
) => {
  const granted = new Set(agreements.flatMap((agreement) => [...grantedBy(agreement, eventType)]));
  if (shielded) for (const place of places(eventType.schema)) granted.delete(place);
  const may = new Set(markers.filter(({ path }) => granted.has(path)).flatMap(({ texts }) => texts));
  const mustNot = markers.flatMap(({ texts }) => texts).filter((text) => !may.has(text));
  return { may, mustNot };
};

const releasesChain = (agreements: readonly Agreement[], type: string) =>
  agreements.some(({ release }) => release[type]?.fields.includes('correlationId'));

const assertNone = (text: string, forbidden: readonly string[], where: string) => {
  for (const one of forbidden) if (text.includes(one)) assert.fail(`${where} holds ${JSON.stringify(one)}`);
};

const checkOne = async (one: Case): Promise<void> => {
  const { world, eventType, agreements, random } = one;
  const { type } = eventType;
  const { data, markers } = markedValue(one.writer.schema, random);
  const { event, answered, excluded, never, extra } = markedEvent(random, type);
  const value = await world.codec.encode(one.writer.id, data);
  const verdict = await decideOne(world, one.state, event, value, extra);
  tally.events += 1;
  if (verdict.kind === 'dead-letter' && verdict.reason === 'cannot-project') return;
  assert.equal(verdict.kind, 'decided');
  if (verdict.kind !== 'decided') return;
  const every = markers.flatMap(({ texts }) => texts);
  assertNone(JSON.stringify(verdict.decisions), [...every, ...never], 'the ledger');
  const released = verdict.decisions.filter(({ outcome }) => outcome === 'released');
  assert.equal(verdict.releases.length, released.length);
  for (const [index, { recipient, agreements: named }] of released.entries()) {
    assert.notEqual(recipient, excluded);
    const passing = agreements.filter(({ id, version }) => named.includes(`${id}/${version}`));
    const { may, mustNot } = split(markers, passing, one);
    const chain = releasesChain(passing, type) ? [] : [event.correlationId ?? ''];
    const answer = answered === recipient ? [] : [event.inResponseTo ?? ''];
    const release = verdict.releases[index];
    assert.ok(release && release.topic === `inbox.${recipient}`);
    const { bytes, record } = await stored(release);
    tally.records += 1;
    assertNone(bytes, [...mustNot, ...never, ...chain, ...answer, 'forged'], 'the inbox record');
    for (const text of may) if (bytes.includes(text)) tally.found += 1;
    await checkHandOver(one, record, recipient, { markers, never: [...never, ...chain, ...answer] });
  }
};

const checkHandOver = async (
  one: Case,
  record: Awaited<ReturnType<typeof stored>>['record'],
  recipient: string,
  { markers, never }: { markers: Marker[]; never: string[] },
) => {
  const { json, log } = await handedOver(one.world, one.laterState, record, recipient);
  assert.equal(log, '', 'nothing is wrong with it');
  if (json === null) return;
  tally.answers += 1;
  const now = String(JSON.parse(json).agreement).split(' ');
  const inForce = [...one.agreements, ...one.later].filter(({ id, version }) =>
    now.includes(`${id}/${version}`),
  );
  const { may, mustNot } = split(markers, inForce, one);
  const carried = record.headers.ce_correlationid?.toString();
  const chain = carried === undefined || releasesChain(inForce, one.eventType.type) ? [] : [carried];
  assertNone(json, [...mustNot, ...never, ...chain], 'the answer of the gateway');
  for (const text of may) if (json.includes(text)) tally.found += 1;
};

/** Shields whoever has this token. */
const shielding = (tokens: string[]): People => {
  const safeguards = createSafeguards();
  const value = {
    writer: 'test',
    reference: 'one',
    kind: 'shielded',
    tokens,
    since: '2026-01-01',
    review: '2026-01-01',
  };
  const record = {
    offset: 0,
    timestamp: 0,
    headers: {},
    key: Buffer.from('k'),
    value: Buffer.from(JSON.stringify(value)),
  };
  safeguards.apply('anybody', record);
  return { ...noPeopleKnown(), interests: createInterests(), safeguards };
};

/** Everybody is shielded or nobody is. */
const peopleOf = (shielded: boolean): People => {
  if (!shielded) return noPeopleKnown();
  const people = shielding(['S'.repeat(22)]);
  const protecting: People['safeguards']['protecting'] = () => [{ kind: 'shielded', match: 'verified' }];
  return { ...people, safeguards: { ...people.safeguards, protecting } };
};

const caseOf = async (
  eventType: EventType,
  writers: readonly AvroSchema[],
  random: Random,
): Promise<() => Case> => {
  const codec = newCodec();
  const [schemaId = 0, ...more] = await Promise.all(
    writers.map((schema) => codec.register(eventType.type, schema, 'NONE')),
  );
  const views = createViews(codec);
  const count = 1 + Math.floor(random() * 3);
  const made = (version: number) =>
    Array.from({ length: count }, (_, index) =>
      randomAgreement(random, `agreement-${index}`, version, eventType),
    );
  const [agreements, newer] = [made(1), made(2)];
  const state = stateOf(agreements, eventType, schemaId);
  const afterwards = [0, 0.5, 1].map((share) => {
    const later = newer.filter(() => random() < share);
    return { later, laterState: stateOf([...agreements, ...later], eventType, schemaId) };
  });
  return () => {
    const shielded = random() < 0.3;
    const use = Math.floor(random() * writers.length);
    const id = [schemaId, ...more][use] ?? 0;
    const schema = writers[use] ?? eventType.schema;
    const then = afterwards[Math.floor(random() * afterwards.length)] ?? { later: [], laterState: state };
    const world = { codec, views, people: peopleOf(shielded) };
    return { world, eventType, writer: { id, schema }, agreements, state, ...then, shielded, random };
  };
};

test('nothing that is not released leaves: random schemas and later versions of them, agreements and values', async () => {
  await fc.assert(
    fc.asyncProperty(arbitrarySchema, fc.integer(), async (given, seed) => {
      const random = randomFrom(seed);
      const schema = withPlaces(withMarkedSymbols(given));
      const next = await caseOf(typeOf(TYPE, schema), [schema, evolved(schema)], random);
      for (let event = 0; event < EVENTS; event += 1) await checkOne(next());
    }),
    { numRuns: WORLDS },
  );
  assert.ok(tally.events >= WORLDS * EVENTS);
  for (const [what, count] of Object.entries(tally)) assert.ok(count > 5_000, `${what}: ${count}`);
});

test('nothing that is not released leaves: every event type of the catalogue', async () => {
  for (const { type, schema } of loadCatalogue()) {
    if (isFeedback(type) || isIdentityLinked(type)) continue;
    const eventType = typeOf(type, withMarkedSymbols(schema));
    const writers = [eventType.schema, evolved(eventType.schema)];
    for (let seed = 0; seed < 1; seed += 1) {
      const next = await caseOf(eventType, writers, randomFrom(seed));
      for (let event = 0; event < 8; event += 1) await checkOne(next());
    }
  }
});

test('feedback leaves for the organisation that it answers, and a link between identities for nobody', async () => {
  for (const { type, schema } of loadCatalogue()) {
    if (!isFeedback(type) && !isIdentityLinked(type)) continue;
    assert.ok(avroName(type));
    const random = randomFrom(1);
    const codec = newCodec();
    const id = await codec.register(type, schema, 'NONE');
    const { event, answered, extra } = markedEvent(random, type);
    const value = await codec.encode(id, markedValue(schema, random).data);
    const world = { codec, views: createViews(codec), people: noPeopleKnown() };
    const open = { ...event, exclude: [] };
    const verdict = await decideOne(world, stateOf([], typeOf(TYPE, schema), id), open, value, extra);
    assert.equal(verdict.kind, 'decided');
    if (verdict.kind !== 'decided') continue;
    const inboxes = verdict.releases.map(({ topic }) => topic).filter((topic) => topic.startsWith('inbox.'));
    assert.deepEqual(inboxes, isFeedback(type) ? [`inbox.${answered}`] : [], type);
  }
});

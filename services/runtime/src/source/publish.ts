import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { EventData } from '@causeway/schemas/generated/types';
import type { Codec } from '../avro/codec.ts';
import { deadLetterRecord } from '../bus/dead-letter.ts';
import { eventId } from '../bus/envelope.ts';
import type { Tokeniser } from '../bus/pseudonyms.ts';
import { topicsOf } from '../bus/topics.ts';
import { isPermanent } from '../errors.ts';
import type { KafkaRecord } from '../kafka/broker-client.ts';
import { type Producer, sendInTime } from '../kafka/producer.ts';
import type { Database } from '../postgres/database.ts';
import type { Agreements } from '../reference-data/agreements.ts';
import type { Logger } from '../telemetry/log.ts';
import { type AskedFact, createSourceMemory, type Memory, type Remembered } from './dedup-store.ts';
import { type Fact, factRecord, type Publishable, type Recording } from './fact.ts';

export type SourceMessage = {
  /** The message as it came: kept as a dead letter where it cannot be published. */
  raw: Buffer;
  contentType: string;
  /** How the source system itself names this message. */
  identity: readonly string[];
  /** What the message says: the same for a message that is sent again. */
  content: Buffer;
  facts: readonly Fact[];
  /** Interests and safeguards that the message opens or closes, whether or not an agreement names its facts. */
  standing?: readonly Standing[];
  /** The trace that the sender's request belongs to, W3C Trace Context, where its protocol carries one. */
  traceparent?: string | undefined;
};

/**
 * The record of an interest or a safeguard. It is on the bus before the facts of its message, and is sent only where it says something
 * new: `state` is compared with what was said last about this thing under this name.
 */
export type Standing = {
  record: KafkaRecord;
  /** What goes with it. */
  also?: readonly KafkaRecord[];
  /** In the source's own words: whose it is, and which record of theirs. */
  about: string;
  name: string;
  /** What decides whether it is new; undefined closes what was opened, and does nothing where nothing was. */
  state: string | undefined;
  /** As in a fact's `latest`: what the source said before something that it said already is passed over. */
  order?: string;
};

/** Why a message with well-formed facts added nothing. `older`: something newer of the same was published before. */
type NotMeant = 'nothing-to-void' | 'nothing-new' | 'older';

/** What became of a message; `published` where at least one fact of it was, or, without an id, a standing record only. */
export type Fate =
  | { fate: 'published'; ids: string[] }
  | { fate: 'duplicate' | 'not-shared' }
  | { fate: 'ignored'; reason: NotMeant }
  | { fate: 'dead-lettered'; reason: string };

export type CommitOptions = {
  organisation: string;
  /** The adapter's name: the second part of the events' source. */
  adapter: string;
  /** The event types that the adapter can publish; their schemas are looked up at the start. */
  types: readonly (keyof EventData)[];
  producer: Producer;
  codec: Codec;
  /** The source brings its tables up to date before it accepts anything. */
  database: Database;
  agreements: Agreements;
  tokeniser: Tokeniser;
  log: Logger;
};

/** What is to be written for a message, and what has become of it once that is durable. */
export type Decided = { fate: Fate; records: KafkaRecord[]; standing: KafkaRecord[] };
/** The first messages of those given, decided; with what has to be remembered of them once they are published. */
export type DecidedGroup = { decided: Decided[]; known: Remembered };

export type Commit = {
  /**
   * Decides messages in their order, as many of the first ones as can be decided together; one at least. A group that was decided must be
   * published, or dropped with every later one, before or while the next is decided.
   * @throws RetryableError when what is remembered cannot be looked up now
   */
  decide(messages: readonly SourceMessage[]): Promise<DecidedGroup>;
  /** Makes decided groups durable, in their order. @throws RetryableError when they cannot be kept now */
  publish(groups: readonly DecidedGroup[]): Promise<void>;
  /** Forgets groups that are not going to be published. */
  drop(groups: readonly DecidedGroup[]): void;
  /** Resolves once what was published is also written into the memory. */
  remembered(): Promise<void>;
  forget(): Promise<void>;
  close(): Promise<void>;
};

type Types = ReadonlyMap<string, Publishable>;
type Deciding = Recording & { adapter: string; types: Types };
/** A fact with its id, and the token of the visit that it speaks of. */
type Identified = { fact: Fact; id: string; visit: string | undefined; former?: string | undefined };

/**
 * Everything that `accept` needs: tables, schema ids, agreements.
 * @throws RetryableError, or PermanentError `unknown-schema` before the deployment step of this version has run
 */
export const prepareCommit = async (options: CommitOptions): Promise<Commit> => {
  const { organisation, adapter, codec, tokeniser, agreements, producer } = options;
  await options.database.migrate(new URL('./migrations', import.meta.url));
  const types = await publishableTypes(codec, options.types);
  await agreements.caughtUp;
  const memory = createSourceMemory(options.database, options.log);
  const isShared = sharedBy(agreements, organisation, types);
  const deciding: Deciding = {
    organisation,
    adapter,
    source: `/${organisation}/${adapter}`,
    codec,
    tokeniser,
    types,
  };

  return {
    async decide(messages) {
      const identified = messages.map((message) =>
        identifiedFacts(deciding, message).filter(({ fact }) => isShared(fact)),
      );
      const group = identified.slice(0, decidableTogether(identified));
      const standing = messages.slice(0, group.length).map((message) => standingOf(deciding, message));
      const known = await recall(memory, group.flat(), standing.flat());
      const decided: Decided[] = [];
      for (const [index, facts] of group.entries()) {
        const news = newStanding(standing[index] ?? [], known);
        decided.push(await decide(deciding, messages[index] as SourceMessage, facts, known, news));
      }
      return { decided, known };
    },
    async publish(groups) {
      const decided = groups.flatMap((group) => group.decided);
      const first = decided.flatMap((one) => one.standing);
      const records = decided.flatMap((one) => one.records);
      if (first.length > 0) await sendInTime(producer, first);
      if (records.length > 0) await sendInTime(producer, records);
      for (const { known } of groups) memory.keep(known);
    },
    drop: (groups) => {
      for (const { known } of groups) memory.drop(known);
    },
    remembered: () => memory.settled(),
    forget: () => memory.forget(),
    close: () => memory.close(),
  };
};

/** What the bytes of a fact depend on in the memory: the fact that it withdraws, and the traits of its visit. */
const dependsOn = ({ fact, visit, former }: Identified): AskedFact[] =>
  visit === undefined
    ? []
    : [
        ...(fact.voids ? [{ visit, former, fact: fact.voids.fact, written: true }] : []),
        ...(fact.traits ?? [])
          .filter(({ seen }) => !seen)
          .map(({ name }) => ({ visit, former, fact: name, written: true, seldom: true as const })),
      ];

/** What a fact adds to the memory that others depend on. */
const statedBy = ({ fact }: Identified): string[] => [
  ...(fact.remember ? [fact.remember.fact] : []),
  ...(fact.traits ?? []).filter(({ seen }) => seen).map(({ name }) => name),
];

/**
 * What a fact depends on must be written down before it is published: one that is sent again after a crash
 * would otherwise have the same id and other bytes. So it is not decided together with what it depends on.
 */
const decidableTogether = (messages: readonly (readonly Identified[])[]): number => {
  const stated = new Set<string>();
  for (const [index, facts] of messages.entries()) {
    if (facts.flatMap(dependsOn).some(({ visit, fact }) => stated.has(`${visit} ${fact}`))) return index;
    for (const one of facts) for (const fact of statedBy(one)) stated.add(`${one.visit} ${fact}`);
  }
  return messages.length;
};

const publishableTypes = async (codec: Codec, wanted: CommitOptions['types']): Promise<Types> => {
  const types = new Map<string, Publishable>();
  for (const { type, schema, siblingOf, defaultPriority, actBy } of loadCatalogue()) {
    if (!wanted.some((one) => one === type)) continue;
    const schemaId = await codec.idOf(type, schema);
    await codec.schemaOf(schemaId);
    types.set(type, { schemaId, siblingOf, defaultPriority, ...(actBy && { actBy }) });
  }
  return types;
};

/** Read by the exchange and the console, which need no agreement for it. */
const NEVER_RELEASED: ReadonlySet<string> = new Set(['uk.causeway.nhs.identity.linked.v1']);

/** Whether an agreement names the type that is neither a draft nor ended; what withdraws such a fact goes with it. */
const sharedBy = (agreements: Agreements, organisation: string, types: Types): ((fact: Fact) => boolean) => {
  let of: ReturnType<Agreements['state']> | undefined;
  let shared = new Set<string>();
  const sharedTypes = (): Set<string> => {
    const named = new Set(NEVER_RELEASED);
    for (const { record, status } of agreements.state().versions.values()) {
      if (record.agreement.from !== organisation || status === 'draft' || status === 'ended') continue;
      for (const type of Object.keys(record.release)) named.add(type);
    }
    const wanted = [...types].filter(([type, { siblingOf }]) =>
      [type, ...siblingOf].some((one) => named.has(one)),
    );
    return new Set(wanted.map(([type]) => type));
  };
  return ({ type }) => {
    // The state is a new object after each change.
    if (of !== agreements.state()) {
      of = agreements.state();
      shared = sharedTypes();
    }
    return shared.has(type);
  };
};

const identifiedFacts = (
  { organisation, tokeniser }: Deciding,
  { identity, content, facts }: SourceMessage,
): Identified[] =>
  facts.map((fact, index) => {
    const visit = (fact.remember ?? fact.latest ?? fact.voids ?? fact.traits?.[0])?.visit;
    return {
      fact,
      id: eventId(identity, content, index),
      visit: visit === undefined ? undefined : tokeniser.local(organisation, 'visit', visit),
      former: visit === undefined ? undefined : tokeniser.former?.local(organisation, 'visit', visit),
    };
  });

type Announced = {
  records: KafkaRecord[];
  visit: string;
  former: string | undefined;
  fact: string;
  id: string;
  order: string | undefined;
};

/** Where the order of what was said last is remembered. */
const orderOf = (fact: string): string => `${fact}-order`;

/** The state is kept as a hash: it may be made of tokens. */
const standingOf = ({ organisation, tokeniser }: Deciding, { standing = [] }: SourceMessage): Announced[] =>
  standing.map(({ record, also = [], about, name, state, order }) => ({
    records: [record, ...also],
    order,
    visit: tokeniser.local(organisation, 'standing', about),
    former: tokeniser.former?.local(organisation, 'standing', about),
    fact: name,
    id: state === undefined ? '' : eventId([name], Buffer.from(state), 0),
  }));

const newStanding = (standing: readonly Announced[], known: Remembered): KafkaRecord[] =>
  standing.flatMap(({ records, visit, fact, id, order }) => {
    if (order !== undefined) {
      if ((known.lastEvent(visit, orderOf(fact)) ?? '') > order) return [];
      known.addFact({ visit, fact: orderOf(fact), id: order });
    }
    if ((known.lastEvent(visit, fact) ?? '') === id) return [];
    known.addFact({ visit, fact, id });
    return records;
  });

const recall = (
  memory: Memory,
  facts: readonly Identified[],
  standing: readonly Announced[],
): Promise<Remembered> =>
  memory.recall(
    facts.map(({ id }) => id),
    [
      ...standing.map(({ visit, former, fact }) => ({ visit, former, fact, written: false })),
      ...standing.flatMap(({ visit, former, fact, order }) =>
        order === undefined ? [] : [{ visit, former, fact: orderOf(fact), written: false }],
      ),
      ...facts.flatMap(({ fact: { latest }, visit, former }) =>
        visit && latest ? [{ visit, former, fact: latest.fact, written: false }] : [],
      ),
      ...facts.flatMap(dependsOn),
      ...facts.flatMap(({ fact: { remember }, visit, former }) =>
        visit && remember?.onlyIf ? [{ visit, former, fact: remember.fact, written: false }] : [],
      ),
    ],
  );

/** Decides one message against what is known from before and from earlier in its group, and adds to that. */
const decide = async (
  deciding: Deciding,
  message: SourceMessage,
  shared: readonly Identified[],
  known: Remembered,
  standing: KafkaRecord[],
): Promise<Decided> => {
  const without = (fate: Fate): Decided => ({
    fate: standing.length > 0 ? { fate: 'published', ids: [] } : fate,
    records: [],
    standing,
  });
  if (shared.length === 0) return without({ fate: 'not-shared' });
  const fresh = shared.filter(({ id }) => !known.hasEvent(id));
  if (fresh.length === 0) return without({ fate: 'duplicate' });
  const meant = fresh.filter((one) => isMeant(one, known));
  if (meant.length === 0) return without({ fate: 'ignored', reason: reasonNotMeant(fresh, known) });
  try {
    const records = await recordsOf(deciding, meant, known, message.traceparent);
    for (const { fact, id, visit } of meant) {
      known.addEvent(id);
      for (const { name, seen } of fact.traits ?? [])
        if (visit && seen && known.lastEvent(visit, name) === undefined)
          known.addFact({ visit, fact: name, id });
      if (visit && fact.remember)
        known.addFact({ visit, fact: fact.remember.fact, id: fact.remember.over ? '' : id });
      if (visit && fact.latest) known.addFact({ visit, fact: fact.latest.fact, id: fact.latest.order });
    }
    return { fate: { fate: 'published', ids: meant.map(({ id }) => id) }, records, standing };
  } catch (error) {
    if (!isPermanent(error)) throw error;
    const { raw, contentType } = message;
    const letter = { raw, contentType, reason: error.code, attempts: 1 };
    const { deadLetter } = topicsOf(deciding.organisation);
    const record = deadLetterRecord(deadLetter, deciding.adapter, deciding.source, letter);
    return { fate: { fate: 'dead-lettered', reason: error.code }, records: [record], standing };
  }
};

/** Whether the memory has, or has not, what the fact depends on. */
const isMeant = (one: Identified, known: Remembered): boolean => {
  const { voids, remember } = one.fact;
  if (voids?.onlyIfKnown && correctedBy(one, known) === undefined) return false;
  if (isOlder(one, known)) return false;
  if (!one.visit || !remember?.onlyIf) return true;
  return (known.lastEvent(one.visit, remember.fact) === undefined) === (remember.onlyIf === 'not-known');
};

/** Whether something newer of the same thing was published. */
const isOlder = ({ fact: { latest }, visit }: Identified, known: Remembered): boolean =>
  visit !== undefined && latest !== undefined && (known.lastEvent(visit, latest.fact) ?? '') > latest.order;

const reasonNotMeant = (facts: readonly Identified[], known: Remembered): NotMeant => {
  if (facts.some((one) => isOlder(one, known))) return 'older';
  return facts.some(({ fact }) => fact.voids) ? 'nothing-to-void' : 'nothing-new';
};

/** The fact with what is known of its visit in place of what its message alone says. */
const withTraits = ({ fact, visit }: Identified, known: Remembered): Fact => {
  const lasting = (fact.traits ?? []).filter(
    ({ name, seen }) => seen || (visit !== undefined && known.lastEvent(visit, name) !== undefined),
  );
  if (lasting.length === 0) return fact;
  const replaced = lasting
    .flatMap(({ data }) => Object.entries(data))
    .filter(([field]) => Object.hasOwn(fact.data, field));
  return { ...fact, data: { ...fact.data, ...Object.fromEntries(replaced) } } as Fact;
};

const correctedBy = ({ fact, visit }: Identified, known: Remembered): string | undefined =>
  fact.voids?.event ?? (visit && fact.voids ? known.lastEvent(visit, fact.voids.fact) : undefined);

const recordsOf = async (
  deciding: Deciding,
  facts: readonly Identified[],
  known: Remembered,
  traceparent: string | undefined,
): Promise<KafkaRecord[]> => {
  const records: KafkaRecord[] = [];
  for (const one of facts) {
    const publishable = deciding.types.get(one.fact.type);
    if (publishable === undefined) continue;
    const fact = withTraits(one, known);
    const record = await factRecord(deciding, fact, one.id, publishable, {
      corrects: correctedBy(one, known),
    });
    records.push(
      traceparent === undefined ? record : { ...record, headers: { ...record.headers, traceparent } },
    );
  }
  return records;
};

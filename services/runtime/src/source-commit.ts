import { loadCatalogue } from '@causeway/schemas/catalogue';
import type { EventData } from '@causeway/schemas/generated/types';
import type { Agreements } from './agreements.ts';
import type { Codec } from './avro.ts';
import type { Database } from './database.ts';
import { deadLetterRecord } from './dead-letter.ts';
import { isPermanent, RetryableError } from './errors.ts';
import { eventId } from './event.ts';
import { type Fact, factRecord, type Publishable, type Recording } from './fact.ts';
import type { KafkaRecord } from './kafka-session.ts';
import type { Producer } from './producer.ts';
import { createSourceMemory, type Memory, type Remembered } from './source-memory.ts';
import type { Tokeniser } from './tokens.ts';
import { topicsOf } from './topology.ts';

export type SourceMessage = {
  /** The message as it came: kept as a dead letter where it cannot be published. */
  raw: Buffer;
  contentType: string;
  /** How the source system itself names this message. */
  identity: readonly string[];
  /** What the message says: the same for a message that is sent again. */
  content: Buffer;
  facts: readonly Fact[];
};

/** What became of a message; `published` where at least one fact of it was. */
export type Fate =
  | { fate: 'published'; ids: string[] }
  | { fate: 'duplicate' | 'not-shared' }
  | { fate: 'ignored'; reason: 'nothing-to-void' }
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
};

/** A sender gives up after 10 to 30 seconds without an answer; a refusal must come before that. */
const SEND_MS = 8_000;

/**
 * Sends, and gives up waiting in time for the sender to be told. The records may arrive all the same: what is sent
 * again has the same ids and bytes behind them in the same producer, and the exchange knows it for a repeat.
 * @throws RetryableError
 */
export const sendInTime = async (
  producer: Pick<Producer, 'send'>,
  records: readonly KafkaRecord[],
  ms = SEND_MS,
): Promise<void> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new RetryableError('kafka-unavailable', `Kafka did not answer within ${ms / 1_000} s`));
  }, ms);
  try {
    await Promise.race([producer.send(records), late.promise]);
  } finally {
    clearTimeout(timer);
  }
};

/** Commits a group of messages as one, in their order. @throws RetryableError when it cannot be kept now */
export type Commit = (group: readonly SourceMessage[]) => Promise<Fate[]>;

type Types = ReadonlyMap<string, Publishable>;
type Deciding = Recording & { adapter: string; types: Types };
/** A fact with its id, and the token of the visit that it speaks of. */
type Identified = { fact: Fact; id: string; visit: string | undefined };
type Decided = { fate: Fate; records: KafkaRecord[] };

/**
 * Everything that `accept` needs: tables, schema ids, agreements.
 * @throws RetryableError, or PermanentError `unknown-schema` before the deployment step of this version has run
 */
export const prepareCommit = async (options: CommitOptions): Promise<Commit> => {
  const { organisation, adapter, codec, tokeniser, agreements, producer } = options;
  await options.database.migrate(new URL('../migrations', import.meta.url));
  const memory = createSourceMemory(options.database);
  const types = await publishableTypes(codec, options.types);
  await agreements.caughtUp;
  const deciding: Deciding = {
    organisation,
    adapter,
    source: `/${organisation}/${adapter}`,
    codec,
    tokeniser,
    types,
  };

  return async (group) => {
    const identified = group.map((message) =>
      identifiedFacts(deciding, message).filter(({ fact }) => isShared(agreements, deciding, fact)),
    );
    const known = await recall(memory, identified.flat());
    const decided: Decided[] = [];
    for (const [index, message] of group.entries()) {
      decided.push(await decide(deciding, message, identified[index] ?? [], known));
    }
    const records = decided.flatMap((one) => one.records);
    if (records.length > 0) await sendInTime(producer, records);
    await memory.keep(known);
    return decided.map(({ fate }) => fate);
  };
};

const publishableTypes = async (codec: Codec, wanted: CommitOptions['types']): Promise<Types> => {
  const types = new Map<string, Publishable>();
  for (const { type, schema, siblingOf, defaultPriority } of loadCatalogue()) {
    if (!wanted.some((one) => one === type)) continue;
    const schemaId = await codec.idOf(type, schema);
    await codec.schemaOf(schemaId);
    types.set(type, { schemaId, priority: defaultPriority, siblingOf });
  }
  return types;
};

/** Whether an agreement names the type that is neither a draft nor ended; what withdraws such a fact goes with it. */
const isShared = (agreements: Agreements, { organisation, types }: Deciding, { type }: Fact): boolean => {
  const publishable = types.get(type);
  if (publishable === undefined) return false;
  for (const { record, status } of agreements.state().versions.values()) {
    if (record.agreement.from !== organisation || status === 'draft' || status === 'ended') continue;
    if ([type, ...publishable.siblingOf].some((one) => Object.hasOwn(record.release, one))) return true;
  }
  return false;
};

const identifiedFacts = (
  { organisation, tokeniser }: Deciding,
  { identity, content, facts }: SourceMessage,
): Identified[] =>
  facts.map((fact, index) => {
    const visit = (fact.remember ?? fact.voids)?.visit;
    return {
      fact,
      id: eventId(identity, content, index),
      visit: visit === undefined ? undefined : tokeniser.local(organisation, 'visit', visit),
    };
  });

const recall = (memory: Memory, facts: readonly Identified[]): Promise<Remembered> =>
  memory.recall(
    facts.map(({ id }) => id),
    facts.flatMap(({ fact, visit }) => (visit && fact.voids ? [{ visit, fact: fact.voids.fact }] : [])),
  );

/** Decides one message against what is known from before and from earlier in its group, and adds to that. */
const decide = async (
  deciding: Deciding,
  message: SourceMessage,
  shared: readonly Identified[],
  known: Remembered,
): Promise<Decided> => {
  if (shared.length === 0) return { fate: { fate: 'not-shared' }, records: [] };
  const fresh = shared.filter(({ id }) => !known.hasEvent(id));
  if (fresh.length === 0) return { fate: { fate: 'duplicate' }, records: [] };
  const meant = fresh.filter((one) => !one.fact.voids?.onlyIfKnown || correctedBy(one, known) !== undefined);
  if (meant.length === 0) return { fate: { fate: 'ignored', reason: 'nothing-to-void' }, records: [] };
  try {
    const records = await recordsOf(deciding, meant, known);
    for (const { fact, id, visit } of meant) {
      known.addEvent(id);
      if (visit && fact.remember) known.addFact(visit, fact.remember.fact, id);
    }
    return { fate: { fate: 'published', ids: meant.map(({ id }) => id) }, records };
  } catch (error) {
    if (!isPermanent(error)) throw error;
    const { raw, contentType } = message;
    const letter = { raw, contentType, reason: error.code, attempts: 1 };
    const { deadLetter } = topicsOf(deciding.organisation);
    const record = deadLetterRecord(deadLetter, deciding.adapter, deciding.source, letter);
    return { fate: { fate: 'dead-lettered', reason: error.code }, records: [record] };
  }
};

const correctedBy = ({ fact, visit }: Identified, known: Remembered): string | undefined =>
  visit && fact.voids ? known.lastEvent(visit, fact.voids.fact) : undefined;

const recordsOf = async (
  deciding: Deciding,
  facts: readonly Identified[],
  known: Remembered,
): Promise<KafkaRecord[]> => {
  const records: KafkaRecord[] = [];
  for (const one of facts) {
    const publishable = deciding.types.get(one.fact.type);
    if (publishable === undefined) continue;
    records.push(await factRecord(deciding, one.fact, one.id, publishable, correctedBy(one, known)));
  }
  return records;
};

import type { EventData } from '@causeway/schemas/generated/types';
import type { Codec } from '../avro/codec.ts';
import { deadLetterRecord } from '../bus/dead-letter.ts';
import type { Tokeniser } from '../bus/pseudonyms.ts';
import { topicsOf } from '../bus/topics.ts';
import { isPermanent } from '../errors.ts';
import type { KafkaRecord } from '../kafka/broker-client.ts';
import { type Producer, sendInTime } from '../kafka/producer.ts';
import type { Database } from '../postgres/database.ts';
import type { Agreements } from '../reference-data/agreements.ts';
import type { Logger } from '../telemetry/log.ts';
import { createDedupStore, type DedupLookup } from './dedup-store.ts';
import { type Fact, factRecord, type Recording } from './fact.ts';
import { identifyFacts, type PublishableTypes, publishableTypes, sharedBy } from './identify.ts';
import { identifyRegistrations, newRegistrations, type Registration } from './registrations.ts';
import {
  applyRules,
  decidableTogether,
  type IdentifiedFact,
  type Publication,
  readsOf,
  rememberFacts,
  type SkipReason,
} from './rules.ts';

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
  registrations?: readonly Registration[];
  /** The trace that the sender's request belongs to, W3C Trace Context, where its protocol carries one. */
  traceparent?: string | undefined;
};

/** The outcome of a message; `published` where at least one fact of it was, or, without an id, a registration only. */
export type PublishOutcome =
  | { fate: 'published'; ids: string[] }
  | { fate: 'duplicate' | 'not-shared' }
  | { fate: 'ignored'; reason: SkipReason }
  | { fate: 'dead-lettered'; reason: string };

export type PublisherOptions = {
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

/** What is to be written for a message, and its outcome once that is durable. */
export type Planned = { outcome: PublishOutcome; records: KafkaRecord[]; registrations: KafkaRecord[] };
/** The first messages of those given, planned; with what has to be remembered of them once they are published. */
export type PlannedGroup = { planned: Planned[]; known: DedupLookup };

export type SourcePublisher = {
  /**
   * Plans messages in their order, as many of the first ones as can be planned together; one at least. A group that was planned must be
   * published, or discarded with every later one, before or while the next is planned.
   * @throws RetryableError when what is remembered cannot be looked up now
   */
  plan(messages: readonly SourceMessage[]): Promise<PlannedGroup>;
  /** Makes planned groups durable, in their order. @throws RetryableError when they cannot be kept now */
  publish(groups: readonly PlannedGroup[]): Promise<void>;
  /** Forgets groups that are not going to be published. */
  discard(groups: readonly PlannedGroup[]): void;
  /** Resolves once what was published is also written into the memory. */
  recorded(): Promise<void>;
  prune(): Promise<void>;
  close(): Promise<void>;
};

type Planning = Recording & { adapter: string; types: PublishableTypes };

/**
 * Everything that `accept` needs: tables, schema ids, agreements.
 * @throws RetryableError, or PermanentError `unknown-schema` before the deployment step of this version has run
 */
export const createSourcePublisher = async (options: PublisherOptions): Promise<SourcePublisher> => {
  const { organisation, adapter, codec, tokeniser, agreements, producer } = options;
  await options.database.migrate(new URL('./migrations', import.meta.url));
  const types = await publishableTypes(codec, options.types);
  await agreements.caughtUp;
  const store = createDedupStore(options.database, options.log);
  const isShared = sharedBy(agreements, organisation, types);
  const source = `/${organisation}/${adapter}`;
  const planning: Planning = { organisation, adapter, source, codec, tokeniser, types };

  return {
    async plan(messages) {
      const identified = messages.map((message) =>
        identifyFacts(planning, message).filter(({ fact }) => isShared(fact)),
      );
      const group = identified.slice(0, decidableTogether(identified));
      const registrations = messages
        .slice(0, group.length)
        .map((message) => identifyRegistrations(planning, message.registrations));
      const rules = [
        ...registrations.flat().map(({ rule }) => rule),
        ...group.flat().flatMap((one) => one.rules),
      ];
      const known = await store.lookup(
        group.flat().map(({ id }) => id),
        rules.flatMap(readsOf),
      );
      const planned: Planned[] = [];
      for (const [index, facts] of group.entries()) {
        const fresh = newRegistrations(registrations[index] ?? [], known);
        planned.push(await planMessage(planning, messages[index] as SourceMessage, facts, known, fresh));
      }
      return { planned, known };
    },
    async publish(groups) {
      const planned = groups.flatMap((group) => group.planned);
      const first = planned.flatMap((one) => one.registrations);
      const records = planned.flatMap((one) => one.records);
      if (first.length > 0) await sendInTime(producer, first);
      if (records.length > 0) await sendInTime(producer, records);
      for (const { known } of groups) store.record(known);
    },
    discard: (groups) => {
      for (const { known } of groups) store.discard(known);
    },
    recorded: () => store.recorded(),
    prune: () => store.prune(),
    close: () => store.close(),
  };
};

/** Plans one message against what is known from before and from earlier in its group, and adds to that. */
const planMessage = async (
  planning: Planning,
  message: SourceMessage,
  shared: readonly IdentifiedFact[],
  known: DedupLookup,
  registrations: KafkaRecord[],
): Promise<Planned> => {
  const without = (outcome: PublishOutcome): Planned => ({
    outcome: registrations.length > 0 ? { fate: 'published', ids: [] } : outcome,
    records: [],
    registrations,
  });
  if (shared.length === 0) return without({ fate: 'not-shared' });
  const fresh = shared.filter(({ id }) => !known.hasEvent(id));
  if (fresh.length === 0) return without({ fate: 'duplicate' });
  const applied = applyRules(fresh, known);
  if ('skip' in applied) return without({ fate: 'ignored', reason: applied.skip });
  const { publish } = applied;
  try {
    const records = await recordsOf(planning, publish, message.traceparent);
    rememberFacts(publish, known);
    return { outcome: { fate: 'published', ids: publish.map(({ id }) => id) }, records, registrations };
  } catch (error) {
    if (!isPermanent(error)) throw error;
    const { raw, contentType } = message;
    const letter = { raw, contentType, reason: error.code, attempts: 1 };
    const { deadLetter } = topicsOf(planning.organisation);
    const record = deadLetterRecord(deadLetter, planning.adapter, planning.source, letter);
    return { outcome: { fate: 'dead-lettered', reason: error.code }, records: [record], registrations };
  }
};

const recordsOf = async (
  planning: Planning,
  publications: readonly Publication[],
  traceparent: string | undefined,
): Promise<KafkaRecord[]> => {
  const records: KafkaRecord[] = [];
  for (const { fact, id, corrects } of publications) {
    const type = planning.types.get(fact.type);
    if (type === undefined) continue;
    const record = await factRecord(planning, fact, id, type, { corrects });
    const { headers } = record;
    records.push(traceparent === undefined ? record : { ...record, headers: { ...headers, traceparent } });
  }
  return records;
};
